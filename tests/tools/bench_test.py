#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A bench must be able to miss its goal."""

import sys
import unittest

from house import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import bench  # noqa: E402


def met(goal: dict, hand: tuple, ours: tuple, measure: str = "instructions", **row) -> bool:
    row["at_most"] = goal
    return bench.judge(row, measure, bench.Figure(*hand), bench.Figure(*ours))[1]


class Judge(unittest.TestCase):
    def test_a_goal_by_difference(self):
        self.assertTrue(met({"plus": 2}, (40,), (42,)))
        self.assertFalse(met({"plus": 2}, (40,), (43,)))

    def test_a_goal_by_ratio(self):
        self.assertTrue(met({"times": 0.45}, (1000,), (450,)))
        self.assertFalse(met({"times": 0.45}, (1000,), (451,)))

    def test_a_call_more_than_by_hand_is_a_miss(self):
        self.assertFalse(met({"plus": 2}, (40, 4), (40, 5)))
        self.assertTrue(met({"plus": 2}, (40, 4), (40, 5), calls="free"))
        self.assertTrue(met({"times": 1}, (40, 4), (40, 5), measure="time"))

    def test_medians_shrug_at_one_disturbed_run(self):
        values = {"a": iter([1, 900, 1, 1, 1]), "b": iter([2, 2, 2, 2, 2])}
        figures = bench.medians(lambda name: next(values[name]), ["a", "b"], 5)
        self.assertEqual((figures["a"].value, figures["b"].value), (1, 2))


if __name__ == "__main__":
    unittest.main()

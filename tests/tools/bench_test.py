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

    def test_an_allocation_more_than_the_goal_is_a_miss(self):
        self.assertTrue(met({"times": 1}, (40, 4, 4), (40, 4, 0), allocations=0))
        self.assertFalse(met({"times": 1}, (40, 4, 4), (40, 4, 1), allocations=0))

    def test_a_compiler_may_have_a_goal_of_its_own(self):
        row = {"at_most": {"times": 0.3, "Clang": {"times": 0.4}}}
        hand, ours = bench.Figure(100), bench.Figure(35)
        self.assertFalse(bench.judge(row, "instructions", hand, ours, "GCC")[1])
        self.assertTrue(bench.judge(row, "instructions", hand, ours, "Clang")[1])

    def test_a_row_without_a_goal_cannot_miss_it(self):
        hand, ours = bench.Figure(1), bench.Figure(9)
        self.assertEqual(bench.judge({}, "code", hand, ours), ("", True))

    def test_calls_of_a_function_are_counted_under_its_number(self):
        text = "fn=(1) main\ncfn=(2) malloc\ncalls=3 0\ncfn=(3) free\ncalls=9 0\nfn=(4) f\n"
        text += "cfn=(2)\ncalls=2 0\n"
        self.assertEqual(bench.calls_of({"malloc"}, text), 5)

    def test_medians_shrug_at_one_disturbed_run(self):
        values = {"a": iter([1, 900, 1, 1, 1]), "b": iter([2, 2, 2, 2, 2])}
        figures = bench.medians(lambda name: next(values[name]), ["a", "b"], 5)
        self.assertEqual((figures["a"].value, figures["b"].value), (1, 2))


if __name__ == "__main__":
    unittest.main()

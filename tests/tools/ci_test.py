#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The closing line of .ci/run says what happened, and its status agrees."""

import shutil
import subprocess
import unittest

from house import ROOT, HouseTest


class Ci(HouseTest):
    def run_ci(self, test: str, check: str) -> tuple[int, str]:
        """.ci/run with a `dev` whose two jobs are these commands; status and last line."""
        (self.root / ".ci").mkdir()
        shutil.copy(ROOT / ".ci/run", self.root / ".ci")
        script = f'#!/bin/bash\ncase $1 in test) {test} ;; check) {check} ;; esac\n'
        self.write("dev", script).chmod(0o755)
        done = subprocess.run(
            [self.root / ".ci/run"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.splitlines()[-1]

    def test_the_runs_are_summed(self):
        first = "echo '100% tests passed, 0 tests failed out of 10'"
        second = "echo '100% tests passed, 0 tests failed out of 5'"
        both = f"{second}; {second}"
        self.assertEqual(self.run_ci(first, both), (0, "20 passed, 0 failed"))

    def test_a_failing_test_fails_the_run_and_the_check_still_runs(self):
        first = "echo '90% tests passed, 1 tests failed out of 10'; exit 8"
        second = "echo '100% tests passed, 0 tests failed out of 5'"
        self.assertEqual(self.run_ci(first, second), (1, "14 passed, 1 failed"))

    def test_a_build_that_fails_is_a_failure_too(self):
        first = "echo '100% tests passed, 0 tests failed out of 10'"
        self.assertEqual(self.run_ci(first, "exit 1"), (1, "10 passed, 1 failed"))

    def test_nothing_at_all_is_a_failure(self):
        self.assertEqual(self.run_ci("exit 1", "exit 1"), (1, "0 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()

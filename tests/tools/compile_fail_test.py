#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The harness of the compile-fail tests must itself be able to fail."""

import subprocess
import unittest

from house import ROOT, HouseTest


class CompileFail(HouseTest):
    def run_harness(self, code: str):
        file = self.write("rule.cpp", code)
        script = ROOT / "cmake/compile_fail_run.cmake"
        return subprocess.run(
            ["cmake", f"-DFILE={file}", "-P", script, "--", "c++", "-std=c++20", "-fsyntax-only"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def test_it_passes_when_the_message_is_the_expected_one(self):
        code = '// licence\n// error: may not; use (a|b)\nstatic_assert(false, "may not; use b");'
        self.assert_clean(self.run_harness(code))

    def test_it_fails_when_the_file_compiles(self):
        self.assert_fault(self.run_harness("// licence\n// error: x\n"), "it compiles")

    def test_it_fails_on_another_message(self):
        code = '// licence\n// error: nobody may\nstatic_assert(false, "everybody may");'
        self.assert_fault(self.run_harness(code), "but not with")

    def test_it_fails_on_a_file_without_an_expectation(self):
        self.assert_fault(self.run_harness("// licence\n\nint x = y;\n"), "the second line must be")


if __name__ == "__main__":
    unittest.main()

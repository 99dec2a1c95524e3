#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import unittest

from house import HouseTest


class Promises(HouseTest):
    def check(self, guards: str):
        """Against a build folder whose tests are core.one and fault.every/two."""
        tests = "add_test(core.one true)\nadd_test(fault.every/two true)\n"
        self.write("build/CTestTestfile.cmake", tests)
        page = self.write("page.md", f"| promise | guarded by |\n|---|---|\n| it | {guards} |\n")
        build = str(self.root / "build")
        return self.tool("check_promises.py", "--page", str(page), build)

    def test_a_guard_that_exists_is_fine(self):
        self.assert_clean(self.check("`core.one`, `fault.*`, `./dev bench x`"))

    def test_a_guard_that_is_gone_fails(self):
        done = self.check("`core.one`, `core.two`")
        self.assert_fault(done, "page.md:3: there is no test core.two")

    def test_a_page_without_promises_fails(self):
        self.assert_fault(self.check("nothing"), "0 guards")


if __name__ == "__main__":
    unittest.main()

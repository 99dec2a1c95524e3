#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import unittest

from house import LICENCE, HouseTest


class Style(HouseTest):
    def check(self):
        return self.tool("check_style.py", "--root", str(self.root))

    def header(self, *lines: str, path: str = "include/withal/core/x.hpp"):
        self.write(path, "\n".join([f"// {LICENCE}", "#pragma once", *lines]) + "\n")

    def test_a_good_header_is_clean(self):
        self.header("/// One thing.", "struct thing {};")
        self.assert_clean(self.check())

    def test_a_missing_licence_line_fails(self):
        self.write("src/core/x.cpp", "int x;\n")
        self.assert_fault(self.check(), "src/core/x.cpp:1: the licence line is missing")

    def test_a_script_has_its_licence_line_after_the_first(self):
        self.write("dev", f"#!/usr/bin/env bash\n# {LICENCE}\n")
        self.assert_clean(self.check())

    def test_a_missing_pragma_fails(self):
        self.write("include/withal/core/x.hpp", f"// {LICENCE}\n// a comment\n")
        self.assert_fault(self.check(), "x.hpp:2: #pragma once")

    def test_other_than_ascii_fails(self):
        self.header("// na\u00efve")
        self.assert_fault(self.check(), "x.hpp:3: not ASCII")

    def test_a_long_line_fails_but_for_what_the_lint_is_told(self):
        self.header("/// One thing.", "int x; // NOLINT(a): " + "x" * 100)
        self.assert_clean(self.check())
        self.header("/// One thing. " + "x" * 100)
        self.assert_fault(self.check(), "x.hpp:3: longer than 100 columns")

    def test_an_unfinished_spot_fails(self):
        self.header("// TO" + "DO: later")
        self.assert_fault(self.check(), "x.hpp:3: finish it")

    def test_a_header_over_the_limit_fails(self):
        self.header(*["// a line"] * 400)
        self.assert_fault(self.check(), "402 lines; a public header has at most 400")

    def test_headers_too_long_in_the_median_fail(self):
        self.header(*["// a line"] * 150)
        self.assert_fault(self.check(), "the median public header has 152 lines")

    def test_detail_is_not_counted(self):
        self.header("/// One thing.")
        self.header(*["int x();"] * 500, path="include/withal/core/detail/y.hpp")
        self.assert_clean(self.check())

    def test_too_few_comments_fail(self):
        self.header(*["int x();"] * 20)
        self.assert_fault(self.check(), "% of the public headers is comment")


if __name__ == "__main__":
    unittest.main()

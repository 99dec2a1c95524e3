#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The mutation run must tell what is caught from what is not; and the list must fit."""

import sys
import tomllib
import unittest

from house import HEADER, ROOT, HouseTest

sys.path.insert(0, str(ROOT / "tools"))
import mutate  # noqa: E402

# Small programs instead of GoogleTest's: they say what it would say.
TEST = """#include <withal/core/twice.hpp>
#include <cstdio>
int main() {
    if (twice(2) == 4) {
        return 0;
    }
    std::puts("[  FAILED  ] twice.doubles (0 ms)");
    return 1;
}
"""
OTHER_TEST = "int main() { return 0; }\n"
LIST = """[[file]]
path = "include/withal/core/twice.hpp"
tests = ["twice"]
"""


def mutant(old: str, new: str, name: str = "one", more: str = "") -> str:
    return f'[[file.mutant]]\nname = "{name}"\nold = "{old}"\nnew = "{new}"\nwhy = "a"\n{more}\n'


class Mutate(HouseTest):
    def setUp(self):
        super().setUp()
        self.write("include/withal/core/twice.hpp", HEADER)
        self.write("tests/core/twice.test.cpp", TEST)
        self.write("tests/core/other.test.cpp", OTHER_TEST)

    def run_list(self, *mutants: str, options: tuple = ()):
        self.write("tools/mutants.toml", LIST + "".join(mutants))
        return self.tool("mutate.py", "--root", str(self.root), *options)

    def test_a_mutant_that_a_test_notices_is_killed_by_its_name(self):
        done = self.run_list(mutant("sum += n", "sum -= n"))
        self.assert_clean(done)
        self.assertIn("one  killed  twice.doubles\nmutants: 1, 1 killed\n", done.stdout)

    def test_a_mutant_that_nobody_notices_survives(self):
        done = self.run_list(mutant("int sum = n;", "int sum = n + 0;"))
        self.assert_fault(done, "one  SURVIVED\nmutants: 1, 1 SURVIVED\n")

    def test_an_equivalent_mutant_must_survive(self):
        same = mutant("int sum = n;", "int sum = n + 0;", more="equivalent = true")
        self.assert_clean(self.run_list(same))
        other = mutant("sum += n", "sum -= n", more="equivalent = true")
        self.assert_fault(self.run_list(other), "one  KILLED, though listed as equivalent")

    def test_what_only_a_sanitizer_sees_is_killed(self):
        done = self.run_list(mutant("int sum = n;", "int sum = n + 0 * *(new int(1));"))
        self.assertIn("one  killed  twice.test.cpp (crashes) (sanitizers)", done.stdout)
        self.assert_clean(done)

    def test_a_mutant_that_crashes_is_killed(self):
        crash = mutant("int sum = n;", "int sum = n; __builtin_trap();")
        self.assertIn("one  killed  twice.test.cpp (crashes)", self.run_list(crash).stdout)

    def test_a_mutant_that_does_not_compile_proves_nothing(self):
        self.assert_fault(self.run_list(mutant("return sum;", "return summ;")), "one  INVALID")

    def test_a_test_that_fails_without_mutants_is_a_fault(self):
        self.write("tests/core/twice.test.cpp", TEST.replace("== 4", "== 5"))
        done = self.run_list(mutant("sum += n", "sum -= n"))
        self.assert_fault(done, "tests/core/twice.test.cpp fails without any mutant")

    def test_a_mutant_that_fits_no_place_or_two_is_a_fault(self):
        done = self.run_list(mutant("gone", "x"), mutant("n;", "x;", "two"), options=("--check",))
        self.assert_fault(done, "one: 'gone' is 0 times in include/withal/core/twice.hpp, not once")
        self.assert_fault(done, "two: 'n;' is 2 times")
        self.assert_fault(done, "mutants: 2, 2 no longer fit")

    def test_a_place_can_be_named_by_what_stands_before_it(self):
        found = mutant("n;", "x;", more='after = "+="')
        self.assert_clean(self.run_list(found, options=("--check",)))
        missed = mutant("n;", "x;", more='after = "return"')
        self.assert_fault(self.run_list(missed, options=("--check",)), "is not in")

    def test_a_mutant_must_differ_within_one_line_and_have_a_name_of_its_own(self):
        self.assert_fault(self.run_list(mutant("sum", "sum")), "must differ, within one line")
        self.assert_fault(self.run_list(mutant("n;\\n", "x;")), "must differ, within one line")
        twins = [mutant("sum += n", "sum -= n")] * 2
        self.assert_fault(self.run_list(*twins), "one: two mutants have this name")
        unknown = mutant("sum += n", "sum -= n", more='tests = ["gone"]')
        self.assert_fault(self.run_list(unknown), "one: there is no test gone in tests/core")

    def test_the_table_goes_where_the_page_wants_it(self):
        page = self.write("page.md", "a\n<!-- mutants -->\nold\n<!-- end of mutants -->\nb\n")
        done = self.run_list(mutant("sum += n", "sum -= n"), options=("--page", str(page)))
        self.assert_clean(done)
        text = page.read_text()
        self.assertIn("**core/twice.hpp**\n", text)
        self.assertIn("| `one` | a | `twice.doubles` |\n", text)
        self.assertNotIn("old", text)
        self.assertTrue(text.startswith("a\n<!-- mutants -->\n"))
        self.assertTrue(text.endswith("<!-- end of mutants -->\nb\n"))


class List(unittest.TestCase):
    """The list of this house, without compiling anything."""

    def test_every_mutant_fits_its_file(self):
        mutants = mutate.read_list(ROOT)
        self.assertEqual(mutate.check(ROOT, mutants), [])
        self.assertGreaterEqual(sum(not m.equivalent for m in mutants), 40)

    def test_the_law_and_its_drivers_are_among_the_files(self):
        groups = tomllib.loads((ROOT / mutate.LIST).read_text())["file"]
        files = {group["path"].removeprefix("include/withal/core/") for group in groups}
        self.assertLessEqual({"unwinding.hpp", "detail/frame.hpp", "detail/run.hpp"}, files)


if __name__ == "__main__":
    unittest.main()

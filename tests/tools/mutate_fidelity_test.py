#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The proof of the comparison must tell a mistake that it finds from one that it does not."""

import sys
import unittest

from house import HEADER, ROOT, HouseTest

sys.path.insert(0, str(ROOT / "tools"))
import mutate  # noqa: E402
import mutate_fidelity  # noqa: E402

# Programs that are a number each, and print it and its double.
CPP_SIDE = """#include <withal/core/twice.hpp>
#include <iostream>
int main() {
    for (int n; std::cin >> n;) {
        std::cout << "n " << n << " | twice " << twice(n) << '\\n';
    }
}
"""
PYTHON_SIDE = """def run(program):
    return f"n {program} | twice {2 * program}"
"""
GENERATOR = """class Maker:
    def __init__(self, seed):
        self.seed = seed
    def program(self, index):
        number = self.seed + index
        return number
"""
# Stands for the whole of fidelity.py: wants even and odd numbers, and none that is negative.
FIDELITY = """import sys, programs
seed, count = (int(sys.argv[sys.argv.index(word) + 1]) for word in ("--seed", "--count"))
made = [programs.Maker(seed).program(index) for index in range(count)]
faults = 0
for index, number in enumerate(made[:100]):
    if number < 0:
        print(f"\\nnumber {index} of seed {seed} is not a program: it is negative")
        faults = 1
missing = [("even", "odd")[n] for n in (0, 1) if n not in {number % 2 for number in made}]
if missing:
    print(f"\\nof the first {count} random programs, none shows")
    for shape in missing:
        print(f"    {shape}")
print(f"{count} programs, 0 differences")
sys.exit(1 if missing or faults else 0)
"""
PATHS = {"library": "include/withal/core/twice.hpp", "generator": "tests/fidelity/programs.py"}


def mutant(old: str, new: str, name: str = "one", of: str = "library") -> str:
    entry = f'[[file.mutant]]\nname = "{name}"\nold = "{old}"\nnew = "{new}"\nwhy = "a"\n'
    return f'[[file]]\npath = "{PATHS[of]}"\n{entry}'


class MutateFidelity(HouseTest):
    def setUp(self):
        super().setUp()
        self.write("include/withal/core/twice.hpp", HEADER)
        self.write("tests/fidelity/cpp_side/main.cpp", CPP_SIDE)
        self.write("tests/fidelity/python_side.py", PYTHON_SIDE)
        self.write("tests/fidelity/programs.py", GENERATOR)
        self.write("tests/fidelity/fidelity.py", FIDELITY)

    def run_list(self, *mutants: str, options: tuple = ()):
        self.write("tools/fidelity_mutants.toml", "".join(mutants))
        return self.tool("mutate_fidelity.py", "--root", str(self.root), *options)

    def test_a_mutant_of_the_library_is_found_by_the_first_program_that_differs(self):
        done = self.run_list(mutant("sum += n", "sum += n < 7 ? n : 0"))
        self.assert_clean(done)
        self.assertIn("one  found after 7 programs (`twice 7`, not `twice 14`)\n", done.stdout)
        counts = "fidelity mutants: 1 of withal, 0 of the generator"
        last = f"{counts}; all found within 20000 programs, the last after 7\n"
        self.assertTrue(done.stdout.endswith(last), done.stdout)

    def test_a_mutant_of_the_library_that_no_program_shows_is_not_found(self):
        done = self.run_list(mutant("int sum = n;", "int sum = n == 20001 ? 0 : n;"))
        self.assert_fault(done, "one  NOT FOUND\nfidelity mutants: 1 of withal, 0 of the generator")
        self.assertTrue(done.stdout.endswith("; 1 NOT FOUND\n"), done.stdout)

    def test_the_last_program_counts_too(self):
        done = self.run_list(mutant("int sum = n;", "int sum = n == 20000 ? 0 : n;"))
        self.assertIn("one  found after 20000 programs", done.stdout)

    def test_a_crash_is_found_where_it_is(self):
        done = self.run_list(mutant("int sum = n;", "int sum = n; if (n == 5) __builtin_trap();"))
        self.assertIn("one  found after 5 programs (dies: Illegal instruction)", done.stdout)
        self.assert_clean(done)

    def test_an_exit_is_found_where_it_is(self):
        done = self.run_list(mutant("int sum = n;", "int sum = n; if (n == 3) __builtin_exit(2);"))
        self.assertIn("one  found after 3 programs (ends with 2)", done.stdout)
        self.assert_clean(done)

    def test_a_hang_is_found_where_it_is(self):
        hang = "int sum = n; for (volatile int at = n; at == 4;) {}"
        done = self.run_list(mutant("int sum = n;", hang))
        self.assertIn("one  found after 4 programs (hangs)", done.stdout)
        self.assert_clean(done)

    def test_a_mutant_that_does_not_compile_proves_nothing(self):
        done = self.run_list(mutant("return sum;", "return summ;"))
        self.assert_fault(done, "one  INVALID  ")
        self.assertIn("error:", done.stdout)
        self.assertTrue(done.stdout.endswith("; 1 INVALID\n"), done.stdout)

    def test_a_mutant_of_the_generator_is_found_by_the_shape_that_is_missing(self):
        done = self.run_list(mutant("return number", "return 2 * number", of="generator"))
        self.assertIn("one  found after 20000 programs (none shows `odd`)\n", done.stdout)
        self.assert_clean(done)

    def test_a_mutant_of_the_generator_is_found_by_what_is_no_program(self):
        negative = "return number - 2 * (index == 0)"
        done = self.run_list(mutant("return number", negative, of="generator"))
        words = "one  found after 1 programs (made what is no program: it is negative)\n"
        self.assertIn(words, done.stdout)
        self.assert_clean(done)

    def test_a_mutant_of_the_generator_that_changes_no_shape_is_not_found(self):
        same = mutant("return number", "return number + 1", of="generator")
        other = mutant("sum += n", "sum -= n", "two")
        done = self.run_list(same, other)
        self.assert_fault(done, "one  NOT FOUND\ntwo  found after 1 programs")
        self.assertIn("1 of withal, 1 of the generator; 1 NOT FOUND\n", done.stdout)

    def test_a_generator_that_breaks_proves_nothing(self):
        done = self.run_list(mutant("number = self.seed", "number = self.sead", of="generator"))
        self.assert_fault(done, "one  INVALID  AttributeError")

    def test_a_difference_without_mutants_is_a_fault(self):
        self.write("tests/fidelity/python_side.py", PYTHON_SIDE.replace("2 *", "3 *"))
        done = self.run_list(mutant("sum += n", "sum -= n"))
        self.assert_fault(done, "without any mutant, a difference is found after 1 programs")

    def test_a_shape_that_is_missing_without_mutants_is_a_fault(self):
        self.write("tests/fidelity/programs.py", GENERATOR.replace("self.seed +", "2 *"))
        done = self.run_list(mutant("2 *", "3 *", of="generator"))
        self.assert_fault(done, "fidelity.py fails without any mutant")

    def test_a_mutant_that_fits_no_place_is_a_fault(self):
        done = self.run_list(mutant("gone", "x"), options=("--check",))
        self.assert_fault(done, "one: 'gone' is 0 times in include/withal/core/twice.hpp, not once")
        self.assert_fault(done, "mutants: 1, 1 no longer fit")

    def test_the_table_goes_where_the_page_wants_it(self):
        page = self.write("page.md", "a\n<!-- mutants -->\nold\n<!-- end of mutants -->\nb\n")
        odd = mutant("return number", "return 2 * number", "two", of="generator")
        done = self.run_list(mutant("sum += n", "sum -= n"), odd, options=("--page", str(page)))
        self.assert_clean(done)
        text = page.read_text()
        self.assertIn("**core/twice.hpp**\n", text)
        self.assertIn("| `one` | a | 1: `twice 0`, not `twice 2` |\n", text)
        self.assertIn("**tests/fidelity/programs.py**\n", text)
        self.assertIn("| `two` | a | 20000: none shows `odd` |\n", text)
        self.assertNotIn("old", text)


class List(unittest.TestCase):
    """The list of this house, without compiling anything."""

    def setUp(self):
        self.mutants = mutate.read_list(ROOT, mutate_fidelity.LIST)

    def named(self, part: str) -> list[str]:
        return [m.name for m in self.mutants if part in m.file]

    def test_every_mutant_fits_its_file(self):
        self.assertEqual(mutate.check(ROOT, self.mutants), [])

    def test_there_are_enough_of_each_kind(self):
        self.assertGreaterEqual(len(self.named("include/")), 36)
        self.assertGreaterEqual(len(self.named("generator") + self.named("managed")), 10)
        self.assertGreaterEqual(len(self.named(mutate_fidelity.GENERATOR)), 10)

    def test_each_is_of_the_library_or_of_the_generator_and_must_be_found(self):
        both = self.named("include/withal/core/") + self.named(mutate_fidelity.GENERATOR)
        self.assertEqual(len(both), len(self.mutants))
        self.assertEqual([m.name for m in self.mutants if m.equivalent or m.tests], [])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Breaks one line at a time, and fails when the comparison with CPython does not notice.

usage: mutate_fidelity.py [-j JOBS] [--page FILE] [NAME...]  runs the mutants (those named)
       mutate_fidelity.py --check                   only sees whether each still fits its file

The mutants are in tools/fidelity_mutants.toml, written as those of mutate.py. There are two kinds,
and each is applied to a copy, never to the checkout.

- One of the library is built into the C++ interpreter of tests/fidelity. That runs random programs
  until what it prints is not what CPython prints; a crash and a hang count too.
- One of the generator, tests/fidelity/programs.py, makes the programs for fidelity.py, which must
  say that a shape of programs is missing, or that what was made is no program.

Prints a line for each mutant; --page also writes the table into FILE, between the lines
<!-- mutants --> and <!-- end of mutants -->. CXX is the compiler, with words before it if need be;
by default it is g++, behind ccache if there is one.

exit status: 0 every mutant is found; 1 one is not, or no longer fits, does not compile, or the two
differ without it; 2 wrong usage
"""

import argparse
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mutate import (
    Fault,
    Mutant,
    command_line,
    compile_error,
    run_limited,
    table,
    usable,
    write_page,
)

LIST = "tools/fidelity_mutants.toml"
FOLDER = "tests/fidelity"
GENERATOR = f"{FOLDER}/programs.py"
SEED = 1
COUNT = 20_000  # programs; fidelity.py, too, wants to see every shape in as many
PATIENCE = 600  # seconds for a run of fidelity.py
LONGEST = 80  # letters of an event in the table

# One source, so that one start of the compiler does. It prints at once: a crash loses no line.
SOURCE = """#include <iostream>
const std::ostream& at_once = std::cout << std::unitbuf;
"""


@dataclass
class Result:
    """What came of a mutant."""

    word: str  # found, NOT FOUND, INVALID
    after: int = 0  # programs
    words: str = ""  # what differed

    def __str__(self) -> str:
        after = f" after {self.after} programs ({self.words})"
        return self.word + {"found": after, "INVALID": f"  {self.words}"}.get(self.word, "")


class Laboratory:
    """Copies of the tree, and what the two sides do without any mutant."""

    def __init__(self, root: Path, scratch: Path):
        ccache = ["ccache"] if shutil.which("ccache") else []
        self.compiler = shlex.split(os.environ.get("CXX", "")) or [*ccache, "g++"]
        self.scratch = scratch
        self.clean = scratch / "clean"
        for tree in ("include", FOLDER):
            shutil.copytree(root / tree, self.clean / tree)
        # A mutant may eat all memory.
        self.tamed = usable(["prlimit", f"--as={4 << 30}"])
        self.programs = scratch / "programs"
        self.events = self.run_python()
        self.limit = 600.0
        self.compare_without_mutants()

    def run_python(self) -> list[str]:
        """Writes the programs into a file; what CPython says of each."""
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(self.clean / FOLDER))
        import programs
        import python_side

        maker = programs.Maker(SEED)
        made = [maker.program(index) for index in range(COUNT)]
        self.programs.write_text("".join(json.dumps(program) + "\n" for program in made))
        return [python_side.run(program) for program in made]

    def compare_without_mutants(self):
        if said := self.build(self.clean):
            raise Fault(f"the C++ side does not compile without any mutant: {said}")
        began = time.monotonic()
        result = self.compare(self.clean)
        if result.word == "found":
            raise Fault(f"without any mutant, a difference is {result}")
        self.limit = 10 * (time.monotonic() - began) + 5

    def build(self, tree: Path) -> str:
        """Makes the C++ side of this tree; what the compiler says, nothing if it is content."""
        sources = sorted((self.clean / FOLDER / "cpp_side").glob("*.cpp"))
        if not (tree / FOLDER).exists():
            shutil.copytree(self.clean / FOLDER / "cpp_side", tree / FOLDER / "cpp_side")
        includes = [f'#include "{FOLDER}/cpp_side/{each.name}"\n' for each in sources]
        (tree / "one.cpp").write_text(SOURCE + "".join(includes))
        # Only relative paths: then ccache knows a mutant again.
        paths = ["-Iinclude", "-c", "one.cpp", "-o", "one.o"]
        said = compile_error([*self.compiler, "-std=c++20", "-O0", "-w", *paths], tree)
        return said or compile_error([*self.compiler, "one.o", "-o", "cpp_side"], tree)

    def compare(self, tree: Path) -> Result:
        """Runs the C++ side until it differs from CPython."""
        late = threading.Event()

        def end_it():
            late.set()
            running.kill()

        with (
            self.programs.open("rb") as programs,
            subprocess.Popen(
                [*self.tamed, tree / "cpp_side"],
                stdin=programs,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
            ) as running,
        ):
            alarm = threading.Timer(self.limit, end_it)
            alarm.start()
            try:
                for number, events in enumerate(self.events, 1):
                    said = running.stdout.readline()
                    if not said.endswith("\n"):
                        status = running.wait()
                        return Result("found", number, how_it_ended(status, late.is_set()))
                    if said != events + "\n":
                        return Result("found", number, first_difference(events, said.rstrip("\n")))
            finally:
                alarm.cancel()
                running.kill()
        return Result("NOT FOUND")

    def result(self, mutant: Mutant) -> Result:
        tree = self.scratch / mutant.name
        kind = self.of_generator if mutant.file == GENERATOR else self.of_library
        try:
            return kind(mutant, tree)
        finally:
            shutil.rmtree(tree)

    def of_library(self, mutant: Mutant, tree: Path) -> Result:
        shutil.copytree(self.clean / "include", tree / "include")
        apply(mutant, tree)
        if said := self.build(tree):
            return Result("INVALID", words=said)
        return self.compare(tree)

    def of_generator(self, mutant: Mutant, tree: Path) -> Result:
        shutil.copytree(self.clean / FOLDER, tree / FOLDER)
        apply(mutant, tree)
        said, status = self.run_fidelity(tree)
        if status == 0:
            return Result("NOT FOUND")
        if status is None:
            return Result("INVALID", words=f"does not end in {PATIENCE} seconds")
        missing = re.findall(r"^    (.+)$", said.partition("none shows\n")[2], re.MULTILINE)
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            return Result("found", COUNT, f"none shows `{missing[0]}`{more}")
        invalid = re.search(r"^number (\d+) of seed \d+ is not a program: (.+)$", said, re.M)
        if invalid:
            return Result("found", int(invalid[1]) + 1, f"made what is no program: {invalid[2]}")
        return Result("INVALID", words=(said.splitlines() or [""])[-1])

    def run_fidelity(self, tree: Path) -> tuple[str, int | None]:
        options = ["--program", self.clean / "cpp_side", "--seed", str(SEED), "--jobs", "1"]
        command = [sys.executable, tree / FOLDER / "fidelity.py", *options, "--count", str(COUNT)]
        return run_limited(command, PATIENCE, {"PYTHONDONTWRITEBYTECODE": "1"})


def apply(mutant: Mutant, tree: Path):
    file = tree / mutant.file
    file.write_text(mutant.applied(file.read_text()))


def how_it_ended(status: int, late: bool) -> str:
    if late:
        return "hangs"
    return f"ends with {status}" if status >= 0 else f"dies: {signal.strsignal(-status)}"


def first_difference(ours: str, theirs: str) -> str:
    events = itertools.zip_longest(ours.split(" | "), theirs.split(" | "), fillvalue="nothing")
    wanted, said = next(pair for pair in events if pair[0] != pair[1])
    return f"`{shortened(said)}`, not `{shortened(wanted)}`"


def shortened(event: str) -> str:
    return event if len(event) <= LONGEST else event[: LONGEST - 3] + "..."


def run(root: Path, mutants: list[Mutant], jobs: int) -> dict[str, Result]:
    with tempfile.TemporaryDirectory(prefix="withal-mutants-") as scratch:
        laboratory = Laboratory(root, Path(scratch))
        if any(mutant.file == GENERATOR for mutant in mutants):
            said, status = laboratory.run_fidelity(laboratory.clean)
            if status != 0:
                raise Fault(f"fidelity.py fails without any mutant: {said}")
        width = max(len(m.name) for m in mutants)

        def tried(mutant: Mutant) -> Result:
            result = laboratory.result(mutant)
            print(f"{mutant.name:{width}}  {result}", flush=True)
            return result

        with ThreadPoolExecutor(jobs) as pool:
            return {m.name: result for m, result in zip(mutants, pool.map(tried, mutants))}


def prove(root: Path, mutants: list[Mutant], args: argparse.Namespace) -> int:
    results = run(root, mutants, args.jobs)

    def found(mutant: Mutant) -> str:
        result = results[mutant.name]
        return f"{result.after}: {result.words}" if result.word == "found" else result.word

    if args.page:
        write_page(args.page, table(mutants, "found after so many programs", found))
    generator = [m.name for m in mutants if m.file == GENERATOR]
    library = [m.name for m in mutants if m.file != GENERATOR]
    words = [result.word for result in results.values()]
    last = max((results[name].after for name in library), default=COUNT)
    ends = [f"{words.count(each)} {each}" for each in ("NOT FOUND", "INVALID") if each in words]
    if not ends:
        ends = [f"all found within {COUNT} programs, the last after {last}"]
    counts = f"{len(library)} of withal, {len(generator)} of the generator"
    print(f"fidelity mutants: {counts}; {', '.join(ends)}")
    return 0 if set(words) == {"found"} else 1


if __name__ == "__main__":
    sys.exit(command_line(__doc__, LIST, prove))

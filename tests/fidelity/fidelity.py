#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares withal with CPython: runs the same programs on both sides (README.md)."""

import argparse
import dataclasses
import gc
import itertools
import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import programs
import python_side
import render
import shapes
import shrink

BATCH = 2000  # programs a start of the C++ program
COUNT = 20_000  # random programs: as many show every shape
SHOWN = 5  # differences that are shrunk and printed
TRIED = 12  # differences that are shrunk to find these
DEATHS = 20  # so many programs that end the C++ side are looked for in a batch
COLLECTED = 50  # programs between two collections of garbage
PATIENCE = 120  # seconds for a batch
ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclasses.dataclass
class Difference:
    """A program on which the two sides differ, and the number by which it was made, if any."""

    program: dict
    index: int | None


@dataclasses.dataclass
class Report:
    """What came of a batch."""

    count: int = 0
    unknown: int = 0  # could not be run: others ended the C++ side again and again
    differing: int = 0
    differences: list = dataclasses.field(default_factory=list)
    shown: set = dataclasses.field(default_factory=set)  # shapes
    invalid: list = dataclasses.field(default_factory=list)  # programs that break a rule


class CppSide:
    """The C++ interpreter."""

    def __init__(self, path, deaths=math.inf):
        self.path = path
        self.deaths = deaths  # so many are looked for

    def run(self, lines):
        """Yields the events of each program, or for one that ends the interpreter how it did. That
        one is found by halving; after too many of them, None says that it is not known."""
        done, failure = self.start(lines)
        if failure is None:
            yield from done
        elif len(lines) == 1:
            self.deaths -= 1
            yield failure
        elif self.deaths <= 0:
            yield from [None] * len(lines)
        else:
            half = len(lines) // 2
            yield from self.run(lines[:half])
            yield from self.run(lines[half:])

    def start(self, lines):
        """(events, None), or (None, how it failed)."""
        text = "".join(line + "\n" for line in lines).encode()
        try:
            ended = subprocess.run(
                [self.path], input=text, capture_output=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            return None, f"did not end in {PATIENCE} seconds"
        except OSError as error:
            return None, f"could not be started: {error}"
        done = ended.stdout.decode(errors="replace").splitlines()
        if ended.returncode == 0 and len(done) == len(lines):
            return done, None
        if ended.returncode < 0:
            how = f"died with signal {-ended.returncode} ({signal.strsignal(-ended.returncode)})"
        elif ended.returncode > 0:
            how = f"ended with status {ended.returncode}"
        else:
            how = f"printed {len(done)} lines for {len(lines)} programs"
        said = " ".join(ended.stderr.decode(errors="replace").split())
        return None, f"{how}: {said[-1000:]}" if said else how


class Batches:
    """The programs of a command line, in batches that a worker can make by itself."""

    def __init__(self, arguments):
        self.seed = arguments.seed
        self.cases = [ENCODE(case) for case in arguments.cases]
        self.jobs = arguments.jobs
        self.tasks = []
        if self.cases:
            self.tasks.append(("cases", 0, 0))
        if arguments.exhaustive:
            self.tasks += [("all", part, 0) for part in range(self.jobs)]
        for start in range(0, arguments.count, BATCH):
            self.tasks.append(("random", start, min(start + BATCH, arguments.count)))

    def programs(self, task):
        """Yields iterators over (program, index), one for each start of the C++ program."""
        kind, start, stop = task
        if kind == "random":
            maker = programs.Maker(self.seed)
            yield ((maker.program(index), index) for index in range(start, stop))
        elif kind == "cases":
            yield ((json.loads(case), None) for case in self.cases)
        else:
            part = itertools.islice(programs.all_programs(), start, None, self.jobs)
            for first in part:
                some = itertools.chain([first], itertools.islice(part, BATCH - 1))
                yield ((program, None) for program in some)


class Worker:
    """Runs batches; one lives in each process."""

    def __init__(self, path, batches):
        self.cpp = CppSide(path)
        self.batches = batches
        gc.disable()  # tracebacks are circles; they are collected now and then
        gc.freeze()

    def run(self, task):
        report = Report()
        inspect = task[0] == "random" and task[1] < COUNT
        for batch in self.batches.programs(task):
            self.compare(self.run_python(batch, report, inspect), report)
        return report

    @staticmethod
    def run_python(batch, report, inspect):
        """(line, index, events) of each program. The programs themselves are not kept: the fewer
        objects there are, the quicker the circles are collected."""
        done = []
        for program, index in batch:
            events = python_side.run(program)
            done.append((ENCODE(program), index, events))
            if inspect:
                report.shown |= shapes.of(program, events)
                if not programs.valid(program):
                    report.invalid.append(index)
            if len(done) % COLLECTED == 0:
                gc.collect()
        gc.collect()
        return done

    def compare(self, done, report):
        self.cpp.deaths = DEATHS
        said = list(self.cpp.run([line for line, _, _ in done]))
        report.unknown += said.count(None)
        report.count += len(said) - said.count(None)
        for (line, index, python), cpp in zip(done, said):
            if cpp is not None and python != cpp:
                report.differing += 1
                if len(report.differences) < TRIED:
                    report.differences.append(Difference(json.loads(line), index))


def start_worker(*arguments):
    """Python's way to give a process something of its own."""
    global worker
    worker = Worker(*arguments)


def run_task(task):
    return worker.run(task)


def run_all(path, batches):
    """Yields the reports of all batches, in their order."""
    with multiprocessing.Pool(batches.jobs, start_worker, (path, batches)) as pool:
        yield from pool.imap(run_task, batches.tasks)


class Differences:
    """Shrinks differences and prints each kind once."""

    def __init__(self, path, seed):
        self.cpp = CppSide(path)
        self.seed = seed
        self.found = {}  # minimal program -> how often
        self.tried = 0

    def differing(self, candidates):
        said = self.cpp.run([ENCODE(each) for each in candidates])
        return (python_side.run(each) != cpp for each, cpp in zip(candidates, said))

    def add(self, difference):
        """Shrinks it, unless enough is known."""
        if len(self.found) >= SHOWN or self.tried >= TRIED:
            return
        self.tried += 1
        if not any(self.differing([difference.program])):
            self.show_lonely(difference)
            return
        minimal = shrink.shrink(difference.program, self.differing)
        key = shrink.alike(minimal)
        if key not in self.found:
            self.found[key] = 0
            self.show(minimal, difference)
        self.found[key] += 1

    def name(self, difference):
        if difference.index is not None:
            return f"number {difference.index} of seed {self.seed}"
        return difference.program.get("shows", "one of the programs given")

    def show_lonely(self, difference):
        """The C++ side remembers something from one program to the next."""
        print(f"\n{self.name(difference)} differs only if others run before it:")
        print(ENCODE(difference.program))

    def show(self, program, difference):
        print(f"\ndifference {len(self.found)}: {self.name(difference)}, reduced to\n")
        print(f"{ENCODE(program)}\n\nPython:\n\n{indented(render.python(program))}")
        print(f"\nC++:\n\n{indented(render.cpp(program))}\n")
        (said,) = self.cpp.run([ENCODE(program)])
        print_side_by_side(python_side.run(program), said)
        print("\nagain: put the line of JSON in a file and give it with --cases FILE")

    def summary(self):
        counts = [f"{count} x difference {n}" for n, count in enumerate(self.found.values(), 1)]
        print(f"\n{self.tried} differences were looked at: {', '.join(counts)}")


def indented(text):
    return "\n".join("    " + line if line else "" for line in text.splitlines())


def print_side_by_side(python, cpp):
    """Both logs, and a mark at the first event that differs."""
    events = list(itertools.zip_longest(python.split(" | "), cpp.split(" | "), fillvalue=""))
    width = max([len("CPython"), *(len(ours) for ours, _ in events)])
    print(f"  {'CPython':{width}}  withal")
    marked = False
    for ours, theirs in events:
        mark = ">" if ours != theirs and not marked else " "
        marked = marked or ours != theirs
        print(f"{mark} {ours:{width}}  {theirs}")


def read_cases(paths):
    """The programs in files of one JSON object a line."""
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.strip():
                continue
            try:
                case = json.loads(line)
                programs.check(case)
            except ValueError as error:
                raise SystemExit(usage_error(f"{path}:{number}: {error}")) from None
            yield case


def usage_error(text):
    print(f"fidelity.py: {text}", file=sys.stderr)
    return 2


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="fidelity.py",
        description=__doc__,
        epilog="The last line is `N programs, D differences`. The status is 1 if there is a "
        "difference, or a shape of programs is missing; 2 for wrong usage.",
    )
    parser.add_argument("--program", type=Path, required=True, help="the C++ interpreter")
    parser.add_argument("--seed", type=int, default=1, help="of the random programs (1)")
    parser.add_argument(
        "--count",
        type=int,
        help=f"random programs ({COUNT}; none with --exhaustive or --cases)",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (all cores)")
    parser.add_argument("--exhaustive", action="store_true", help="all small programs")
    parser.add_argument(
        "--cases",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="programs, one JSON object a line",
    )
    arguments = parser.parse_args(argv)
    if not os.access(arguments.program, os.X_OK) or arguments.program.is_dir():
        parser.error(f"there is no program {arguments.program}; build withal.fidelity first")
    arguments.program = arguments.program.resolve()
    for path in arguments.cases:
        if not path.is_file():
            parser.error(f"there is no file {path}")
    if arguments.count is None:
        arguments.count = 0 if arguments.exhaustive or arguments.cases else COUNT
    if arguments.count < 0 or arguments.jobs < 1:
        parser.error("--count is at least 0, --jobs at least 1")
    arguments.cases = list(read_cases(arguments.cases))
    if not (arguments.cases or arguments.exhaustive or arguments.count):
        parser.error("there is no program to run")
    return arguments


def print_faults(seed, invalid, missing):
    """What is wrong with the generator of random programs; is there anything?"""
    for index in invalid[:SHOWN]:
        program = programs.random_program(seed, index)
        try:
            programs.check(program)
        except programs.Invalid as rule:
            print(f"\nnumber {index} of seed {seed} is not a program: {rule}\n{ENCODE(program)}")
    if missing:
        print(f"\nof the first {COUNT} random programs, none shows")
        for shape in missing:
            print(f"    {shape}")
    return bool(invalid or missing)


def main(argv=None):
    arguments = parse(argv)
    total = Report()
    differences = Differences(arguments.program, arguments.seed)
    for report in run_all(arguments.program, Batches(arguments)):
        total.count += report.count
        total.unknown += report.unknown
        total.differing += report.differing
        total.shown |= report.shown
        total.invalid += report.invalid
        for difference in report.differences:
            differences.add(difference)
    if total.differing:
        differences.summary()
    missing = sorted(shapes.ALL - total.shown) if arguments.count >= COUNT else []
    faulty = print_faults(arguments.seed, total.invalid, missing)
    if total.unknown:
        print(f"\n{total.unknown} programs were not run: too many end the C++ side")
    print(f"{total.count} programs, {total.differing} differences")
    return 1 if total.differing or faulty else 0


if __name__ == "__main__":
    sys.exit(main())

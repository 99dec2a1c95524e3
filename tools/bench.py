#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the benches and prints their tables; bench/README.md says how a table is written.

usage: bench.py [NAME]     the tables whose name contains NAME; all without it

Ends with status 1 if a goal was missed.
"""

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Compiler:
    name: str
    command: str
    build: Path  # where its benches are


COMPILERS = [
    Compiler("GCC", "g++", ROOT / "build/bench-gcc"),
    Compiler("Clang", "clang++-19", ROOT / "build/bench-clang"),
]


@dataclass
class Figure:
    value: float
    calls: float = 0


def callgrind(program: Path, case: str, iterations: int) -> Figure:
    """Instructions and calls of one run."""
    with tempfile.NamedTemporaryFile(prefix="withal-callgrind-") as out:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}"]
        done = subprocess.run(
            [*command, str(program), case, str(iterations)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"{program.name} {case} {iterations} failed:\n{done.stderr}")
        text = Path(out.name).read_text()
    total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
    calls = sum(int(n) for n in re.findall(r"^calls=(\d+)", text, re.MULTILINE))
    return Figure(int(total[1]), calls)


def instructions(table: dict, row: dict, compiler: Compiler) -> dict[str, Figure]:
    program = compiler.build / "bin" / table["program"]
    short, long = table["iterations"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {
            case: [pool.submit(callgrind, program, case, n) for n in (short, long)]
            for case in cases(row)
        }
    figures = {}
    for case, (first, second) in runs.items():
        less, more = first.result(), second.result()
        times = long - short
        figures[case] = Figure(
            (more.value - less.value) / times,
            (more.calls - less.calls) / times,
        )
    return figures


def wall_clock(table: dict, row: dict, compiler: Compiler) -> dict[str, Figure]:
    """Milliseconds of one iteration: medians of runs in turn, in a scratch folder on our disk."""
    program = compiler.build / "bin" / table["program"]
    iterations = table["iterations"][0]

    def run(case: str) -> float:
        scratch = compiler.build / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        start = time.perf_counter()
        subprocess.run([str(program), case, str(iterations)], cwd=scratch, check=True)
        return (time.perf_counter() - start) * 1000 / iterations

    return medians(run, cases(row), table.get("rounds", 21))


def parse(table: dict, row: dict, compiler: Compiler) -> dict[str, Figure]:
    """Milliseconds of processor time over those of an empty file."""
    with tempfile.TemporaryDirectory(prefix="withal-parse-") as scratch:

        def run(header: str) -> float:
            source = Path(scratch) / "parse.cpp"
            source.write_text(f"#include <{header}>\n" if header else "")
            command = [compiler.command, "-std=c++20", "-fsyntax-only", f"-I{ROOT}/include"]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([*command, str(source)], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            user = after.ru_utime - before.ru_utime
            return (user + after.ru_stime - before.ru_stime) * 1000

        figures = medians(run, ["", *cases(row)], table.get("rounds", 15))
    empty = figures.pop("")
    return {case: Figure(figure.value - empty.value) for case, figure in figures.items()}


def medians(run, names: list[str], rounds: int) -> dict[str, Figure]:
    taken: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            taken[name].append(run(name))
    return {name: Figure(statistics.median(values)) for name, values in taken.items()}


def cases(row: dict) -> list[str]:
    return [row["hand"], row["ours"], *row.get("others", {}).values()]


MEASURES = {"instructions": instructions, "time": wall_clock, "parse": parse}
UNITS = {"instructions": "instructions a use", "time": "ms a use", "parse": "ms over an empty file"}


def judge(row: dict, measure: str, hand: Figure, ours: Figure) -> tuple[str, bool]:
    """The goal in words, and whether it is met."""
    goal = row["at_most"]
    if "plus" in goal:
        text, limit = f"+{goal['plus']}", hand.value + goal["plus"]
    else:
        text, limit = f"x{goal['times']}", hand.value * goal["times"]
    met = ours.value <= limit + 1e-9
    if measure == "instructions" and row.get("calls") != "free":
        met = met and ours.calls <= hand.calls + 1e-9
    return text, met


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"


def print_table(table: dict, compiler: Compiler) -> int:
    """Prints one table for one compiler; returns how many goals were missed."""
    measure = table["measure"]
    missed = 0
    version = subprocess.run(
        [compiler.command, "-dumpversion"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    print(f"\n{table['title']}: {UNITS[measure]}, {compiler.name} {version}")
    print(f"  {'':26}{'hand':>9}{'ours':>9}{'ratio':>8}{'calls':>9}{'goal':>8}")
    for row in table["row"]:
        figures = MEASURES[measure](table, row, compiler)
        hand, ours = figures[row["hand"]], figures[row["ours"]]
        goal, met = judge(row, measure, hand, ours)
        missed += not met
        calls = f"{hand.calls:.0f}/{ours.calls:.0f}" if measure == "instructions" else ""
        line = f"  {row['what']:26}{number(hand.value):>9}{number(ours.value):>9}"
        line += f"{ours.value / hand.value:>8.2f}{calls:>9}{goal:>8}  {'OK' if met else 'MISS'}"
        others = [f"{k} {number(figures[v].value)}" for k, v in row.get("others", {}).items()]
        print(line + ("   " + ", ".join(others) if others else ""), flush=True)
    return missed


def main() -> int:
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__)
        return 2
    wanted = sys.argv[1] if len(sys.argv) == 2 else ""
    tables = [t for t in sorted((ROOT / "bench").glob("*/*.toml")) if wanted in t.stem]
    if not tables:
        print(f"no bench is named like {wanted}", file=sys.stderr)
        return 2
    missed = 0
    for path in tables:
        table = tomllib.loads(path.read_text())
        for compiler in COMPILERS:
            missed += print_table(table, compiler)
    print(f"\nbench: {missed} goals missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

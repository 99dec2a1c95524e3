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
    allocations: float = 0


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
    return Figure(int(total[1]), calls, calls_of(ALLOCATING, text))


ALLOCATING = {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"}


def calls_of(functions: set[str], text: str) -> int:
    """Calls in a callgrind file, where a function's name stands only at its first mention."""
    names: dict[str, str] = {}
    called = ""
    count = 0
    for line in text.splitlines():
        if mention := re.match(r"c?fn=\((\d+)\)(?: (.*))?", line):
            number, name = mention.groups()
            names.setdefault(number, name or "")
            called = names[number] if line.startswith("c") else ""
        elif call := re.match(r"calls=(\d+)", line):
            count += int(call[1]) if called in functions else 0
    return count


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
            (more.allocations - less.allocations) / times,
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


def sizes(table: dict, row: dict, compiler: Compiler) -> dict[str, Figure]:
    """Bytes of objects; the cases are types."""
    includes = "".join(f"#include <{header}>\n" for header in table["includes"])
    prints = "".join(f'std::printf("%zu\\n", sizeof({case}));\n' for case in cases(row))
    with tempfile.TemporaryDirectory(prefix="withal-sizes-") as scratch:
        source = Path(scratch) / "sizes.cpp"
        source.write_text(f"#include <cstdio>\n{includes}int main() {{\n{prints}}}\n")
        program = source.with_suffix("")
        command = [compiler.command, "-std=c++20", f"-I{ROOT}/include"]
        subprocess.run([*command, str(source), "-o", str(program)], check=True)
        out = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout
    return {case: Figure(int(n)) for case, n in zip(cases(row), out.split(), strict=True)}


FEW, MANY = 10, 50  # uses in a source


def sources(table: dict, case: str, scratch: Path) -> list[Path]:
    """A source with few uses of a case, and one with many. What follows `// use` is repeated."""
    folder = ROOT / "bench" / table["uses"]
    head, use = (folder / f"{case}.cpp").read_text().split("// use\n")
    made = []
    for times in (FEW, MANY):
        source = scratch / f"{case}_{times}.cpp"
        numbered = (use.replace("one_use", f"one_use_{n}") for n in range(times))
        uses = "".join(text.replace("use_number", str(n)) for n, text in enumerate(numbered))
        source.write_text(head.replace('"../', f'"{folder.parent}/') + uses)
        made.append(source)
    return made


def compiled(compiler: Compiler, source: Path) -> Path:
    made = source.with_suffix(".o")
    command = [compiler.command, "-std=c++20", "-O2", f"-I{ROOT}/include", "-c", str(source)]
    subprocess.run([*command, "-o", str(made)], check=True)
    return made


def code(table: dict, row: dict, compiler: Compiler) -> dict[str, Figure]:
    """Bytes of machine code, and of what it needs to be unwound, for one more use."""

    def bytes_of(compiled_source: Path) -> int:
        command = ["size", "-A", str(compiled_source)]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        loaded = r"^\.(?:text|rodata|data\.rel\.ro|eh_frame|gcc_except_table)\S*\s+(\d+)"
        return sum(int(n) for n in re.findall(loaded, out, re.MULTILINE))

    with tempfile.TemporaryDirectory(prefix="withal-code-") as scratch:
        figures = {}
        for case in cases(row):
            files = sources(table, case, Path(scratch))
            few, many = (bytes_of(compiled(compiler, source)) for source in files)
            figures[case] = Figure((many - few) / (MANY - FEW))
    return figures


def compiling(table: dict, row: dict, compiler: Compiler) -> dict[str, Figure]:
    """Milliseconds of processor time that one more use takes to compile with -O2."""
    with tempfile.TemporaryDirectory(prefix="withal-compiling-") as scratch:
        files = {case: sources(table, case, Path(scratch)) for case in cases(row)}

        def run(name: tuple[str, int]) -> float:
            case, which = name
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            compiled(compiler, files[case][which])
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            user = after.ru_utime - before.ru_utime
            return (user + after.ru_stime - before.ru_stime) * 1000

        names = [(case, which) for case in cases(row) for which in (0, 1)]
        figures = medians(run, names, table.get("rounds", 7))
    return {
        case: Figure((figures[case, 1].value - figures[case, 0].value) / (MANY - FEW))
        for case in cases(row)
    }


def medians(run, names: list, rounds: int) -> dict:
    taken: dict = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            taken[name].append(run(name))
    return {name: Figure(statistics.median(values)) for name, values in taken.items()}


def cases(row: dict) -> list[str]:
    return [row["hand"], row["ours"], *row.get("others", {}).values()]


MEASURES = {
    "instructions": (instructions, "instructions a use"),
    "time": (wall_clock, "ms a use"),
    "parse": (parse, "ms over an empty file"),
    "sizes": (sizes, "bytes of an object"),
    "code": (code, "bytes of code a use"),
    "compiling": (compiling, "ms to compile a use"),
}


def judge(
    row: dict, measure: str, hand: Figure, ours: Figure, compiler: str = ""
) -> tuple[str, bool]:
    """The goal in words, and whether it is met."""
    goal = row.get("at_most")
    if goal is None:
        return "", True
    if isinstance(goal.get(compiler), dict):
        goal = goal[compiler]
    if "plus" in goal:
        text, limit = f"+{goal['plus']}", hand.value + goal["plus"]
    else:
        text, limit = f"x{goal['times']}", hand.value * goal["times"]
    met = ours.value <= limit + 1e-9
    if measure == "instructions" and row.get("calls") != "free":
        met = met and ours.calls <= hand.calls + 1e-9
    if "allocations" in row:
        met = met and ours.allocations <= row["allocations"] + 1e-9
    return text, met


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"


def pair(hand: float, ours: float) -> str:
    return f"{hand:.0f}/{ours:.0f}"


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
    figures_of, unit = MEASURES[measure]
    counted = measure == "instructions"
    print(f"\n{table['title']}: {unit}, {compiler.name} {version}")
    counts = f"{'calls':>9}{'allocs':>9}" if counted else ""
    print(f"  {'':30}{'hand':>9}{'ours':>9}{'ratio':>8}{counts}{'goal':>8}")
    for row in table["row"]:
        figures = figures_of(table, row, compiler)
        hand, ours = figures[row["hand"]], figures[row["ours"]]
        goal, met = judge(row, measure, hand, ours, compiler.name)
        missed += not met
        line = f"  {row['what']:30}{number(hand.value):>9}{number(ours.value):>9}"
        line += f"{ours.value / hand.value:>8.2f}"
        if counted:
            line += f"{pair(hand.calls, ours.calls):>9}"
            line += f"{pair(hand.allocations, ours.allocations):>9}"
        line += f"{goal:>8}  {'OK' if met else 'MISS'}" if goal else ""
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

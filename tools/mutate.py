#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Breaks one line of the library at a time, and fails when the tests do not notice.

usage: mutate.py [-j JOBS] [--page FILE] [NAME...]    runs the mutants (those named)
       mutate.py --check                              only sees whether each still fits its file

The mutants are in tools/mutants.toml, which says how one is written. Each is applied to a copy,
never to the checkout. The tests of its module are then built and run one after another, those that
the list names for it first, until one fails: the mutant is killed. What survives all of them is
tried again with ASan and UBSan, by those that are named. A mutant that is listed as equivalent must
survive the named ones.

Prints a line for each mutant; --page also writes the table into FILE, between the lines
<!-- mutants --> and <!-- end of mutants -->. CXX is the compiler, with words before it if need be.

exit status: 0 every mutant is as the list says; 1 one is not, or no longer fits, does not compile,
or the tests fail without it; 2 wrong usage
"""

import argparse
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
LIST = "tools/mutants.toml"


class Fault(Exception):
    """The list, or what it is about, is wrong; the text says how."""


@dataclass
class Mutant:
    name: str
    file: str  # from the root
    old: str  # a part of a line
    new: str
    why: str  # what it breaks; for an equivalent one why it breaks nothing
    after: str = ""  # `old` is looked for behind this text
    equivalent: bool = False
    tests: list[str] = field(default_factory=list)  # looked at first

    def applied(self, text: str) -> str:
        """The text of the file with the one line changed."""
        unique = self.after or self.old
        if text.count(unique) != 1:
            times = text.count(unique)
            raise Fault(f"{self.name}: {unique!r} is {times} times in {self.file}, not once")
        at = text.find(self.old, text.index(unique) + len(self.after))
        if at < 0:
            raise Fault(f"{self.name}: {self.old!r} is not in {self.file} behind {self.after!r}")
        return text[:at] + self.new + text[at + len(self.old) :]


def read_list(root: Path, where: str = LIST) -> list[Mutant]:
    mutants = []
    for group in tomllib.loads((root / where).read_text())["file"]:
        for entry in group["mutant"]:
            entry = {"tests": group.get("tests", []), **entry, "file": group["path"]}
            try:
                mutants.append(Mutant(**entry))
            except TypeError as error:
                raise Fault(f"{entry.get('name', 'a mutant without a name')}: {error}") from error
    names = [m.name for m in mutants]
    for mutant in mutants:
        if names.count(mutant.name) > 1:
            raise Fault(f"{mutant.name}: two mutants have this name")
        if not mutant.old or "\n" in mutant.old + mutant.new or mutant.old == mutant.new:
            raise Fault(f"{mutant.name}: `old` and `new` must differ, within one line")
        if not mutant.why:
            raise Fault(f"{mutant.name}: say in `why` what it breaks, or why it breaks nothing")
        tests = root / "tests" / mutant.file.split("/")[2]
        for test in mutant.tests:
            if not (tests / f"{test}.test.cpp").exists():
                raise Fault(f"{mutant.name}: there is no test {test} in {tests.relative_to(root)}")
    return mutants


def check(root: Path, mutants: list[Mutant]) -> list[str]:
    """What no longer fits."""
    faults = []
    for mutant in mutants:
        try:
            mutant.applied((root / mutant.file).read_text())
        except (Fault, FileNotFoundError) as error:
            faults.append(str(error))
    return faults


def usable(prefix: list[str]) -> list[str]:
    """The prefix of a command, or nothing where it does not work."""
    if shutil.which(prefix[0]) is None:
        return []
    tried = subprocess.run([*prefix, "true"], check=False, capture_output=True)
    return prefix if tried.returncode == 0 else []


def compile_error(command: list, tree: Path | None = None) -> str:
    """What the compiler says first; nothing if it is content."""
    built = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tree)
    if built.returncode == 0:
        return ""
    said = [s for s in built.stderr.splitlines() if "error:" in s]
    return (said + [f"the compiler ended with {built.returncode}"])[0]


def run_limited(command: list, limit: float, more: dict[str, str]) -> tuple[str, int | None]:
    """All that a command says, and its exit status; None if it had to be ended, with its children.
    `more` is added to the environment."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env={**os.environ, **more},
    ) as running:
        try:
            return running.communicate(timeout=limit)[0], running.returncode
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            return running.communicate()[0], None


def program_of(tree: Path, test: str, flags: list[str]) -> Path:
    return tree / (Path(test).name.removesuffix(".test.cpp") + (".checked" if flags else ""))


@dataclass
class Run:
    """How a test program ended."""

    compiled: bool
    passed: bool
    seconds: float
    words: str  # what failed, or what the compiler said


class Laboratory:
    """Copies of the tree, and what is known of the tests without any mutant."""

    def __init__(self, root: Path, scratch: Path):
        self.compiler = shlex.split(os.environ.get("CXX", "g++"))
        self.counting = tomllib.loads((root / LIST).read_text()).get("counting", [])
        self.scratch = scratch
        self.clean = scratch / "clean"
        for tree in ("include", "tests"):
            shutil.copytree(root / tree, self.clean / tree)
        self.lock = threading.Lock()
        self.known: dict[tuple, tuple[Run, set[str]]] = {}
        self.locks: dict[tuple, threading.Lock] = {}
        # GCC 12's ASan does not start on kernels that scatter addresses wider than it knows.
        self.steady = usable(["setarch", "-R"])
        # A mutant may eat all memory; but ASan cannot live with a limit.
        self.tamed = usable(["prlimit", f"--as={4 << 30}"])

    def tests_of(self, mutant: Mutant) -> list[tuple[str, list[str]]]:
        """Sources and how they are built, the most telling first."""
        folder = self.clean / "tests" / mutant.file.split("/")[2]
        named = [folder / f"{name}.test.cpp" for name in mutant.tests]
        rest = sorted(p for p in folder.glob("*.test.cpp") if p not in named)
        plain = named if mutant.equivalent else [*named, *rest]
        runs = [(p, []) for p in plain] + [(p, SANITIZERS) for p in named]
        return [(str(p.relative_to(self.clean)), flags) for p, flags in runs]

    def built_and_run(self, tree: Path, test: str, flags: list[str], limit: float) -> Run:
        """`tree` has the headers, and gets the program."""
        program = program_of(tree, test, flags)
        paths = [f"-I{tree}/include", f"-I{self.clean}/tests", "-MMD", "-MF", f"{program}.d"]
        if Path(test).name.removesuffix(".test.cpp") in self.counting:
            paths += ["-include", "withal/core/testing/replace_new.hpp"]
        said = compile_error(
            [*self.compiler, "-std=c++20", "-O0", "-w", *flags, *paths, self.clean / test]
            + ["-o", program, "-lgtest_main", "-lgtest", "-pthread"]
        )
        if said:
            return Run(False, False, 0, f"{test}: {said}")
        prefix = self.steady if flags else self.tamed
        began = time.monotonic()
        command = [*prefix, program, "--gtest_color=no"]
        said, status = run_limited(command, limit, {"GTEST_FAIL_FAST": "1"})
        program.unlink()
        seconds = time.monotonic() - began
        if status == 0:
            return Run(True, True, seconds, "")
        return Run(True, False, seconds, failing(said, test, status is None))

    def baseline(self, test: str, flags: list[str]) -> tuple[Run, set[str]]:
        """Without a mutant, and what the test includes."""
        key = (test, *flags)
        with self.lock:
            mine = self.locks.setdefault(key, threading.Lock())
        with mine:
            if key not in self.known:
                run = self.built_and_run(self.clean, test, flags, 600)
                if not run.passed:
                    raise Fault(f"{test} fails without any mutant: {run.words}")
                depends = Path(f"{program_of(self.clean, test, flags)}.d").read_text()
                inside = str(self.clean) + "/"
                words = depends.replace("\\\n", " ").split()
                self.known[key] = run, {w.removeprefix(inside) for w in words}
            return self.known[key]

    def verdict(self, mutant: Mutant) -> tuple[str, str]:
        """("killed", by what), ("survived", "") or ("invalid", why)."""
        tree = self.scratch / mutant.name
        shutil.copytree(self.clean / "include", tree / "include")
        file = tree / mutant.file
        file.write_text(mutant.applied(file.read_text()))
        try:
            for test, flags in self.tests_of(mutant):
                clean, included = self.baseline(test, flags)
                if mutant.file not in included:
                    continue
                run = self.built_and_run(tree, test, flags, 10 * clean.seconds + 20)
                if not run.compiled:
                    return "invalid", run.words
                if not run.passed:
                    return "killed", run.words + (" (sanitizers)" if flags else "")
            return "survived", ""
        finally:
            shutil.rmtree(tree)


def failing(said: str, test: str, hangs: bool) -> str:
    """The first test that failed, from what GoogleTest said; the source, if it said nothing."""
    failed = re.search(r"^\[  FAILED  \] (\S+)", said, re.MULTILINE)
    begun = re.findall(r"^\[ RUN      \] (\S+)", said, re.MULTILINE)
    name = failed[1] if failed else begun[-1] if begun else Path(test).name
    return name.rstrip(",") + (" (hangs)" if hangs else "" if failed else " (crashes)")


WORDS = {
    ("killed", False): "killed",
    ("survived", True): "equivalent",
    ("survived", False): "SURVIVED",
    ("killed", True): "KILLED, though listed as equivalent",
    ("invalid", False): "INVALID",
    ("invalid", True): "INVALID",
}


def table(mutants: list[Mutant], last: str, cell: Callable[[Mutant], str]) -> str:
    """Markdown, by file. `cell` says what stands in the last column."""
    lines = []
    for file in dict.fromkeys(m.file for m in mutants):
        short = file.removeprefix("include/withal/")
        lines += ["", f"**{short}**", "", f"| mutant | what it breaks | {last} |", "|-|-|-|"]
        lines += [f"| `{m.name}` | {m.why} | {cell(m)} |" for m in mutants if m.file == file]
    return "\n".join([*lines, ""])


def write_page(page: Path, text: str):
    old = page.read_text()
    marks = re.compile(r"(?<=<!-- mutants -->\n).*?(?=<!-- end of mutants -->)", re.DOTALL)
    if len(marks.findall(old)) != 1:
        raise Fault(f"{page.name} has no place for the table: <!-- mutants -->")
    page.write_text(marks.sub(lambda _: text + "\n", old))


def run(root: Path, mutants: list[Mutant], jobs: int) -> dict[str, tuple[str, str]]:
    found = {}
    with tempfile.TemporaryDirectory(prefix="withal-mutants-") as scratch:
        laboratory = Laboratory(root, Path(scratch))
        width = max(len(m.name) for m in mutants)

        def tried(mutant: Mutant) -> tuple[str, str]:
            what, by = laboratory.verdict(mutant)
            word = WORDS[what, mutant.equivalent]
            print(f"{mutant.name:{width}}  {word}  {by}".rstrip(), flush=True)
            return what, by

        with ThreadPoolExecutor(jobs) as pool:
            for mutant, result in zip(mutants, pool.map(tried, mutants)):
                found[mutant.name] = result
    return found


def prove(root: Path, mutants: list[Mutant], args: argparse.Namespace) -> int:
    found = run(root, mutants, args.jobs)

    def caught(mutant: Mutant) -> str:
        what, by = found[mutant.name]
        return f"`{by}`" if what == "killed" else WORDS[what, mutant.equivalent]

    if args.page:
        write_page(args.page, table(mutants, "caught by", caught))
    counts = {word: 0 for word in WORDS.values()}
    for mutant in mutants:
        counts[WORDS[found[mutant.name][0], mutant.equivalent]] += 1
    ends = [f"{n} {word}" for word, n in counts.items() if n]
    print(", ".join([f"mutants: {len(mutants)}", *ends]))
    good = counts["killed"] + counts["equivalent"]
    return 0 if good == len(mutants) else 1


def command_line(text: str, where: str, work: Callable[..., int]) -> int:
    """Reads the command line of a tool with this text, and lets `work` have the mutants that it
    asks for, of the list `where`, if they fit."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--check", action="store_true", help="only see whether the list fits")
    parser.add_argument("-j", type=int, default=1, dest="jobs", help="mutants at a time")
    parser.add_argument("--page", type=Path, help="write the table into this file")
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    root = args.root.resolve()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        mutants = read_list(root, where)
        unknown = set(args.names) - {m.name for m in mutants}
        if unknown or (args.names and args.page):
            parser.error(f"no such mutant: {', '.join(unknown)}" if unknown else "--page needs all")
        chosen = [m for m in mutants if not args.names or m.name in args.names]
        faults = check(root, chosen)
        for fault in faults:
            print(fault)
        if args.check or faults:
            print(f"mutants: {len(chosen)}, {len(faults)} no longer fit")
            return 1 if faults else 0
        return work(root, chosen, args)
    except Fault as fault:
        print(fault)
        return 1


if __name__ == "__main__":
    sys.exit(command_line(__doc__, LIST, prove))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fails on what a formatter does not see: the licence line, other than ASCII, the size of headers.

usage: check_style.py [--root DIR]

Prints one line a fault, `file:line: what is wrong`, and ends with status 1 if there was one.
"""

import argparse
import re
import statistics
import sys
from pathlib import Path

LICENCE = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
TREES = ("include", "src", "cli", "python", "tests", "examples", "bench", "tools", "cmake", ".ci")
CODE = {".hpp", ".cpp", ".h", ".py", ".sh", ".cmake", ".toml", ".in"}
NAMED = {"CMakeLists.txt", ".clang-format", ".clang-tidy", ".gitignore", ".editorconfig"}
NAMED |= {"dev", "run"}
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")

HEADER_LIMIT = 400
HEADER_MEDIAN = 120
COMMENT_SHARE = 30  # per cent of the lines of the public headers together


def sources(root: Path):
    for path in sorted(root.iterdir()):
        if path.is_file() and (path.suffix in CODE or path.name in NAMED):
            yield path
    for tree in TREES:
        for path in sorted((root / tree).rglob("*")):
            if path.is_file() and (path.suffix in CODE or path.name in NAMED):
                yield path


def check_file(path: Path, text: str):
    """Yields (line number, fault)."""
    lines = text.splitlines()
    first = 1 if lines and lines[0].startswith("#!") else 0
    if path.name.endswith(".pc.in"):
        pass  # pkg-config prints what it finds; its format has no licence line
    elif len(lines) <= first or LICENCE not in lines[first]:
        yield first + 1, "the licence line is missing: " + LICENCE
    if path.suffix == ".hpp" and (len(lines) < 2 or lines[1] != "#pragma once"):
        yield 2, "#pragma once must follow the licence line"
    for number, line in enumerate(lines, 1):
        if not line.isascii():
            yield number, "not ASCII"
        if UNFINISHED.search(line):
            yield number, "finish it, or write an issue"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        # What the lint is told stands behind the code on its line, and cannot be wrapped.
        wrapped = path.suffix in (".py", ".sh", ".hpp", ".cpp") and "NOLINT" not in line
        if wrapped and len(line) > 100:
            yield number, "longer than 100 columns"


def check_headers(root: Path):
    """Yields (path, line number, fault) for the public headers together."""
    public = [p for p in (root / "include").rglob("*.hpp") if "detail" not in p.parts]
    if not public:
        return
    lengths, comments = [], 0
    for path in public:
        lines = path.read_text(errors="replace").splitlines()
        lengths.append(len(lines))
        comments += sum(line.lstrip().startswith("//") for line in lines)
        if len(lines) > HEADER_LIMIT:
            text = f"{len(lines)} lines; a public header has at most {HEADER_LIMIT}"
            yield path, HEADER_LIMIT, text
    median = statistics.median(lengths)
    if median > HEADER_MEDIAN:
        text = f"the median public header has {median:.0f} lines, over {HEADER_MEDIAN}"
        yield root / "include", 0, text
    share = 100 * comments / sum(lengths)
    if share < COMMENT_SHARE:
        text = f"{share:.0f} % of the public headers is comment, under {COMMENT_SHARE}"
        yield root / "include", 0, text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root.resolve()
    faults = 0
    for path in sources(root):
        for number, fault in check_file(path, path.read_text(errors="surrogateescape")):
            print(f"{path.relative_to(root)}:{number}: {fault}")
            faults += 1
    for path, number, fault in check_headers(root):
        print(f"{path.relative_to(root)}:{number}: {fault}")
        faults += 1
    print(f"style: {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

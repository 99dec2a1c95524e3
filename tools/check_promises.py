#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fails when ARCHITECTURE.md names a test that does not exist.

usage: check_promises.py [--page FILE] BUILD_FOLDER

The tests are what CTest lists for the build folder; `*` in a name stands for anything, names that
start with `./dev` are commands for people.
"""

import argparse
import json
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def promised(page: str) -> list[tuple[int, str]]:
    """The names in the last column of the rows `| promise | `name`, ... |`."""
    found = []
    for number, line in enumerate(page.splitlines(), 1):
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 2:
            found += [(number, name) for name in re.findall(r"`([^`]+)`", cells[1])]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=Path, default=ROOT / "ARCHITECTURE.md")
    parser.add_argument("build", type=Path)
    args = parser.parse_args()
    listed = subprocess.run(
        ["ctest", "--test-dir", args.build, "--show-only=json-v1"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    tests = [t["name"] for t in json.loads(listed)["tests"]]
    names = promised(args.page.read_text())
    faults = 0
    for line, name in names:
        if not name.startswith("./dev") and not any(fnmatchcase(t, name) for t in tests):
            print(f"{args.page.name}:{line}: there is no test {name}")
            faults += 1
    print(f"promises: {len(names)} guards, {faults} missing")
    return 1 if faults or not names else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs clang-tidy 19 over the sources of a build folder, in parallel, and remembers what is clean.

usage: check_tidy.py BUILD_FOLDER [FILE...]

The build folder is a configured and built Clang one (build/clang-debug): Ninja knows there what
each source includes, so a source is looked at again only if it, something of ours that it includes,
its command or the configuration changed. Prints the findings; ends with status 1 if there were any.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TREES = ("include", "src", "cli", "python", "examples", "tests", "bench")
TIDY = "clang-tidy-19"
FINDING = re.compile(r"^(?=/\S+:\d+:\d+: (?:error|warning): )", re.MULTILINE)


def dependencies(build: Path) -> dict[str, list[Path]]:
    """What of ours each object file was made from."""
    listed = subprocess.run(
        ["ninja", "-C", build, "-t", "deps"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: dict[str, list[Path]] = {}
    files: list[Path] = []
    for line in listed.splitlines():
        if line.startswith(" "):
            path = (build / line.strip()).resolve()
            if path.is_relative_to(ROOT) and not path.is_relative_to(build):
                files.append(path)
        elif ": #deps" in line:
            files = found.setdefault(line.split(": #deps")[0], [])
    return found


def configurations(source: Path) -> list[Path]:
    folders = [p for p in source.parents if p.is_relative_to(ROOT)]
    return [f for p in folders if (f := p / ".clang-tidy").exists()]


def fingerprint(command: dict, includes: list[Path], version: str) -> str:
    source = Path(command["file"])
    digest = hashlib.sha256(version.encode())
    digest.update(command["command"].encode())
    for path in sorted({source, *includes, *configurations(source)}):
        digest.update(str(path).encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def tidy(build: Path, source: Path) -> list[str]:
    """The findings."""
    done = subprocess.run(
        [TIDY, "--quiet", "-p", str(build), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    return FINDING.split(done.stdout)[1:] or [done.stderr]


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    build = Path(sys.argv[1]).resolve()
    only = {Path(f).resolve() for f in sys.argv[2:]}
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
    includes = dependencies(build)
    clean = build / "tidy"
    clean.mkdir(exist_ok=True)

    commands = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        source = Path(command["file"])
        ours = source.is_relative_to(ROOT) and source.relative_to(ROOT).parts[0] in TREES
        if ours and (not only or source in only):
            commands.setdefault(source, command)

    def look_at(source: Path) -> tuple[bool, list[str]]:
        command = commands[source]
        included = includes.get(re.search(r" -o (\S+)", command["command"])[1])
        if included is None:  # it was not built, so nobody knows what it includes
            return False, tidy(build, source)
        stamp = clean / fingerprint(command, included, version)
        if stamp.exists():
            return True, []
        findings = tidy(build, source)
        if not findings:
            stamp.touch()
        return False, findings

    # Each source that includes a header finds what is wrong there; once is enough to read.
    said: set[str] = set()
    bad = known = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for was_known, findings in pool.map(look_at, commands):
            known += was_known
            bad += bool(findings)
            for finding in findings:
                if finding not in said:
                    said.add(finding)
                    print(finding.replace(f"{ROOT}/", ""), end="", flush=True)
    print(f"tidy: {len(commands)} sources, {known} unchanged, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

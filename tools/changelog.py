#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Moves the fragments in changes/ into CHANGELOG.md, or checks them.

usage: changelog.py VERSION [--date YYYY-MM-DD] | changelog.py --check
"""

import argparse
import datetime
import re
import sys
from pathlib import Path

KINDS = ("added", "changed", "fixed", "removed")
NAME = re.compile(rf"(\d+)\.({'|'.join(KINDS)})(\.[a-z0-9_]+)?\.md")


def read(folder: Path) -> tuple[list[tuple[str, int, str, Path]], list[str]]:
    """The fragments as (kind, issue, text, path), and what is wrong with the others."""
    fragments, faults = [], []
    for path in sorted(folder.iterdir()):
        if path.name == "README.md":
            continue
        text = " ".join(path.read_text().split())
        found = NAME.fullmatch(path.name)
        if not found:
            faults.append(f"{path.name}: a fragment is named <issue>.<{'|'.join(KINDS)}>[.word].md")
        elif not text.endswith(".") or text.startswith(("-", "*", "#")):
            faults.append(f"{path.name}: write plain sentences, without a bullet or a heading")
        else:
            fragments.append((found[2], int(found[1]), text, path))
    return fragments, faults


def section(version: str, date: str, fragments) -> str:
    lines = [f"## {version} ({date})", ""]
    for kind in KINDS:
        entries = sorted((issue, text) for k, issue, text, _ in fragments if k == kind)
        if entries:
            lines += [f"### {kind.capitalize()}", ""]
            lines += [f"- {text} (#{issue})" for issue, text in entries]
            lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("version", nargs="?")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    args = parser.parse_args()
    if args.check == bool(args.version):
        parser.error("give a version or --check")

    fragments, faults = read(args.root / "changes")
    for fault in faults:
        print(fault)
    if faults:
        return 1
    if args.check:
        print(f"changelog: {len(fragments)} fragments")
        return 0

    log = args.root / "CHANGELOG.md"
    head, mark, released = log.read_text().partition("\n## ")
    new = section(args.version, args.date, fragments)
    log.write_text(f"{head.rstrip()}\n\n{new}" + (f"{mark}{released}" if mark else ""))
    for *_, path in fragments:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

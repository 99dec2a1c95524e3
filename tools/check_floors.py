#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fails on an include that breaks the floors of the house (tools/floors.toml).

usage: check_floors.py [--root DIR]

Reads the include lines of include/, src/, cli/, python/ and tests/. Prints one line a fault,
`file:line: what is wrong`, and ends with status 1 if there was one.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SUFFIXES = {".hpp", ".h", ".cpp"}


class House:
    def __init__(self, root: Path):
        self.root = root
        self.law = tomllib.loads((root / "tools/floors.toml").read_text())
        self.modules = self.law["modules"]
        self.faults: list[str] = []

    def check(self) -> None:
        for path in self.files("include/withal"):
            self.check_file(path, path.relative_to(self.root / "include/withal"), public=True)
        for tree in ("src", "cli", "python", "tests"):
            for path in self.files(tree):
                self.check_file(path, path.relative_to(self.root / tree), public=False, tree=tree)
        self.check_umbrella()

    def files(self, tree: str) -> list[Path]:
        return sorted(p for p in (self.root / tree).rglob("*") if p.suffix in SUFFIXES)

    def check_file(self, path: Path, inner: Path, public: bool, tree: str = "") -> None:
        root = self.law["root"]
        if public and len(inner.parts) == 1:
            if inner.name not in [*root["everyone"], root["umbrella"]]:
                self.fault(path, 1, f"include/withal/{inner} belongs to no module")
            may = root["umbrella_modules"] if inner.name == root["umbrella"] else []
            module = ""
        else:
            module = tree if tree in ("cli", "python") else inner.parts[0]
            if tree == "tests":
                may = None  # a test may use every module, but no foreign detail/
            elif module not in self.modules:
                self.fault(path, 1, f"{module} is not a module (tools/floors.toml)")
                return
            else:
                may = [module, *self.modules[module]]
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if found := INCLUDE.match(line):
                bracket, name = found.groups()
                self.check_include(path, number, inner, module, may, public, bracket, name)

    def check_include(self, path, number, inner, module, may, public, bracket, name) -> None:
        if name.startswith("withal/"):
            self.check_own(path, number, module, may, Path(name).relative_to("withal"))
        elif bracket == '"':
            if ".." in Path(name).parts:
                self.fault(path, number, f'"{name}" leaves its folder; use <withal/...>')
            elif public:
                self.fault(path, number, f'"{name}": public headers are included as <withal/...>')
        elif public:
            self.check_foreign(path, number, inner, module, name)

    def check_own(self, path, number, module, may, target: Path) -> None:
        if len(target.parts) == 1:
            allowed = target.name in self.law["root"]["everyone"] or may is None
            if not allowed:
                self.fault(path, number, f"<withal/{target}> is for users, not for a module")
            return
        floor = target.parts[0]
        if floor not in self.modules:
            self.fault(path, number, f"{floor} is not a module (tools/floors.toml)")
        elif may is not None and floor not in may:
            below = ", ".join(m for m in may if m != module) or "nothing"
            who = module or path.name
            self.fault(path, number, f"{who} may not include {floor} (it may: {below})")
        elif "detail" in target.parts and floor != module:
            self.fault(path, number, f"<withal/{target}> is private to {floor}")

    def check_foreign(self, path, number, inner, module, name: str) -> None:
        """A public header includes something that is not withal's."""
        rooms = self.law["rooms"]
        bridge = rooms["bridges"].get(inner.as_posix(), [])
        if any(name == lib or name.startswith((lib + "/", lib + ".")) for lib in bridge):
            return
        if module == "core" or not module:
            light = self.law["core"]["standard"]
            for pattern, more in self.law["core"].get("exceptions", {}).items():
                if inner.match(pattern):
                    light = [*light, *more]
            if name not in light and "*" not in light:
                self.fault(path, number, f"<{name}> is not among the light headers of core")
        elif name in rooms["posix"]:
            if module not in rooms["posix_modules"]:
                self.fault(path, number, f"<{name}>: {module} does not know the operating system")
        elif not re.fullmatch(r"[a-z_0-9]+", name):
            self.fault(path, number, f"<{name}> is third party, outside its room")

    def check_umbrella(self) -> None:
        """The umbrella has every header of its modules: nobody has to know their names."""
        root = self.law["root"]
        base = self.root / "include/withal"
        umbrella = base / root["umbrella"]
        if not umbrella.exists():
            return
        reached = self.reached_from(umbrella)
        for module in root["umbrella_modules"]:
            for header in sorted((base / module).rglob("*.hpp")):
                inner = header.relative_to(base)
                name = inner.as_posix()
                left_out = any(inner.match(pattern) for pattern in root["umbrella_leaves_out"])
                if "detail" not in inner.parts and (name in reached) == left_out:
                    verb = "must not" if name in reached else "must"
                    self.fault(umbrella, 1, f"the umbrella {verb} include <withal/{name}>")

    def reached_from(self, header: Path) -> set[str]:
        """Every header of withal that this one includes, itself or through others."""
        reached: set[str] = set()
        todo = [header]
        while todo:
            file = todo.pop()
            for line in file.read_text().splitlines() if file.exists() else []:
                found = INCLUDE.match(line)
                if found and found[2].startswith("withal/"):
                    name = found[2].removeprefix("withal/")
                    if name not in reached:
                        reached.add(name)
                        todo.append(self.root / "include/withal" / name)
        return reached

    def fault(self, path: Path, number: int, text: str) -> None:
        self.faults.append(f"{path.relative_to(self.root)}:{number}: {text}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    house = House(parser.parse_args().root.resolve())
    house.check()
    for fault in house.faults:
        print(fault)
    print(f"floors: {len(house.faults)} faults")
    return 1 if house.faults else 0


if __name__ == "__main__":
    sys.exit(main())

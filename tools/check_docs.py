#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Turns the examples of the documentation into programs, so that none of them can go stale.

usage: check_docs.py headers --out FILE HEADER...     one source with the examples of the headers
       check_docs.py markdown --out DIR [--root DIR]  sources and docs.cmake for the Markdown files
       check_docs.py run [--prints FILE] PROGRAM [ARG...]  runs one in a scratch folder

In a header an example is what is indented by four blanks in a `///` comment; it is compiled as the
body of a function, with `using namespace withal`, after the headers of its module and of core. In
Markdown it is a ```cpp fence; it is compiled like that after all public headers, and run. The
common standard headers are there in both; a later block of one comment sees the earlier ones.
An example that starts with #include is a file instead (its includes are hoisted), and one with
`int main` is a program of its own. After a fence ```cpp run comes a ```text fence: what the program
prints. A fence ```cpp compile is not run.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARKDOWN = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/**/*.md")
STANDARD = """algorithm chrono cstdio exception filesystem fstream functional iostream iterator
memory mutex optional stdexcept string string_view system_error thread tuple utility
vector""".split()
INCLUDE = re.compile(r"^\s*#\s*include\s*[<\"].*$", re.MULTILINE)


@dataclass
class Block:
    file: str  # where it stands, for the compiler's messages
    line: int
    code: str

    @property
    def is_file(self) -> bool:
        return self.code.lstrip().startswith("#include") or self.is_program

    @property
    def is_program(self) -> bool:
        return re.search(r"\bint main\s*\(", self.code) is not None

    def includes(self) -> list[str]:
        return [line.strip() for line in INCLUDE.findall(self.code)] if self.is_file else []

    def text(self) -> str:
        # A hoisted include leaves an empty line behind, so that the line numbers stay right.
        code = INCLUDE.sub("", self.code) if self.is_file else self.code
        return f'#line {self.line} "{self.file}"\n{code}\n'


@dataclass
class Example:
    name: str
    blocks: list[Block]  # one in Markdown; in a header all those of one comment
    mode: str = ""  # of a fence: "", "run", "compile"
    prints: str | None = None

    @property
    def identifier(self) -> str:
        return re.sub(r"\W", "_", self.name)

    @property
    def bodies(self) -> list[Block]:
        return [b for b in self.blocks if not b.is_file]

    def code(self) -> str:
        """A namespace with the files and, from the rest, a function example()."""
        files = "".join(b.text() for b in self.blocks if b.is_file)
        # A later block sees the names of those before it, and may use them anew.
        inner = "{\n".join(b.text() for b in self.bodies) + "}" * (len(self.bodies) - 1)
        start = "[[maybe_unused]] static void example() {\nusing namespace withal;\n"
        function = f"{start}{inner}\n}}\n" if self.bodies else ""
        return f"namespace {self.identifier} {{\n{files}{function}}}\n"


def examples_of_header(path: Path, root: Path) -> list[Example]:
    name = path.relative_to(root / "include").with_suffix("").as_posix()
    found: list[Example] = []
    blocks: list[Block] = []
    indented: list[str] = []
    for number, line in enumerate([*path.read_text().splitlines(), ""], 1):
        comment = line.strip().startswith("///")
        text = line.strip()[3:]
        if comment and (text.startswith("     ") or (indented and not text.strip())):
            indented.append(text[5:])
        elif indented:
            code = "\n".join(indented)
            blocks.append(Block(str(path), number - len(indented), code.rstrip()))
            indented = []
        if not comment and blocks:
            found.append(Example(f"{name}_{len(found) + 1}", blocks))
            blocks = []
    return found


def examples_of_markdown(path: Path, root: Path) -> list[Example]:
    name = path.relative_to(root).with_suffix("").as_posix().removeprefix("docs/").replace("/", ".")
    found: list[Example] = []
    fence, start, block = None, 0, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if fence is None and line.startswith("```"):
            fence, start, block = line[3:].split(), number, []
        elif fence is not None and line.startswith("```"):
            text = "\n".join(block)
            if fence[:1] == ["cpp"]:
                mode = fence[1] if len(fence) > 1 else ""
                if mode not in ("", "run", "compile"):
                    sys.exit(f"{path}:{start}: unknown kind of fence: cpp {mode}")
                blocks = [Block(str(path), start + 1, text)]
                found.append(Example(f"{name}.{len(found) + 1}", blocks, mode))
            elif fence[:1] == ["text"] and found and found[-1].mode == "run":
                if found[-1].prints is None:
                    found[-1].prints = text
            fence = None
        elif fence is not None:
            block.append(line)
    for example in found:
        if example.mode == "run" and example.prints is None:
            line = example.blocks[0].line
            sys.exit(f"{path}:{line}: a ```cpp run fence needs a ```text fence after it")
    return found


def source(examples: list[Example], headers: list[str], main: str = "") -> str:
    includes = [f"#include <{h}>" for h in [*headers, *STANDARD]]
    for example in examples:
        for block in example.blocks:
            includes += [line for line in block.includes() if line not in includes]
    return "\n".join([*includes, "", *(e.code() for e in examples), main])


def public_headers(root: Path, folder: str = ".") -> list[str]:
    """As they are included."""
    return [
        h.relative_to(root / "include").as_posix()
        for h in sorted((root / "include/withal" / folder).rglob("*.hpp"))
        if "detail" not in h.parts
    ]


def write(path: Path, text: str) -> None:
    """Leaves an unchanged file alone, so that nothing is compiled again for it."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def make_headers(out: Path, headers: list[Path], root: Path) -> None:
    examples = [e for h in headers for e in examples_of_header(h, root)]
    for example in examples:
        for block in example.blocks:
            if block.is_program:
                sys.exit(f"{block.file}:{block.line}: an example in a header has no main()")
    own = [h.relative_to(root / "include").as_posix() for h in headers]
    write(out, source(examples, [*own, *(h for h in public_headers(root, "core") if h not in own)]))


def make_markdown(out: Path, root: Path) -> None:
    examples = [
        example
        for pattern in MARKDOWN
        for path in sorted(root.glob(pattern))
        for example in examples_of_markdown(path, root)
    ]
    programs = [e for e in examples if e.blocks[0].is_program]
    others = [e for e in examples if not e.blocks[0].is_program]
    runnable = [e for e in others if e.bodies and e.mode != "compile"]
    cases = "".join(
        f'    if (name == "{e.name}") return {e.identifier}::example(), 0;\n' for e in runnable
    )
    main = (
        "int main(int argc, char** argv) {\n"
        '    const std::string name = argc == 2 ? argv[1] : "";\n'
        f'{cases}    std::cerr << "no such example: " << name << "\\n";\n    return 2;\n}}\n'
    )
    write(out / "bodies.cpp", source(others, public_headers(root), main))
    calls = []
    for example in [*programs, *runnable]:
        prints = ""
        if example.prints is not None:
            expected = out / f"{example.name}.txt"
            write(expected, example.prints + "\n")
            prints = f' PRINTS "{expected}"'
        if example in runnable:
            calls.append(f"withal_docs_body({example.name}{prints})")
        else:
            path = out / f"{example.name}.cpp"
            block = example.blocks[0]
            write(path, f'#line {block.line} "{block.file}"\n{block.code}\n')
            mode = " COMPILE_ONLY" if example.mode == "compile" else ""
            calls.append(f'withal_docs_program({example.name} "{path}"{prints}{mode})')
    write(out / "docs.cmake", "\n".join(calls) + "\n")


def run(program: list[str], prints: Path | None) -> int:
    with tempfile.TemporaryDirectory(prefix="withal-docs-") as scratch:
        done = subprocess.run(program, cwd=scratch, stdout=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(done.stdout)
    if done.returncode != 0:
        print(f"ended with status {done.returncode}")
        return 1
    if prints and done.stdout.rstrip() != prints.read_text().rstrip():
        print(f"but the documentation says that it prints:\n{prints.read_text()}")
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    jobs = parser.add_subparsers(dest="job", required=True)
    job = jobs.add_parser("headers")
    job.add_argument("--out", type=Path, required=True)
    job.add_argument("--root", type=Path, default=ROOT)
    job.add_argument("headers", type=Path, nargs="+")
    job = jobs.add_parser("markdown")
    job.add_argument("--out", type=Path, required=True)
    job.add_argument("--root", type=Path, default=ROOT)
    job = jobs.add_parser("run")
    job.add_argument("--prints", type=Path)
    job.add_argument("program", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if args.job == "run":
        return run(args.program, args.prints)
    if args.job == "headers":
        make_headers(args.out, args.headers, args.root)
    else:
        make_markdown(args.out, args.root)
    return 0


if __name__ == "__main__":
    sys.exit(main())

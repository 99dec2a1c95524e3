# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reduces a program that shows a difference to a minimal one that still does."""

import json

import programs

# The simplest that may stand under a key.
SIMPLEST = {
    "answer": {"return": False},
    "close": {"return": False},
    "after": {"finish": True},
    "then": {"reraise": True},
    "enter": {"value": 1},
    "catch": None,
    "finally": False,
    "quiet": False,
    "erased": False,
    "returns": False,
    "times": 1,
    "value": 1,
    "return": 1,
}
ERRORS = ("raise", "replace")
CAUGHT = ("class", "suppress", "catch")
OPTIONAL = ("run", "adds")
NAMES = ("name", "id", "on", "as", "pop", "close")
INNER = ("body", "try")  # what a statement can be replaced by


def shrink(program, differing):
    """The smallest program that can be reached. `differing(programs)` says for each of several
    programs, the smallest first, whether it still shows the difference; the first that does is
    taken, so it may say it one by one."""
    program = {part: program[part] for part in ("policy", "shared", "body")}
    while True:
        candidates = sorted(filter(programs.valid, simpler_programs(program)), key=size)
        for candidate, differs in zip(candidates, differing(candidates)):
            if differs:
                program = candidate
                break
        else:
            return program


def size(program):
    return len(json.dumps(program))


def simpler_programs(program):
    """All programs that are one step simpler; not all of them are valid."""
    for part in ("body", "shared"):
        for changed in simpler(program[part], part):
            yield {**program, part: changed}
    for number, spec in enumerate(program["shared"]):
        yield {**program, "body": unshared(program["body"], number, spec)}
        rest = program["shared"][:number] + program["shared"][number + 1 :]
        if rest and number not in used(program["body"]):
            yield {**program, "shared": rest, "body": renumbered(program["body"], number)}


def simpler(node, key):
    """All that is one step simpler than what stands under this key."""
    if isinstance(node, dict):
        yield from simpler_dict(node, key)
    elif isinstance(node, list):
        yield from simpler_list(node, key)
    if key in ERRORS and node in programs.CLASSES and node != "E0":
        yield "E0"
    if key in CAUGHT and node in programs.CLASSES:
        yield "any"
    if key in SIMPLEST and is_worse(node, key):
        yield SIMPLEST[key]


def is_worse(node, key):
    """A `catch` that is a class belongs to a `try`, a number under `finish` to nothing."""
    simplest = SIMPLEST[key]
    if isinstance(simplest, dict) or simplest is None:
        return isinstance(node, dict) and node != simplest and "kind" not in node
    return type(node) is type(simplest) and node != simplest


def simpler_dict(node, key):
    if node.get("kind") in ("class", "generator", "closing", "stack") and key in ("with", "enter"):
        yield {"kind": "null", "value": 1}
    for each in node:
        if each in OPTIONAL:
            yield {other: node[other] for other in node if other != each}
        for changed in simpler(node[each], each):
            yield {**node, each: changed}


def simpler_list(node, key):
    length = len(node)
    for width in sorted({length, length // 2, 1} - {0}, reverse=True):
        for start in range(0, length, width):
            yield node[:start] + node[start + width :]
    for at, each in enumerate(node):
        before, after = node[:at], node[at + 1 :]
        if isinstance(each, dict):
            for inner in INNER:
                if inner in each:
                    yield before + each[inner] + after
        for changed in simpler(each, key):
            yield [*before, changed, *after]


def unshared(part, number, spec):
    """Each use of a shared manager becomes a manager of its own."""
    if isinstance(part, dict):
        if part.get("use") == number:
            return spec
        return {key: unshared(value, number, spec) for key, value in part.items()}
    if isinstance(part, list):
        return [unshared(each, number, spec) for each in part]
    return part


def used(part):
    """The numbers of the shared managers that are used."""
    if isinstance(part, dict):
        return used(list(part.values())) | ({part["use"]} if "use" in part else set())
    return set().union(*map(used, part)) if isinstance(part, list) else set()


def renumbered(part, gone):
    """The same after the shared manager with that number is gone."""
    if isinstance(part, dict):
        if "use" in part:
            return {"use": part["use"] - (part["use"] > gone)}
        return {key: renumbered(value, gone) for key, value in part.items()}
    if isinstance(part, list):
        return [renumbered(each, gone) for each in part]
    return part


def alike(program):
    """A key that programs share if they differ in names only."""
    seen = {}

    def normal(part, key=None):
        if isinstance(part, dict):
            return {word: normal(value, word) for word, value in sorted(part.items())}
        if isinstance(part, list):
            return [normal(each) for each in part]
        if isinstance(part, str) and key in NAMES:
            return seen.setdefault(part, len(seen))
        return part

    return json.dumps(normal(program))

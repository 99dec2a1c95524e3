# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The shapes that random programs must show, so that a generator that forgets one is noticed."""

import re

# Written out, not taken from programs.py: what is forgotten there must be missed here.
POLICIES = ("replace", "keep_body")
CLASSES = ("E0", "E1", "E2", "E3", "E4", "X0")
CAUGHT = (*CLASSES, "any")
SUPPRESSED = ("E0", "E1", "E2", "E3", "X0", "E1 E2", "E3 X0", "E2 X0")
ANSWERS = ("false", "true", "suppress", "raise", "replace", "reraise", "root")
NAMED = {"suppress": "suppresses", "raise": "raises", "replace": "replaces by"}
WITHOUT_ROOT = ANSWERS[:-1]
KINDS = ("class", "generator", "suppress", "closing", "null")
ENTRIES = ("push", "function", "callback")
THEN = ("finish", "reraise", "raise", "yield")
AFTER = ("finish", "raise", "yield")
BODIES = ("program", "with", "pop", "try", "call")
SMALL = ("with", "try", "call", "raise", "return")
ON_STACKS = ("enter", *ENTRIES, "pop", "close")
LIBRARY = ("didn't yield", "didn't stop", "didn't stop after throw")
ERROR = r"(?:[EX]\d\.\d+|single_use|generator_error\([^)]*\))"
CHAIN = re.compile(rf"\[({ERROR}(?: {ERROR})*)\]")
ONE_ERROR = re.compile(ERROR)
LONGEST = 4


def product(text, *words):
    """The text with each combination of the words put in."""
    names = [text]
    for some in words:
        names = [name.replace("*", word, 1) for name in names for word in some]
    return names


ALL = {
    *product("* in a with", KINDS + ("stack", "use")),
    *product("* entered on a stack", KINDS + ("stack", "use")),
    *product("* in a run", KINDS + ("use",)),
    *product("* shared", KINDS),
    *product("* around calls", ("class", "generator", "use")),
    *product("with of *, *", "1234", ("no stack", "a stack")),
    *product("* and * in one with", KINDS[:2] + ("stack",), KINDS[:2] + ("stack",)),
    *product("*: the exit of a * answers *", POLICIES, ("with", "enter"), ANSWERS),
    *product("the exit of a * answers *", ("call", "shared", "push", "function"), ANSWERS),
    *product("the exit of a * answers *", ("run",), WITHOUT_ROOT),
    *product("the exit of an added * answers *", ("push", "function"), ANSWERS),
    *product("*: * after *", POLICIES, ANSWERS, ANSWERS),
    *product("answer suppresses *", CAUGHT),
    *product("answer raises *", CLASSES),
    *product("answer replaces by *", CLASSES),
    *product("raise *", CLASSES),
    *product("try catches *", CAUGHT),
    *product("suppress *", SUPPRESSED),
    *product("enter of a class: *", ("value", "raise", "run")),
    *product("enter of a class raises *", CLASSES),
    *product("enter of a generator: *", ("value", "raise", "none")),
    *product("generator catches *", CAUGHT),
    *product("generator *, finally *", THEN, ("True", "False")),
    *product("generator then *, after *", ("finish",), AFTER),
    *product("quiet generator *", THEN[1:]),
    *product("erased *", ("class", "generator")),
    "generator without a catch",
    *product("closing: *", ("return", "raise")),
    *product("callback: *", ("return", "raise")),
    *product("exit of a * runs", ("with", "enter", "call", "shared", "push", "function")),
    *product("exit of a * adds", ("enter", "push", "function")),
    *product("* made with its stack", ENTRIES),
    *product("* added to a stack", ENTRIES),
    *product("* added by an exit", ENTRIES),
    *product("a stack made with * entries", "0123"),
    *product("* in the body of a *", SMALL, BODIES),
    *product("* in the body of a *", ON_STACKS[:-1], BODIES[1:]),
    *product("close in the body of a *", ("with", "pop", "try")),
    *product("* in a run", SMALL),
    *product("* of a popped stack", ON_STACKS),
    *product("* of an outer stack", ON_STACKS),
    *product("* returns: *", ("with", "pop"), ("True", "False")),
    *product("called * times", "12"),
    *product("* withs deep", "1234"),
    *product("a shared * used again", KINDS),
    *product("shared manager * in a *", "01", ("with", "enter", "call", "run")),
    *product("a shared * used inside itself", ("class", "generator")),
    *product("*: a chain of *", POLICIES, "1234"),
    *product("*: a program ends with *", POLICIES, ("a number", "none", "E", "X", "the library's")),
    *product("*: generator *", POLICIES, LIBRARY),
    *product("*: single_use", POLICIES),
    *product("*: an error in a chain is *", POLICIES, ("X0", "generator_error", "single_use")),
    *product("*: suppressed in a *", POLICIES, ("with", "call")),
}


def answer_of(exit):
    (answer,) = exit["answer"]
    return str(exit["answer"]["return"]).lower() if answer == "return" else answer


class Walk:
    """Collects the shapes of one program."""

    def __init__(self, program):
        self.shapes = set()
        self.add = self.shapes.add
        self.policy = program["policy"]
        self.shared = program["shared"]
        self.used = []  # numbers of shared managers
        self.inside = []  # of those whose bodies we are in
        self.popped = set()
        self.newest = ()  # the stacks of the innermost body that has some
        self.deep = 0
        for spec in self.shared:
            self.add(f"{spec['kind']} shared")
            self.manager(spec, "shared")
        self.block(program["body"], "the body of a program")

    def manager(self, spec, place):
        if "use" in spec:
            shared = self.shared[spec["use"]]["kind"]
            self.add(f"shared manager {spec['use']} in a {place}")
            if spec["use"] in self.used:
                self.add(f"a shared {shared} used again")
            if spec["use"] in self.inside:
                self.add(f"a shared {shared} used inside itself")
            self.used.append(spec["use"])
            return
        kind = spec["kind"]
        if kind == "class":
            self.class_(spec, place)
        elif kind == "generator":
            self.generator(spec)
        elif kind == "suppress":
            self.add(f"suppress {' '.join(spec['classes'])}")
        elif kind == "closing":
            self.add(f"closing: {next(iter(spec['close']))}")
        elif kind == "stack":
            self.stack(spec)
        if spec.get("erased"):
            self.add(f"erased {kind}")

    def class_(self, spec, place):
        for word, value in spec["enter"].items():
            self.add(f"enter of a class: {word}")
            if word == "raise":
                self.add(f"enter of a class raises {value}")
        if "run" in spec["enter"]:
            self.run(spec["enter"]["run"])
        self.exit(spec["exit"], place)

    def exit(self, exit, place):
        answer = answer_of(exit)
        self.add(f"the exit of a {place} answers {answer}")
        self.add(f"{self.policy}: the exit of a {place} answers {answer}")
        for word, kind in exit["answer"].items():
            if word in NAMED:
                self.add(f"answer {NAMED[word]} {kind}")
        if "run" in exit:
            self.add(f"exit of a {place} runs")
            self.run(exit["run"])
        if "adds" in exit:
            self.add(f"exit of a {place} adds")
            for entry in exit["adds"]:
                self.entry(entry, "added by an exit")

    def generator(self, spec):
        (enter,), (after,) = spec["enter"], spec["after"]
        self.add(f"enter of a generator: {enter}")
        catch = spec["catch"]
        if catch is None:
            self.add("generator without a catch")
        else:
            (then,) = catch["then"]
            self.add(f"generator catches {catch['class']}")
            self.add(f"generator {then}, finally {spec['finally']}")
            self.add(f"generator then {then}, after {after}")
            if spec["quiet"]:
                self.add(f"quiet generator {then}")

    def stack(self, spec):
        self.add(f"a stack made with {len(spec['entries'])} entries")
        for entry in spec["entries"]:
            self.entry(entry, "made with its stack")
        self.pairs([entry.get("push", entry.get("function")) for entry in spec["entries"]])

    def pairs(self, specs):
        """What the exits of neighbours answer; the later one is the first to exit."""
        for outer, inner in zip(specs, specs[1:]):
            if outer and inner and "exit" in outer and "exit" in inner:
                then, first = answer_of(outer["exit"]), answer_of(inner["exit"])
                self.add(f"{self.policy}: {then} after {first}")

    def entry(self, entry, how):
        kind = "push" if "push" in entry else "function" if "function" in entry else "callback"
        self.add(f"{kind} {how}")
        if kind == "callback":
            self.add(f"callback: {'raise' if entry['callback']['raise'] else 'return'}")
        else:
            self.exit(entry[kind]["exit"], kind)
            if how == "added by an exit":
                self.add(f"the exit of an added {kind} answers {answer_of(entry[kind]['exit'])}")

    def run(self, statements):
        deep, self.deep = self.deep, 0
        self.block(statements, "a run")
        self.deep = deep

    def block(self, statements, place):
        for statement in statements:
            for word, walk in STATEMENTS.items():
                if word in statement:
                    self.add(f"{word} in {place}")
                    walk(self, statement, place)
                    break

    def with_(self, statement, place):
        specs = statement["with"]
        kinds = [spec.get("kind", "use") for spec in specs]
        self.add(f"with of {len(specs)}, {'a' if 'stack' in kinds else 'no'} stack")
        for at, (spec, kind) in enumerate(zip(specs, kinds)):
            self.add(f"{kind} in {'a run' if place == 'a run' else 'a with'}")
            self.manager(spec, "run" if place == "a run" else "with")
            for later in kinds[at + 1 :]:
                self.add(f"{kind} and {later} in one with")
        self.pairs(specs)
        stacks = [spec["name"] for spec, kind in zip(specs, kinds) if kind == "stack"]
        uses = [spec["use"] for spec, kind in zip(specs, kinds) if kind == "use"]
        self.body(statement, "with", stacks, uses)

    def body(self, statement, kind, stacks, uses=()):
        self.add(f"{kind} returns: {statement['returns']}")
        self.deep += 1
        self.add(f"{self.deep} withs deep")
        self.inside += uses
        newest, self.newest = self.newest, stacks or self.newest
        self.block(statement["body"], f"the body of a {kind}")
        self.newest = newest
        del self.inside[len(self.inside) - len(uses) :]
        self.deep -= 1

    def pop(self, statement, place):
        self.on_stack("pop", statement["pop"])
        self.popped.add(statement["as"])
        self.body(statement, "pop", [statement["as"]])

    def on_stack(self, word, stack):
        if stack in self.popped:
            self.add(f"{word} of a popped stack")
        if stack not in self.newest:
            self.add(f"{word} of an outer stack")

    def enter(self, statement, place):
        self.on_stack("enter", statement["on"])
        self.add(f"{statement['enter'].get('kind', 'use')} entered on a stack")
        self.manager(statement["enter"], "enter")

    def put(self, statement, place):
        self.entry(statement, "added to a stack")
        for word in ENTRIES:
            if word in statement:
                self.on_stack(word, statement["on"])

    def close(self, statement, place):
        self.on_stack("close", statement["close"])

    def raise_(self, statement, place):
        self.add(f"raise {statement['raise']}")

    def return_(self, statement, place):
        pass

    def try_(self, statement, place):
        self.add(f"try catches {statement['catch']}")
        self.block(statement["try"], "a run" if place == "a run" else "the body of a try")

    def call(self, statement, place):
        self.add(f"called {statement['times']} times")
        self.add(f"{statement['call'].get('kind', 'use')} around calls")
        self.manager(statement["call"], "call")
        self.block(statement["body"], "the body of a call")


STATEMENTS = {
    "with": Walk.with_,
    "pop": Walk.pop,
    "enter": Walk.enter,
    "push": Walk.put,
    "function": Walk.put,
    "callback": Walk.put,
    "close": Walk.close,
    "raise": Walk.raise_,
    "return": Walk.return_,
    "try": Walk.try_,
    "call": Walk.call,
}


def of_events(policy, events):
    """The shapes that are seen when a program runs."""
    for chain in CHAIN.findall(events):
        errors = ONE_ERROR.findall(chain)
        yield f"{policy}: a chain of {min(len(errors), LONGEST)}"
        for error in errors:
            for kind in ("X0", "generator_error", "single_use"):
                if error.startswith(kind):
                    yield f"{policy}: an error in a chain is {kind}"
    for words in LIBRARY:
        if f"({'generator'} {words})" in events:
            yield f"{policy}: generator {words}"
    if "single_use" in events:
        yield f"{policy}: single_use"
    for word in ("with", "call"):
        if re.search(rf"\b{word} \w+ suppressed", events):
            yield f"{policy}: suppressed in a {word}"
    yield f"{policy}: a program ends with {end_of(events.rpartition('end ')[2])}"


def end_of(end):
    if end == "none":
        return end
    raised = end.removeprefix("raised ")
    if raised == end:
        return "a number"
    return raised[0] if raised[0] in "EX" else "the library's"


def of(program, events):
    """The names of the shapes of a program; some of them need not be in ALL."""
    return Walk(program).shapes.union(of_events(program["policy"], events))

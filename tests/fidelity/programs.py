# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes programs (README.md): at random from a seed, and all small ones. Says what is valid."""

import itertools
import random

CLASSES = ("E0", "E1", "E2", "E3", "E4", "X0")
CAUGHT = (*CLASSES, "any")
SUPPRESSED = ("E0",), ("E1",), ("E2",), ("E3",), ("X0",), ("E1", "E2"), ("E3", "X0"), ("E2", "X0")
FIRM = {"return", "raise", "reraise", "root"}  # the answers of a manager that never suppresses
POLICIES = ("replace", "keep_body")
REMARKS = {"shows", "events"}  # what a case may say besides: what it is for, what it must print

# Tables that are drawn from: what stands there more often comes more often.
RAISED = (*CLASSES, "E1", "E1", "E2", "E3")
TRIED = (*CAUGHT, "any", "any", "any", "any", "E0", "E0")
PLAIN = ("false", "false", "true", "suppress", "raise", "raise", "replace", "reraise")
ANSWERS = (*PLAIN, "raise", "root")
WIDTHS = (1, 1, 1, 1, 2, 2, 3, 4)
KINDS = ("class",) * 8 + ("generator",) * 5 + ("suppress", "closing", "null")
ENTRIES = ("push", "push", "function", "callback")
ON_STACKS = ("enter", "enter", "enter", *ENTRIES, "pop", "pop", "close")
STATEMENTS = ("with", "with", "with", "try", "try", "call", "stack", "stack")
SMALL = ("with", "with", "try", "call")
CALM = (0, 0, 0, 1, 1, 2)  # statements of a body
BUSY = (0, 1, 1, 2, 2)  # where a stack is open
THEN = ("finish", "finish", "reraise", "raise", "raise", "yield")
AFTER = ("finish",) * 6 + ("raise", "raise", "yield")
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14)


class Maker:
    """The random programs of a seed."""

    def __init__(self, seed):
        self.seed = seed
        self.source = random.Random()
        self.random = self.source.random

    def program(self, index):
        """The program with this number; it depends on nothing else."""
        self.source.seed(f"{self.seed}:{index}")
        self.left = self.pick(SIZES)  # managers that may still be made, about
        self.names = 0
        self.open = []  # the stacks that statements may name
        self.kept = 0  # the first so many of them must not be closed
        self.in_run = False
        self.shared = []
        self.shared_in_run = []
        policy = POLICIES[index % 2]
        if self.random() < 0.4:
            for _ in range(self.pick((1, 1, 2))):
                self.shared.append(self.shared_manager())
            self.shared_in_run = [n for n, m in enumerate(self.shared) if fits_in_run(m)]
        body = []
        while self.left > 0:
            body.append(self.tried(self.statement(0)))
        if self.random() < 0.2:
            body.append(self.leave())
        return {"policy": policy, "shared": self.shared, "body": body}

    # What everything is made of

    def pick(self, table):
        return table[int(self.random() * len(table))]

    def name(self, letter):
        self.names += 1
        return f"{letter}{self.names}"

    # Managers

    def shared_manager(self):
        return self.class_() if self.random() < 0.2 else self.other_manager(self.pick(KINDS))

    def manager(self, on=None):
        """Any manager; `on` is the stack that it is entered on."""
        if self.shared and self.random() < 0.3:
            usable = self.shared_in_run if self.in_run else range(len(self.shared))
            if usable:
                self.left -= 1
                return {"use": self.pick(usable)}
        kind = self.pick(KINDS)
        if kind == "class":
            return self.erased(self.class_(on), 0.15)
        return self.erased(self.other_manager(kind), 0.3)

    def other_manager(self, kind):
        if kind == "class":
            return self.class_()
        if kind == "generator":
            return self.generator()
        self.left -= 1
        if kind == "suppress":
            return {"kind": "suppress", "classes": list(self.pick(SUPPRESSED))}
        if kind == "null":
            return {"kind": "null", "value": self.pick(range(10))}
        close = {"raise": self.pick(RAISED)} if self.random() < 0.6 else {"return": False}
        return {"kind": "closing", "name": self.name("c"), "close": close}

    def erased(self, spec, probability):
        if self.random() < probability and may_be_erased(spec):
            spec["erased"] = True
        return spec

    def class_(self, on=None):
        self.left -= 1
        spec = {"kind": "class", "name": self.name("m"), "enter": self.enter()}
        spec["exit"] = self.exit(on)
        spec["erased"] = False
        return spec

    def enter(self):
        enter = {}
        if not self.in_run and self.random() < 0.06:
            enter["run"] = self.run()
        if self.random() < 0.08:
            enter["raise"] = self.pick(RAISED)
        else:
            enter["value"] = self.pick(range(10))
        return enter

    def exit(self, on=None, adds=True):
        """What an exit does; `on` is the stack that it is an entry of, if any."""
        exit = {"answer": self.answer(PLAIN if self.in_run or (on and on["inner"]) else ANSWERS)}
        if not self.in_run:
            if self.random() < 0.12:
                exit["run"] = self.run()
            stays = on is not None and not on["pops"] and not on["inner"]
            if stays and adds and self.random() < 0.25:
                exit["adds"] = [self.entry(on, adds=False) for _ in range(self.pick((1, 1, 2)))]
        return exit

    def answer(self, table):
        kind = self.pick(table)
        if kind == "false" or kind == "true":
            return {"return": kind == "true"}
        if kind == "suppress":
            return {"suppress": self.pick(CAUGHT)}
        return {kind: self.pick(RAISED) if kind == "raise" or kind == "replace" else True}

    def generator(self):
        self.left -= 1
        spec = {"kind": "generator", "name": self.name("g"), "catch": None}
        roll = self.random()
        if roll < 0.06:
            spec["enter"] = {"raise": self.pick(RAISED)}
        elif roll < 0.12:
            spec["enter"] = {"none": True}
        else:
            spec["enter"] = {"value": self.pick(range(10))}
        spec["quiet"] = self.random() < 0.35
        if self.random() < 0.75:
            then = self.pick(THEN)
            if then == "finish" and spec["quiet"]:
                then = "reraise"
            value = self.pick(RAISED) if then == "raise" else True
            spec["catch"] = {"class": self.pick(CAUGHT), "then": {then: value}}
        after = self.pick(AFTER)
        spec["after"] = {after: self.pick(RAISED) if after == "raise" else True}
        spec["finally"] = self.random() < 0.5
        spec["erased"] = False
        return spec

    def stack(self, inner=False):
        """A stack and what is known of it: whether it may be popped, whether it is entered on
        another. Neither has entries that add."""
        self.left -= 1
        known = self.known_stack(inner)
        entries = [self.entry(known) for _ in range(self.pick((0, 0, 1, 2, 3)))]
        return {"kind": "stack", "name": known["name"], "entries": entries}, known

    def known_stack(self, inner=False):
        return {"name": self.name("s"), "pops": self.random() < 0.4, "inner": inner}

    def entry(self, on, adds=True):
        """An entry of a stack, whose exit perhaps adds others."""
        self.left -= 1
        kind = self.pick(ENTRIES)
        if kind == "push":
            pushed = {"kind": "class", "name": self.name("m"), "exit": self.exit(on, adds)}
            return {"push": {**pushed, "erased": False}}
        if kind == "function":
            return {"function": {"name": self.name("f"), "exit": self.exit(on, adds)}}
        raises = self.pick(RAISED) if self.random() < 0.6 else None
        return {"callback": {"name": self.name("k"), "raise": raises}}

    # Statements

    def run(self):
        """What an enter or an exit runs."""
        self.in_run = True
        statements = [self.statement(2) for _ in range(self.pick((1, 1, 2)))]
        if self.random() < 0.3:
            statements.append(self.leave())
        self.in_run = False
        return statements

    def leave(self):
        if self.random() < 0.7:
            return {"raise": self.pick(RAISED)}
        return {"return": self.pick(range(10))}

    def block(self, depth):
        """A body: it mostly ends with an error."""
        statements = []
        number = self.pick(BUSY if self.open and not self.in_run else CALM)
        for _ in range(number if self.left > 0 else 0):
            statements.append(self.statement(depth))
        if self.random() < 0.85:
            statements.append(self.leave())
        return statements

    def tried(self, statement):
        """The statement, mostly in a `try`, so that what follows is reached."""
        if self.random() < 0.3:
            return statement
        return {"try": [statement], "catch": self.pick(TRIED), "id": self.name("t")}

    def statement(self, depth):
        if self.left <= 0 or depth > 3:
            return self.leave()
        if self.open and not self.in_run and self.random() < 0.5:
            return self.on_stack(depth)
        kind = self.pick(SMALL if self.in_run else STATEMENTS)
        if kind == "with":
            return self.with_(depth)
        if kind == "stack":
            return self.with_stack(depth)
        return self.try_(depth) if kind == "try" else self.call(depth)

    def try_(self, depth):
        return {"try": self.block(depth + 1), "catch": self.pick(TRIED), "id": self.name("t")}

    def with_(self, depth):
        specs = [self.manager() for _ in range(self.pick(WIDTHS))]
        return self.with_these(specs, self.block(depth + 1))

    def with_these(self, specs, body):
        returns = self.random() < 0.4
        return {"with": specs, "id": self.name("w"), "body": body, "returns": returns}

    def with_stack(self, depth):
        """A stack, perhaps among others, that its body mostly does something with."""
        before = [self.manager() for _ in range(self.pick((0, 0, 0, 1, 2)))]
        stack, known = self.stack()
        after = [self.manager() for _ in range(self.pick((0, 0, 0, 1)))]
        if self.random() > 0.1:
            return self.with_these([*before, stack, *after], self.stack_body(depth, known))
        other, other_known = self.stack()
        return self.with_these(
            [*before[:1], stack, *after, other], self.stack_body(depth, known, other_known)
        )

    def stack_body(self, depth, *known):
        outside = self.open
        self.open = [*outside, *known]
        body = []
        for _ in range(self.pick((0, 1, 2, 2, 3))):
            if self.open:
                body.append(self.on_stack(depth))
        if self.random() < 0.3:
            body.append(self.pick((self.try_, self.call))(depth))
        body += self.block(depth + 1)
        self.open = [stack for stack in outside if stack in self.open]
        return body

    def on_stack(self, depth):
        """A statement that names a stack."""
        stack = self.pick(self.open)
        name = stack["name"]
        kind = self.pick(ON_STACKS)
        if kind == "enter":
            if self.random() < 0.12:
                return {"enter": self.stack(inner=True)[0], "on": name}
            return {"enter": self.manager(stack), "on": name}
        if kind == "pop" and stack["pops"]:
            popped = self.known_stack()
            body = self.stack_body(depth + 1, popped)
            statement = {"pop": name, "as": popped["name"], "id": self.name("w"), "body": body}
            return {**statement, "returns": self.random() < 0.4}
        if kind == "close" and stack in self.open[self.kept :]:
            self.open.remove(stack)
            return {"close": name}
        return {**self.entry(stack), "on": name}

    def call(self, depth):
        shared = [n for n in range(len(self.shared)) if self.shared[n]["kind"] == "class"]
        if self.in_run:
            shared = [n for n in shared if n in self.shared_in_run]
        if shared and self.random() < 0.5:
            spec = {"use": self.pick(shared)}
        elif self.random() < 0.5:
            spec = self.class_()
        else:
            spec = self.generator()
        kept, self.kept = self.kept, len(self.open)  # a second call would close them again
        body = self.block(depth + 1)
        self.kept = kept
        return {"call": spec, "times": self.pick((1, 2, 2)), "id": self.name("d"), "body": body}


def random_program(seed, index):
    """The program with this number of this seed."""
    return Maker(seed).program(index)


def fits_in_run(manager):
    """May this shared manager be used inside of a `run`?"""
    if manager["kind"] != "class":
        return True
    exit = manager["exit"]
    return "run" not in manager["enter"] and "run" not in exit and "root" not in exit["answer"]


def may_be_erased(spec):
    """Is this a manager that never suppresses, so that any_manager takes it?"""
    if spec["kind"] == "generator":
        return spec["quiet"]
    return spec["kind"] == "class" and not answers(spec["exit"])


def answers(exit):
    """May this exit suppress or replace?"""
    answer = exit["answer"]
    return bool(answer.get("return")) or not answer.keys() <= FIRM


class Invalid(ValueError):
    """Says which rule of README.md a program breaks."""


class Rules:
    """Checks one program; Invalid if it is none."""

    def __init__(self, program):
        require(set(program) - REMARKS == {"policy", "shared", "body"}, "a program has three parts")
        require(program["policy"] in POLICIES, "the policy is replace or keep_body")
        self.names = set()  # of stacks
        self.popped = set(popped_in(program))
        self.inner = set()  # stacks that are entered on others
        self.open = set()  # the stacks that may be named
        self.kept = set()  # those of them that must not be closed
        self.in_run = False
        self.shared = program["shared"]
        for spec in self.shared:
            self.kind_of(spec, ("class", "generator", "suppress", "null", "closing"))
            require(not spec.get("erased"), "a shared manager is not erased")
            self.manager(spec)
        self.block(program["body"])

    def manager(self, spec, on=None):
        """A manager; `on` is the stack that it is entered on."""
        if "use" in spec:
            require(spec["use"] < len(self.shared), "there is no such shared manager")
            shared = self.shared[spec["use"]]
            require(not self.in_run or fits_in_run(shared), "this use is not for a run")
            return
        kind = spec["kind"]
        require(kind in KINDS or kind == "stack", f"there is no manager {kind}")
        require(not spec.get("erased") or may_be_erased(spec), "erased, but may suppress")
        if kind == "class":
            self.class_enter(spec["enter"])
            self.exit(spec["exit"], on)
        elif kind == "generator":
            self.generator(spec)
        elif kind == "suppress":
            require(tuple(spec["classes"]) in SUPPRESSED, "suppress has no type for these")
        elif kind == "closing":
            self.raised(spec["close"], ("return", "raise"))
            require(not spec["close"].get("return"), "a close that suppresses")
        elif kind == "stack":
            self.stack(spec, on)

    def kind_of(self, spec, kinds):
        require(spec.get("kind") in kinds, f"a manager that is none of {', '.join(kinds)}")

    def class_enter(self, enter):
        if "run" in enter:
            self.run(enter["run"])
        self.raised({each: enter[each] for each in enter if each != "run"}, ("value", "raise"))

    def exit(self, exit, on, adds=True):
        answer = exit["answer"]
        require(on not in self.inner or "root" not in answer, "root in a stack on another")
        self.raised(answer, ("return", "suppress", "raise", "replace", "reraise", "root"))
        require(answer.get("suppress", "any") in CAUGHT, "an unknown class")
        require(not self.in_run or "root" not in answer, "root inside a run")
        if "run" in exit:
            self.run(exit["run"])
        if "adds" in exit:
            stays = on is not None and on not in self.popped | self.inner
            require(stays and adds, "adds, but not to a stack that stays")
            for entry in exit["adds"]:
                self.entry(entry, on, adds=False)

    def generator(self, spec):
        self.raised(spec["enter"], ("value", "raise", "none"))
        self.raised(spec["after"], ("finish", "raise", "yield"))
        if spec["catch"] is not None:
            require(spec["catch"]["class"] in CAUGHT, "an unknown class")
            self.raised(spec["catch"]["then"], ("finish", "reraise", "raise", "yield"))
            finishes = "finish" in spec["catch"]["then"]
            require(not finishes or not spec["quiet"], "a quiet generator that suppresses")
        require(isinstance(spec["finally"], bool), "finally is true or false")

    def stack(self, spec, on):
        require(not self.in_run, "a stack inside a run")
        self.new_stack(spec["name"])
        if on is not None:
            self.inner.add(spec["name"])
        for entry in spec["entries"]:
            self.entry(entry, spec["name"])

    def new_stack(self, name):
        require(name not in self.names, "two stacks have one name")
        self.names.add(name)

    def entry(self, entry, on, adds=True):
        """An entry of the stack `on`; its exit adds none if it is added by an exit itself."""
        if "push" in entry:
            self.kind_of(entry["push"], ("class",))
            require("enter" not in entry["push"], "what is pushed counts as entered")
            require(not entry["push"].get("erased"), "what is pushed is not erased")
            self.exit(entry["push"]["exit"], on, adds)
        elif "function" in entry:
            self.exit(entry["function"]["exit"], on, adds)
        else:
            require(entry["callback"]["raise"] in (None, *CLASSES), "an unknown class")

    @staticmethod
    def raised(what, words):
        """One of these words, and a class to raise if that is what it says."""
        require(len(what) == 1 and what.keys() <= set(words), f"not one of {', '.join(words)}")
        for word in what.keys() & {"raise", "replace"}:
            require(what[word] in CLASSES, "an unknown class")

    def run(self, statements):
        require(not self.in_run, "a run inside a run")
        self.in_run = True
        self.block(statements)
        self.in_run = False

    def block(self, statements):
        for statement in statements:
            words = statement.keys() & CHECKS.keys()
            require(len(words) == 1, f"not a statement: {statement}")
            CHECKS[words.pop()](self, statement)

    def with_(self, statement):
        require(1 <= len(statement["with"]) <= 4, "a with has one to four managers")
        for spec in statement["with"]:
            self.manager(spec)
        self.body(statement, {each["name"] for each in statement["with"]
                              if each.get("kind") == "stack"})

    def body(self, statement, opened):
        """A body in which more stacks can be named."""
        require(isinstance(statement.get("returns", False), bool), "returns is true or false")
        self.open |= opened
        self.block(statement["body"])
        self.open -= opened

    def pop(self, statement):
        self.named(statement["pop"])
        self.new_stack(statement["as"])
        self.body(statement, {statement["as"]})

    def named(self, name):
        require(not self.in_run, "a stack inside a run")
        require(name in self.open, f"no stack {name} is open here")

    def on_stack(self, statement):
        self.named(statement["on"])
        if "enter" in statement:
            self.manager(statement["enter"], statement["on"])
        else:
            self.entry(statement, statement["on"])

    def close(self, statement):
        self.named(statement["close"])
        require(statement["close"] not in self.kept, "a second call would close it again")
        self.open.remove(statement["close"])

    def raise_(self, statement):
        require(statement["raise"] in CLASSES, "an unknown class")

    def return_(self, statement):
        require(isinstance(statement["return"], int), "a number is returned")

    def try_(self, statement):
        require(statement["catch"] in CAUGHT, "an unknown class")
        self.block(statement["try"])

    def call(self, statement):
        spec = statement["call"]
        self.manager(spec)
        made = self.shared[spec["use"]] if "use" in spec else spec
        kinds = ("class",) if "use" in spec else ("class", "generator")
        self.kind_of(made, kinds)
        require(not spec.get("erased"), "the manager of a call is not erased")
        require(statement["times"] >= 1, "it is called at least once")
        kept, self.kept = self.kept, set(self.open)
        self.block(statement["body"])
        self.kept = kept


CHECKS = {
    "with": Rules.with_,
    "enter": Rules.on_stack,
    "push": Rules.on_stack,
    "function": Rules.on_stack,
    "callback": Rules.on_stack,
    "pop": Rules.pop,
    "close": Rules.close,
    "raise": Rules.raise_,
    "return": Rules.return_,
    "try": Rules.try_,
    "call": Rules.call,
}


def require(condition, rule):
    if not condition:
        raise Invalid(rule)


def popped_in(part):
    """The names of all stacks that are popped somewhere in a program."""
    if isinstance(part, dict):
        if "pop" in part:
            yield part["pop"]
        part = part.values()
    if not isinstance(part, str):
        for each in part if hasattr(part, "__iter__") else ():
            yield from popped_in(each)


def check(program):
    """Raises Invalid if this is no program of README.md."""
    try:
        Rules(program)
    except (AttributeError, KeyError, TypeError) as error:
        raise Invalid(f"it has not the form of a program: {error!r}") from error


def valid(program):
    """Is this a program of README.md?"""
    try:
        check(program)
    except Invalid:
        return False
    return True


def all_programs():
    """Every program of up to four managers and at most one level of stack, under both policies.

    Each manager does one of seven things: its enter raises; its exit returns, suppresses, raises,
    raises again, replaces, raises the root. The body returns or raises. One to four of them stand
    in one `with`; in nested ones; and for each 0 <= k < n, the first k in one `with` with a stack
    behind them, on which the others are entered, or to which they are pushed (then without an
    enter, so that they do one of six things). 95 228 programs.
    """
    for policy, size in itertools.product(POLICIES, (1, 2, 3, 4)):
        for managers in itertools.product(small_managers(), repeat=size):
            specs = [make("mnop"[at], f"E{at + 1}") for at, make in enumerate(managers)]
            for last in ({"return": 5}, {"raise": "E0"}):
                for body in small_bodies(specs, last):
                    yield {"policy": policy, "shared": [], "body": [body]}


def small_managers():
    """The seven, as functions of a name and a class."""
    answers = [
        lambda kind: {"return": False},
        lambda kind: {"return": True},
        lambda kind: {"raise": kind},
        lambda kind: {"reraise": True},
        lambda kind: {"replace": kind},
        lambda kind: {"root": True},
    ]

    def made(enter, answer):
        return lambda name, kind: {
            "kind": "class",
            "name": name,
            "enter": enter(kind),
            "exit": {"answer": answer(kind)},
            "erased": False,
        }

    entered = [made(lambda kind: {"value": 1}, answer) for answer in answers]
    return [made(lambda kind: {"raise": kind}, answers[0]), *entered]


def small_bodies(specs, last):
    """The statements that use these managers, whose innermost body is the statement `last`."""
    yield a_with("w", specs, [last])
    if len(specs) > 1:
        nested = [last]
        for depth, spec in reversed(list(enumerate(specs))):
            nested = [a_with(f"w{depth}", [spec], nested)]
        yield nested[0]
    for outside in range(len(specs)):
        before, on_it = specs[:outside], specs[outside:]
        stack = {"kind": "stack", "name": "s", "entries": []}
        entered = [{"enter": spec, "on": "s"} for spec in on_it]
        yield a_with("w", [*before, stack], [*entered, last])
        if all("value" in spec["enter"] for spec in on_it):
            pushed = [{each: spec[each] for each in spec if each != "enter"} for spec in on_it]
            stack = {"kind": "stack", "name": "s", "entries": [{"push": each} for each in pushed]}
            yield a_with("w", [*before, stack], [last])


def a_with(name, specs, body):
    return {"with": specs, "id": name, "body": body, "returns": True}

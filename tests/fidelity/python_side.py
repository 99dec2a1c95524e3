# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs programs of context managers (README.md) with CPython and returns their events.

Programs of the policy `replace` are run by the `with` statement and the stock contextlib, those of
`keep_body` by the model in keep_body.py. All else is the same for both: managers are Python
classes, generators and what contextlib has.
"""

import contextlib
import sys

import keep_body


class E0(Exception):
    pass


class E1(E0):
    pass


class E2(E0):
    pass


class E3(E1):
    pass


class E4(E2):
    pass


class X0(BaseException):
    pass


class Ambient(Exception):
    """Is being handled while a program runs, and is not of it (gh-102201)."""


RAISED = {"E0": E0, "E1": E1, "E2": E2, "E3": E3, "E4": E4, "X0": X0}
CAUGHT = {**RAISED, "any": BaseException}
SUPPRESSED = keep_body.SUPPRESSED
CIRCLE = 100  # no chain is as long


class CPython:
    """The policy `replace`: the language and its library."""

    Stack = contextlib.ExitStack

    @staticmethod
    def with_(make, specs, body):
        """A `with` statement of one to four managers, which a real `return` leaves."""
        if len(specs) == 1:
            (a,) = specs
            with make(a) as p:
                return body(p)
        elif len(specs) == 2:
            a, b = specs
            with make(a) as p, make(b) as q:
                return body(p, q)
        elif len(specs) == 3:
            a, b, c = specs
            with make(a) as p, make(b) as q, make(c) as r:
                return body(p, q, r)
        else:
            a, b, c, d = specs
            with make(a) as p, make(b) as q, make(c) as r, make(d) as s:
                return body(p, q, r, s)
        return SUPPRESSED

    @staticmethod
    def decorate(manager, function):
        return manager(function)

    @staticmethod
    def chain(error):
        found = []
        error = error.__context__
        while error is not None and type(error) is not Ambient and len(found) < CIRCLE:
            if type(error) is not StopIteration:
                found.append(error)
            error = error.__context__
        return found

    @staticmethod
    def replace(error):
        raise error

    @staticmethod
    def raise_again(error, shown):
        """Raises an error that an exit knows from what it was shown.

        An ExitStack whose entries failed shows them an error that is not the one being handled. A
        new error gets the right context all the same, but one that is raised again would become
        its own context. So `shown` is returned to instead, or first handled, as it is in a `with`.
        """
        if shown is sys.exc_info()[1]:
            raise error
        if error is shown:
            return False
        context = shown.__context__
        try:
            raise shown
        except BaseException:
            shown.__context__ = context
            raise error


POLICIES = {"replace": CPython, "keep_body": keep_body}


class Generator(contextlib._GeneratorContextManager):
    """What contextmanager makes. It ends a generator that yielded too often, as later releases
    do themselves: in 3.11.2 the generator lives as long as the traceback."""

    def __exit__(self, *details):
        try:
            return super().__exit__(*details)
        finally:
            self.gen.close()


class Manager(contextlib.ContextDecorator):
    """A manager of kind `class`; it knows the stack that it is an entry of."""

    def __init__(self, program, spec, stack):
        self.program = program
        self.spec = spec
        self.stack = stack

    def __enter__(self):
        program, spec = self.program, self.spec
        program.say("enter " + spec["name"])
        enter = spec["enter"]
        if "run" in enter:
            program.run(enter["run"])
        if "raise" in enter:
            raise program.error(enter["raise"])
        return enter["value"]

    def __exit__(self, kind, error, traceback):
        return self.program.leave(self.spec, error, self.stack)


class Closer:
    """What a manager of kind `closing` closes."""

    def __init__(self, program, spec):
        self.program = program
        self.spec = spec
        self.name = spec["name"]

    def close(self):
        self.program.say("close " + self.name)
        if "raise" in self.spec["close"]:
            raise self.program.error(self.spec["close"]["raise"])


class Program:
    """One run of a program."""

    def __init__(self, program):
        self.log = []
        self.say = self.log.append
        self.number = 0
        self.in_exit = False  # in the `run` of an exit chains are not known yet
        self.stacks = {}
        self.policy = POLICIES[program["policy"]]
        self.shared = [self.make(spec) for spec in program["shared"]]
        self.body = program["body"]

    def events(self):
        """Runs the program; the events in one line."""
        try:
            raise Ambient
        except Ambient:
            try:
                self.say("end " + self.text(self.run(self.body)))
            except BaseException as error:
                self.say("end raised " + self.shown(error))
        return " | ".join(self.log)

    # What is printed

    @staticmethod
    def text(result):
        if result is SUPPRESSED:
            return "suppressed"
        return "none" if result is None else str(result)

    @staticmethod
    def got(given):
        if given is None:
            return "-"
        return str(given) if type(given) is int else given.name

    @staticmethod
    def name(error):
        if type(error) is RuntimeError:
            return f"generator_error({error.args[0].removesuffix('()')})"
        if type(error) is AttributeError and "args" in str(error):
            return "single_use"
        return error.name if isinstance(error, (E0, X0)) else repr(error)

    def shown(self, error):
        if error is None:
            return "ok"
        chain = () if self.in_exit else self.policy.chain(error)
        if not chain:
            return self.name(error)
        return f"{self.name(error)} [{' '.join(map(self.name, chain))}]"

    def error(self, kind):
        """A new error; it gets the next number."""
        made = RAISED[kind]()
        self.number += 1
        made.name = f"{kind}.{self.number}"
        return made

    # Managers

    def make(self, spec, stack=None):
        """A manager; `stack` is the one that it becomes an entry of."""
        if "use" in spec:
            return self.shared[spec["use"]]
        kind = spec["kind"]
        if kind == "class":
            return Manager(self, spec, stack)
        if kind == "generator":
            return Generator(self.generate, (spec,), {})
        if kind == "suppress":
            return contextlib.suppress(*[CAUGHT[each] for each in spec["classes"]])
        if kind == "null":
            return contextlib.nullcontext(spec["value"])
        if kind == "closing":
            return contextlib.closing(Closer(self, spec))
        made = self.policy.Stack()
        made.name = spec["name"]
        self.stacks[made.name] = made
        for entry in spec["entries"]:
            self.add(entry, made)
        return made

    def generate(self, spec):
        name = spec["name"]
        self.say("enter " + name)
        try:
            enter = spec["enter"]
            if "none" in enter:
                return
            if "raise" in enter:
                raise self.error(enter["raise"])
            catch = spec["catch"]
            if catch is None:
                yield enter["value"]
            else:
                try:
                    yield enter["value"]
                except CAUGHT[catch["class"]] as error:
                    self.say(f"caught {name} {self.shown(error)}")
                    then = catch["then"]
                    if "reraise" in then:
                        raise
                    if "raise" in then:
                        raise self.error(then["raise"])
                    if "yield" in then:
                        yield enter["value"]
            self.say("after " + name)
            after = spec["after"]
            if "raise" in after:
                raise self.error(after["raise"])
            if "yield" in after:
                yield enter["value"]
        finally:
            if spec["finally"]:
                self.say("finally " + name)

    def leave(self, spec, error, stack):
        """The exit of a class, or a function on a stack that is told how it left."""
        exit = spec["exit"]
        self.say(f"exit {spec['name']} {self.shown(error)}")
        if "run" in exit:
            self.in_exit = True
            try:
                self.run(exit["run"])
            finally:
                self.in_exit = False
        for entry in exit.get("adds", ()):
            self.add(entry, stack)
        for answer, value in exit["answer"].items():
            if answer == "return":
                return value
            if answer == "raise":
                raise self.error(value)
            if error is None:
                return False
            if answer == "suppress":
                return isinstance(error, CAUGHT[value])
            if answer == "replace":
                return self.policy.replace(self.error(value))
            again = error
            if answer == "root":
                again = (self.policy.chain(error) or [error])[-1]
            return self.policy.raise_again(again, error)

    def add(self, entry, stack):
        """Puts an entry on a stack."""
        if "push" in entry:
            stack.push(self.make(entry["push"], stack))
        elif "function" in entry:
            function = entry["function"]
            stack.push(lambda kind, error, traceback: self.leave(function, error, stack))
        else:
            stack.callback(self.call_back, entry["callback"])

    def call_back(self, spec):
        self.say("callback " + spec["name"])
        if spec["raise"] is not None:
            raise self.error(spec["raise"])

    # Statements

    def run(self, statements):
        """Returns the number of the `return` that ended them, or None."""
        for statement in statements:
            for word in statement:
                run_one = STATEMENTS.get(word)
                if run_one is not None:
                    break
            result = run_one(self, statement)
            if result is not None:
                return result
        return None

    def run_with(self, statement, make, specs):
        def body(*given):
            self.say(f"body {statement['id']} {' '.join(map(self.got, given))}")
            return self.run(statement["body"])

        result = self.policy.with_(make, specs, body)
        self.say(f"with {statement['id']} {self.text(result)}")
        return result if statement["returns"] and result is not SUPPRESSED else None

    def run_with_statement(self, statement):
        return self.run_with(statement, self.make, statement["with"])

    def run_pop(self, statement):
        def pop_all(name):
            popped = self.stacks[name].pop_all()
            popped.name = statement["as"]
            self.stacks[popped.name] = popped
            return popped

        return self.run_with(statement, pop_all, [statement["pop"]])

    def run_enter(self, statement):
        stack = self.stacks[statement["on"]]
        self.say("got " + self.got(stack.enter_context(self.make(statement["enter"], stack))))

    def run_add(self, statement):
        self.add(statement, self.stacks[statement["on"]])

    def run_close(self, statement):
        self.stacks[statement["close"]].close()

    def run_raise(self, statement):
        raise self.error(statement["raise"])

    def run_return(self, statement):
        return statement["return"]

    def run_try(self, statement):
        try:
            return self.run(statement["try"])
        except CAUGHT[statement["catch"]] as error:
            self.say(f"caught {statement['id']} {self.shown(error)}")

    def run_call(self, statement):
        def function():
            self.say("body " + statement["id"])
            return (self.run(statement["body"]),)

        call = self.policy.decorate(self.make(statement["call"]), function)
        for _ in range(statement["times"]):
            result = call()  # None only if an error was suppressed
            text = self.text(SUPPRESSED if result is None else result[0])
            self.say(f"call {statement['id']} {text}")


STATEMENTS = {
    "with": Program.run_with_statement,
    "enter": Program.run_enter,
    "push": Program.run_add,
    "function": Program.run_add,
    "callback": Program.run_add,
    "pop": Program.run_pop,
    "close": Program.run_close,
    "raise": Program.run_raise,
    "return": Program.run_return,
    "try": Program.run_try,
    "call": Program.run_call,
}


def run(program):
    """The events of a program, in one line."""
    return Program(program).events()

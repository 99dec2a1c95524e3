# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The default policy of withal, `keep_body`, as an executable specification.

Managers and functions are Python's, with `__enter__` and `__exit__`; what is replaced is the `with`
statement and the ExitStack. The law is the class Unwinding. Which error is secondary to which is
kept in lists; `__context__` plays no part.
"""

SUPPRESSED = object()  # what with_ returns if an error was suppressed


def secondary(error):
    """The errors that are secondary to this one, in the order in which they happened."""
    return error.__dict__.setdefault("secondary", [])


def chain(error):
    """All that is secondary to an error: depth first, each once."""
    found = []

    def visit(above):
        for each in secondary(above):
            if each is not error and each not in found:
                found.append(each)
                visit(each)

    visit(error)
    return found


def attach(primary, fresh):
    """Makes `fresh` secondary to `primary`; it is cut where it would lead back to it."""
    if fresh not in secondary(primary):
        for each in [fresh, *chain(fresh)]:
            if primary in secondary(each):
                secondary(each).remove(primary)
        secondary(primary).append(fresh)


class Replace:
    """An exit answers: this error goes on, and the one before is secondary to it."""

    def __init__(self, error):
        self.error = error

    def apply(self, before):
        attach(self.error, before)


class Instead(Replace):
    """A stack answers: its entries suppressed the error, and then one of them failed."""

    def apply(self, before):
        pass


class Unwinding:
    """The law: what each exit is shown, and what goes on after the last."""

    def __init__(self, current):
        self.current = current

    def exit(self, function):
        """Runs one exit."""
        shown = self.current
        try:
            answer = function(type(shown) if shown else None, shown, None)
        except BaseException as fresh:
            self.raised(fresh)
        else:
            self.returned(answer)

    def returned(self, answer):
        """After success there is nothing to suppress or to replace."""
        if self.current is None or not answer:
            return
        if isinstance(answer, Replace):
            if answer.error is not self.current:
                answer.apply(self.current)
            self.current = answer.error
        else:
            self.current = None

    def raised(self, fresh):
        """The error on its way goes on; raising it again is no failure."""
        if self.current is None:
            self.current = fresh
        elif fresh is not self.current:
            attach(self.current, fresh)


def with_(make, specs, body):
    """with make(specs[0]) as a, make(specs[1]) as b, ...: return body(a, b, ...)"""
    exits, given = [], []
    error = result = None
    try:
        for spec in specs:
            manager = make(spec)
            given.append(manager.__enter__())
            exits.append(manager.__exit__)
        result = body(*given)
    except BaseException as raised:
        error = raised
    law = Unwinding(error)
    failed = error is not None
    while exits:
        law.exit(exits.pop())
        failed = failed or law.current is not None
    if law.current is not None:
        raise law.current
    return SUPPRESSED if failed else result


class Stack:
    """contextlib.ExitStack with this law."""

    def __init__(self):
        self.exits = []

    def push(self, exit):
        self.exits.append(exit.__exit__ if hasattr(type(exit), "__exit__") else exit)

    def enter_context(self, manager):
        given = manager.__enter__()
        self.push(manager)
        return given

    def callback(self, function, *arguments):
        def exit(kind, shown, traceback):
            function(*arguments)

        self.push(exit)

    def pop_all(self):
        popped = Stack()
        popped.exits, self.exits = self.exits, []
        return popped

    def close(self):
        self.__exit__(None, None, None)

    def __enter__(self):
        return self

    def __exit__(self, kind, shown, traceback):
        """Answers for its entries; those that are added meanwhile run too."""
        law = Unwinding(shown)
        while self.exits:
            law.exit(self.exits.pop())
        if law.current is shown:
            return False
        if law.current is None:
            return True
        if shown is None:
            raise law.current
        return Instead(law.current)


def decorate(manager, function):
    """manager(function), for a contextlib.ContextDecorator; None if an error was suppressed."""

    def call():
        # The hook of ContextDecorator: the manager itself, or a new one if it is a generator's.
        result = with_(lambda _: manager._recreate_cm(), [manager], lambda _: function())
        return None if result is SUPPRESSED else result

    return call


def replace(error):
    """What an exit returns that translates an error."""
    return Replace(error)


def raise_again(error, shown):
    """What an exit does that raises an error that it knows from `shown`."""
    raise error

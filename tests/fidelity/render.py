# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A program as Python and as C++, for people to read. What only prints events is left out."""

from programs import answers


class Text:
    """Lines with their indentation."""

    def __init__(self):
        self.lines = []
        self.depth = 0

    def line(self, text):
        self.lines.append("    " * self.depth + text)

    def block(self, head, write, tail=None):
        """An indented block between two lines; `write` writes it."""
        self.line(head)
        self.depth += 1
        write()
        self.depth -= 1
        if tail is not None:
            self.line(tail)

    def __str__(self):
        return "\n".join(self.lines)


def returns(statements):
    """Can a `return` in these statements leave the body that they are?"""
    for each in statements:
        if "return" in each or returns(each.get("try", ())):
            return True
        if each.get("returns") and returns(each["body"]):
            return True
    return False


def suppresses(part):
    """Is there a manager in here that may suppress?"""
    if isinstance(part, list):
        return any(map(suppresses, part))
    if not isinstance(part, dict):
        return False
    if part.get("kind") == "suppress" or part.get("quiet") is False:
        return True
    return ("answer" in part and answers(part)) or any(map(suppresses, part.values()))


class Python:
    """Writes Python."""

    def __init__(self, program):
        self.text = Text()
        self.line = self.text.line
        self.block = self.text.block
        self.model = program["policy"] == "keep_body"
        if self.model:
            self.line("# with the law of keep_body.py, not Python's own")
        for number, spec in enumerate(program["shared"]):
            self.line(f"shared{number} = {self.made(spec)}")
        self.block("def program():", lambda: self.statements(program["body"]))
        self.line("program()")

    def statements(self, statements):
        for each in statements:
            self.statement(each)
        if not statements:
            self.line("pass")

    def made(self, spec, stack=None):
        """The expression that makes a manager, after the lines that it needs."""
        if "use" in spec:
            return f"shared{spec['use']}"
        kind = spec["kind"]
        if kind == "suppress":
            return f"suppress({', '.join(map(caught, spec['classes']))})"
        if kind == "null":
            return f"nullcontext({spec['value']})"
        if kind == "class":
            self.class_(spec, stack)
        elif kind == "generator":
            self.line("@contextmanager")
            self.block(f"def {spec['name']}():", lambda: self.generator(spec))
        elif kind == "closing":
            self.block(f"class {spec['name']}:", lambda: self.closer(spec))
            return f"closing({spec['name']}())"
        else:
            self.line(f"{spec['name']} = ExitStack()")
            for entry in spec["entries"]:
                self.entry(entry, spec["name"])
            return spec["name"]
        return f"{spec['name']}()"

    def class_(self, spec, stack):
        def methods():
            if "enter" in spec:
                self.block("def __enter__(self):", lambda: self.enter(spec["enter"]))
            head = "def __exit__(self, kind, error, traceback):"
            self.block(head, lambda: self.exit(spec["exit"], stack))

        self.block(f"class {spec['name']}(ContextDecorator):", methods)

    def closer(self, spec):
        self.block("def close(self):", lambda: self.enter(spec["close"]))

    def enter(self, enter):
        if "run" in enter:
            self.statements(enter["run"])
        if "raise" in enter:
            self.line(f"raise {enter['raise']}")
        else:
            self.line(f"return {enter['value']}" if "value" in enter else "pass")

    def exit(self, exit, stack):
        if "run" in exit:
            self.statements(exit["run"])
        for entry in exit.get("adds", ()):
            self.entry(entry, stack)
        for answer, value in exit["answer"].items():
            replaced = f"return Replace({value})" if self.model else f"raise {value}"
            text = {
                "return": f"return {value}",
                "suppress": f"return isinstance(error, {caught(value)})",
                "raise": f"raise {value}",
                "replace": f"if error: {replaced}",
                "reraise": "if error: raise error",
                "root": "if error: raise last_of_chain(error)",
            }
            self.line(text[answer])

    def generator(self, spec):
        if spec["finally"]:
            self.block("try:", lambda: self.generated(spec))
            self.block("finally:", lambda: self.line(f"print('finally {spec['name']}')"))
        else:
            self.generated(spec)

    def generated(self, spec):
        enter, catch, after = spec["enter"], spec["catch"], spec["after"]
        if "value" not in enter:
            self.line(f"raise {enter['raise']}" if "raise" in enter else "return")
            if "none" in enter:
                self.line("yield")
            return
        given = f"yield {enter['value']}"
        if catch is None:
            self.line(given)
        else:
            then = catch["then"]
            text = {"finish": "pass", "reraise": "raise", "yield": given}
            handler = f"raise {then['raise']}" if "raise" in then else text[next(iter(then))]
            self.block("try:", lambda: self.line(given))
            self.block(f"except {caught(catch['class'])}:", lambda: self.line(handler))
        if "raise" in after:
            self.line(f"raise {after['raise']}")
        elif "yield" in after:
            self.line(given)

    def entry(self, entry, stack):
        if "push" in entry:
            self.line(f"{stack}.push({self.made(entry['push'], stack)})")
        elif "function" in entry:
            spec = entry["function"]
            head = f"def {spec['name']}(kind, error, traceback):"
            self.block(head, lambda: self.exit(spec["exit"], stack))
            self.line(f"{stack}.push({spec['name']})")
        else:
            spec = entry["callback"]
            raised = "pass" if spec["raise"] is None else f"raise {spec['raise']}"
            self.block(f"def {spec['name']}():", lambda: self.line(raised))
            self.line(f"{stack}.callback({spec['name']})")

    def statement(self, each):
        if "with" in each:
            made = [self.made(spec) for spec in each["with"]]
            self.with_(each, ", ".join(made))
        elif "pop" in each:
            self.with_(each, f"{each['pop']}.pop_all() as {each['as']}")
        elif "enter" in each:
            made = self.made(each["enter"], each["on"])
            self.line(f"{each['on']}.enter_context({made})")
        elif "on" in each:
            self.entry(each, each["on"])
        elif "close" in each:
            self.line(f"{each['close']}.close()")
        elif "raise" in each:
            self.line(f"raise {each['raise']}")
        elif "return" in each:
            self.line(f"return {each['return']}")
        elif "try" in each:
            self.block("try:", lambda: self.statements(each["try"]))
            self.block(f"except {caught(each['catch'])}:", lambda: self.line("pass"))
        else:
            self.line(f"@{self.made(each['call'])}")
            self.block(f"def {each['id']}():", lambda: self.statements(each["body"]))
            for _ in range(each["times"]):
                self.line(f"{each['id']}()")

    def with_(self, each, managers):
        """A body whose number is not returned from the body around is a function of its own."""

        def statement():
            self.block(f"with {managers}:", lambda: self.statements(each["body"]))

        if returns(each["body"]) and not each["returns"]:
            self.block(f"def {each['id']}():", statement)
            self.line(f"{each['id']}()")
        else:
            statement()


def caught(kind):
    return "BaseException" if kind == "any" else kind


class Cpp:
    """Writes C++."""

    def __init__(self, program):
        self.text = Text()
        self.line = self.text.line
        self.block = self.text.block
        replaces = program["policy"] == "replace"
        self.policy = "<both_failed::replace>" if replaces else ""
        stack = "suppressing_exit_stack" if suppresses(program) else "exit_stack"
        self.stack = stack + ("(both_failed::replace)" if replaces else "()")
        for number, spec in enumerate(program["shared"]):
            self.line(f"auto shared{number} = {self.made(spec)};")
        self.block("std::optional<int> program() {", lambda: self.body(program["body"]), "}")

    def body(self, statements):
        """A body returns a number if there is a `return` in it, and else nothing."""
        self.statements(statements)
        if returns(statements) and not statements[-1].keys() & {"return", "raise"}:
            self.line("return std::nullopt;")

    def statements(self, statements):
        for each in statements:
            self.statement(each)

    def made(self, spec, stack=None):
        """The expression that makes a manager, after the lines that it needs."""
        if "use" in spec:
            return f"shared{spec['use']}"
        kind = spec["kind"]
        if kind == "suppress":
            return f"suppress<{', '.join(spec['classes'])}>()"
        if kind == "null":
            return f"null_context({spec['value']})"
        if kind == "class":
            self.class_(spec, stack)
        elif kind == "generator":
            head = f"{'' if spec['quiet'] else 'suppressing_'}managed<int> {spec['name']}() {{"
            self.block(head, lambda: self.generator(spec), "}")
        elif kind == "closing":
            self.block(f"struct {spec['name']} {{", lambda: self.closer(spec), "};")
            return f"closing({spec['name']}())"
        else:
            return self.filled(spec)
        made = f"{spec['name']}()"
        if spec.get("erased"):
            return f"any_manager<int{'&' if kind == 'generator' else ''}>({made})"
        return made

    def filled(self, spec):
        """A stack; one with entries is made by a function."""
        if not spec["entries"]:
            return self.stack
        name = spec["name"]

        def entries():
            self.line(f"auto {name} = {self.stack};")
            for entry in spec["entries"]:
                self.entry(entry, name)
            self.line(f"return {name};")

        self.block(f"auto make_{name} = [] {{", entries, "};")
        return f"make_{name}()"

    def class_(self, spec, stack):
        def methods():
            if "enter" in spec:
                self.block("int enter() {", lambda: self.enter(spec["enter"]), "}")
            kind = "verdict" if answers(spec["exit"]) else "void"
            head = f"{kind} exit(const outcome& left) {{"
            self.block(head, lambda: self.exit(spec["exit"], stack), "}")

        self.block(f"struct {spec['name']} {{", methods, "};")

    def closer(self, spec):
        self.block("void close() {", lambda: self.enter(spec["close"]), "}")

    def enter(self, enter):
        if "run" in enter:
            self.block("[&] {", lambda: self.body(enter["run"]), "}();")
        if "raise" in enter:
            self.line(f"throw {enter['raise']}();")
        elif "value" in enter:
            self.line(f"return {enter['value']};")

    def exit(self, exit, stack):
        if "run" in exit:
            self.block("[&] {", lambda: self.body(exit["run"]), "}();")
        for entry in exit.get("adds", ()):
            self.entry(entry, stack)
        for answer, value in exit["answer"].items():
            suppress = f"left.inspect<{value}>([](const {value}&) {{}})"
            if value == "any":
                suppress = "left.threw()"
            fresh = f"std::make_exception_ptr({value}())"
            text = {
                "return": "return verdict::suppress;" if value else None,
                "suppress": f"return {suppress} ? verdict::suppress : verdict::propagate;",
                "raise": f"throw {value}();",
                "replace": f"return verdict::replace({fresh}); // ignored after success",
                "reraise": "if (left.threw()) std::rethrow_exception(left.exception());",
                "root": "if (left.threw()) std::rethrow_exception(last_of_chain(left));",
            }[answer]
            if text is not None:
                self.line(text)

    def generator(self, spec):
        enter, catch, after = spec["enter"], spec["catch"], spec["after"]
        if spec["finally"]:
            self.line(f'const says_at_end last("finally {spec["name"]}");')
        if "value" not in enter:
            self.line(f"throw {enter['raise']}();" if "raise" in enter else "co_return;")
            if "none" in enter:
                self.line("co_yield 0;")
            return
        given = f"co_yield {enter['value']};"
        if catch is None:
            self.line(given)
        else:
            self.caught(catch, given)
        if "raise" in after:
            self.line(f"throw {after['raise']}();")
        elif "yield" in after:
            self.line(given)

    def caught(self, catch, given):
        """A handler of C++ cannot yield, but what stands behind it can."""
        then = catch["then"]
        kind = "..." if catch["class"] == "any" else f"const {catch['class']}&"
        if "yield" in then:
            self.line("bool again = false;")
        self.block("try {", lambda: self.line(given))
        self.line(f"}} catch ({kind}) {{")
        text = {"finish": "// and finishes", "reraise": "throw;", "yield": "again = true;"}
        handler = f"throw {then['raise']}();" if "raise" in then else text[next(iter(then))]
        self.line("    " + handler)
        self.line("}")
        if "yield" in then:
            self.line(f"if (again) {given}")

    def entry(self, entry, stack):
        if "push" in entry:
            self.line(f"{stack}.push({self.made(entry['push'], stack)});")
        elif "function" in entry:
            spec = entry["function"]
            if answers(spec["exit"]):  # defer() takes what never suppresses
                self.class_(spec, stack)
                self.line(f"{stack}.push({spec['name']}());")
            else:
                head = f"{stack}.defer([&](const outcome& left) {{ // {spec['name']}"
                self.block(head, lambda: self.exit(spec["exit"], stack), "});")
        else:
            spec = entry["callback"]
            raised = "" if spec["raise"] is None else f"throw {spec['raise']}(); "
            self.line(f"{stack}.defer([] {{ {raised}}}); // {spec['name']}")

    def statement(self, each):
        if "with" in each:
            specs = each["with"]
            made = [self.made(spec) for spec in specs]
            given = [f"auto& {self.given(spec, at)}" for at, spec in enumerate(specs)]
            known = [one for one, spec in zip(given, specs) if spec.get("kind") != "suppress"]
            self.with_(each, ", ".join(made), ", ".join(known))
        elif "pop" in each:
            self.with_(each, f"{each['pop']}.pop_all()", f"auto& {each['as']}")
        elif "enter" in each:
            self.line(f"{each['on']}.enter({self.made(each['enter'], each['on'])});")
        elif "on" in each:
            self.entry(each, each["on"])
        elif "close" in each:
            self.line(f"{each['close']}.close();")
        elif "raise" in each:
            self.line(f"throw {each['raise']}();")
        elif "return" in each:
            self.line(f"return {each['return']};")
        elif "try" in each:
            kind = "..." if each["catch"] == "any" else f"const {each['catch']}&"
            self.block("try {", lambda: self.statements(each["try"]), f"}} catch ({kind}) {{")
            self.line("}")
        else:
            self.call(each)

    @staticmethod
    def given(spec, at):
        return spec["name"] if spec.get("kind") == "stack" else f"given{at}"

    def with_(self, each, managers, given):
        head = f"with{self.policy}({managers}, [&]({given}) {{"
        if returns(each["body"]):
            head = head[:-1] + "-> std::optional<int> {"
        result = returns(each["body"]) and each["returns"]
        if result:
            head = f"if (auto number = {head}"
        write = lambda: self.body(each["body"])  # noqa: E731
        self.block(head, write, "})) return number; // unless suppressed" if result else "});")

    def call(self, each):
        made = self.made(each["call"])
        generator = each["call"].get("kind") == "generator"
        around = made.removesuffix("()") if generator else made  # a function that makes managers
        kind = "-> std::optional<int> " if returns(each["body"]) else ""
        head = f"auto {each['id']} = decorate{self.policy}({around}, [&] {kind}{{"
        if kind:
            head = head.replace("[&] ->", "[&]() ->")
        self.block(head, lambda: self.body(each["body"]), "});")
        for _ in range(each["times"]):
            self.line(f"{each['id']}();")


def python(program):
    """The program in Python, with contextlib."""
    return str(Python(program).text)


def cpp(program):
    """The program in C++, with withal."""
    return str(Cpp(program).text)

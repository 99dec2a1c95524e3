#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python half of the comparison: each rule of README.md, and tools that can fail."""

import contextlib
import io
import json
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import fidelity  # noqa: E402
import keep_body  # noqa: E402
import programs  # noqa: E402
import python_side  # noqa: E402
import render  # noqa: E402
import shapes  # noqa: E402
import shrink  # noqa: E402

CASES = [
    json.loads(line)
    for path in sorted((HERE / "cases").glob("*.jsonl"))
    for line in path.read_text().splitlines()
]


def a_class(name="a", answer=None, **exit):
    """A manager of kind `class`."""
    exit["answer"] = answer or {"return": False}
    enter = {"value": 1}
    return {"kind": "class", "name": name, "enter": enter, "exit": exit, "erased": False}


def a_generator(**changes):
    spec = {"kind": "generator", "name": "g", "enter": {"value": 1}, "catch": None}
    spec |= {"after": {"finish": True}, "finally": False, "quiet": False, "erased": False}
    return spec | changes


def pushed(answer=None, **exit):
    spec = a_class("p", answer, **exit)
    del spec["enter"]
    return {"push": spec}


def a_stack(*entries, name="s"):
    return {"kind": "stack", "name": name, "entries": list(entries)}


def a_with(*specs, body=(), returns=False):
    return {"with": list(specs), "id": "w", "body": list(body), "returns": returns}


def a_program(*body, policy="replace", shared=()):
    return {"policy": policy, "shared": list(shared), "body": list(body)}


class Rules(unittest.TestCase):
    """Each case says what must be printed; it was written by hand."""

    def test_the_events_of_each_case(self):
        for case in CASES:
            with self.subTest(case["shows"], policy=case["policy"]):
                self.assertEqual(python_side.run(case), case["events"])

    def test_each_case_is_a_program(self):
        for case in CASES:
            with self.subTest(case["shows"]):
                programs.check(case)

    def test_both_policies_have_cases_that_differ(self):
        said = {}
        for case in CASES:
            said.setdefault(case["shows"], set()).add(case["events"])
        self.assertGreater(sum(len(events) == 2 for events in said.values()), 10)


class PythonSide(unittest.TestCase):
    def test_the_numbers_of_errors_begin_anew_in_each_program(self):
        program = a_program({"raise": "E1"})
        self.assertEqual(python_side.run(program), "end raised E1.1")
        self.assertEqual(python_side.run(program), "end raised E1.1")

    def test_the_error_around_a_program_is_not_in_its_chains(self):
        try:
            raise KeyError
        except KeyError:
            self.assertEqual(python_side.run(a_program({"raise": "E1"})), "end raised E1.1")

    def test_a_mistake_of_the_interpreter_is_seen(self):
        said = python_side.run(a_program({"close": "nothing"}))
        self.assertEqual(said, "end raised KeyError('nothing')")

    def test_a_circle_of_contexts_is_printed_and_ends(self):
        error, other = python_side.E1(), python_side.E2()
        error.__context__, other.__context__ = other, error
        self.assertEqual(len(python_side.CPython.chain(error)), python_side.CIRCLE)

    def test_an_entry_that_raises_again_makes_no_circle(self):
        entries = [pushed({"reraise": True}), pushed({"reraise": True}), pushed({"raise": "E2"})]
        body = a_with(a_stack(*entries), body=[{"raise": "E1"}])
        said = python_side.run(a_program(body))
        self.assertEqual(said.split(" | ")[-1], "end raised E2.2 [E1.1]")

    def test_a_generator_ends_inside_of_the_exit_though_its_error_is_held(self):
        spec = a_generator(catch={"class": "any", "then": {"yield": True}}, **{"finally": True})
        said = python_side.run(a_program(a_with(a_class(), spec, body=[{"raise": "E1"}])))
        self.assertLess(said.index("finally g"), said.index("exit a"))


class KeepBody(unittest.TestCase):
    """The model of the default policy."""

    def setUp(self):
        self.a, self.b, self.c, self.d = (python_side.E0(name) for name in "abcd")

    def chain(self, error):
        return "".join(map(str, keep_body.chain(error)))

    def test_a_chain_is_depth_first_and_has_each_once(self):
        keep_body.attach(self.b, self.c)
        keep_body.attach(self.a, self.b)
        keep_body.attach(self.a, self.d)
        keep_body.attach(self.b, self.d)
        self.assertEqual(self.chain(self.a), "bcd")

    def test_what_is_attached_is_cut_where_it_leads_back(self):
        keep_body.attach(self.a, self.b)
        keep_body.attach(self.b, self.c)
        keep_body.attach(self.c, self.a)
        self.assertEqual(self.chain(self.c), "abc"[:2])
        self.assertEqual(self.chain(self.a), "b")

    def test_an_error_is_attached_once(self):
        keep_body.attach(self.a, self.b)
        keep_body.attach(self.a, self.b)
        self.assertEqual(keep_body.secondary(self.a), [self.b])

    def test_the_error_on_its_way_goes_on(self):
        law = keep_body.Unwinding(self.a)
        law.raised(self.b)
        law.raised(self.a)
        self.assertIs(law.current, self.a)
        self.assertEqual(self.chain(self.a), "b")

    def test_success_is_for_good_until_an_exit_fails(self):
        law = keep_body.Unwinding(self.a)
        law.returned(True)
        law.returned(keep_body.replace(self.b))
        law.returned(True)
        self.assertIsNone(law.current)
        law.raised(self.c)
        self.assertIs(law.current, self.c)
        self.assertEqual(self.chain(self.c), "")

    def test_what_replaces_takes_the_old_one_along(self):
        law = keep_body.Unwinding(self.a)
        law.raised(self.b)
        law.returned(keep_body.replace(self.c))
        self.assertIs(law.current, self.c)
        self.assertEqual(self.chain(self.c), "ab")

    def test_with_makes_each_manager_just_before_it_is_entered(self):
        said = []

        @contextlib.contextmanager
        def manager(name):
            said.append("enter " + name)
            yield name
            said.append("exit " + name)

        def make(name):
            said.append("make " + name)
            return manager(name)

        result = keep_body.with_(make, ["a", "b"], lambda *given: given)
        self.assertEqual(result, ("a", "b"))
        expected = ["make a", "enter a", "make b", "enter b", "exit b", "exit a"]
        self.assertEqual(said, expected)

    def failing(self, error):
        def exit(kind, shown, traceback):
            raise error

        return exit

    def test_a_stack_raises_what_failed_after_success(self):
        stack = keep_body.Stack()
        stack.push(self.failing(self.b))
        stack.push(self.failing(self.a))
        with self.assertRaises(python_side.E0) as caught:
            stack.close()
        self.assertIs(caught.exception, self.a)
        self.assertEqual(self.chain(self.a), "b")

    def test_a_stack_does_not_raise_what_it_was_shown(self):
        stack = keep_body.Stack()
        stack.push(self.failing(self.b))
        self.assertIs(stack.__exit__(type(self.a), self.a, None), False)
        self.assertEqual(self.chain(self.a), "b")

    def test_a_stack_that_suppressed_and_then_failed_answers_with_that_error_alone(self):
        stack = keep_body.Stack()
        stack.push(self.failing(self.b))
        stack.push(lambda *left: True)
        law = keep_body.Unwinding(self.a)
        law.exit(stack.__exit__)
        self.assertIs(law.current, self.b)
        self.assertEqual(self.chain(self.b), "")

    def test_pop_all_leaves_a_stack_that_can_be_used(self):
        said = []
        stack = keep_body.Stack()
        stack.callback(said.append, 1)
        popped = stack.pop_all()
        stack.callback(said.append, 2)
        stack.close()
        popped.close()
        self.assertEqual(said, [2, 1])


class Random(unittest.TestCase):
    """The generator of random programs."""

    def test_a_program_depends_on_its_seed_and_number_only(self):
        maker = programs.Maker(3)
        some = [maker.program(index) for index in (7, 2, 7)]
        self.assertEqual(some[0], some[2])
        self.assertEqual(some[1], programs.random_program(3, 2))
        self.assertNotEqual(some[0], programs.random_program(4, 7))

    def test_half_of_the_programs_have_each_policy(self):
        policies = [programs.random_program(1, index)["policy"] for index in range(100)]
        self.assertEqual(policies.count("replace"), 50)

    def test_all_are_programs_by_the_rules(self):
        maker = programs.Maker(5)
        for index in range(3000):
            programs.check(maker.program(index))

    def test_all_small_programs_are_there_once(self):
        lines = {fidelity.ENCODE(program) for program in programs.all_programs()}
        self.assertEqual(len(lines), 95_228)
        for line in sorted(lines)[::100]:
            programs.check(json.loads(line))


class Valid(unittest.TestCase):
    """What a program never does is found."""

    def assert_invalid(self, rule, *body, shared=()):
        with self.assertRaises(programs.Invalid) as caught:
            programs.check(a_program(*body, shared=shared))
        self.assertIn(rule, str(caught.exception))

    def test_the_form(self):
        with self.assertRaises(programs.Invalid):
            programs.check({"policy": "replace", "body": []})
        with self.assertRaises(programs.Invalid):
            programs.check(a_program(policy="group"))
        self.assert_invalid("not a statement", {"while": []})
        self.assert_invalid("not the form", {"with": [{"name": "a"}], "body": []})
        self.assert_invalid("an unknown class", {"raise": "any"})
        self.assert_invalid("one to four", a_with())

    def test_a_stack_is_named_only_while_it_is_open(self):
        enter = {"enter": a_class(), "on": "s"}
        self.assert_invalid("no stack s", enter)
        self.assert_invalid("no stack s", a_with(a_stack()), enter)
        self.assert_invalid("no stack s", a_with(a_stack(), body=[{"close": "s"}, enter]))
        on_another = {"enter": a_stack(name="t"), "on": "s"}
        self.assert_invalid("no stack t", a_with(a_stack(), body=[on_another, {"close": "t"}]))
        self.assert_invalid("one name", a_with(a_stack(), a_stack()))

    def test_a_stack_is_closed_once(self):
        call = {"call": a_class(), "times": 1, "id": "d", "body": [{"close": "s"}]}
        self.assert_invalid("a second call", a_with(a_stack(), body=[call]))

    def test_what_does_not_stand_in_a_run(self):
        def exit_that_runs(*run):
            return a_with(a_class(run=list(run)))

        self.assert_invalid("a stack inside", exit_that_runs(a_with(a_stack())))
        self.assert_invalid("root inside", exit_that_runs(a_with(a_class("b", {"root": True}))))
        self.assert_invalid("a run inside", exit_that_runs(a_with(a_class("b", run=[]))))
        shared = [a_class("b", {"root": True})]
        self.assert_invalid("not for a run", exit_that_runs(a_with({"use": 0})), shared=shared)

    def test_where_an_exit_may_add(self):
        adds = [{"callback": {"name": "k", "raise": None}}]
        self.assert_invalid("adds", a_with(a_class(adds=adds)))
        self.assert_invalid("adds", a_with(a_stack(pushed(adds=[pushed(adds=adds)]))))
        pop = {"pop": "s", "as": "t", "id": "p", "body": [], "returns": False}
        self.assert_invalid("adds", a_with(a_stack(pushed(adds=adds)), body=[pop]))
        on_another = {"enter": a_stack(pushed(adds=adds), name="t"), "on": "s"}
        self.assert_invalid("adds", a_with(a_stack(), body=[on_another]))
        programs.check(a_program(a_with(a_stack(pushed(adds=adds)))))

    def test_a_root_in_a_stack_on_another(self):
        inner = {"enter": a_stack(pushed({"root": True}), name="t"), "on": "s"}
        self.assert_invalid("root", a_with(a_stack(), body=[inner]))

    def test_what_is_erased_never_suppresses(self):
        self.assert_invalid("erased", a_with(a_class(answer={"return": True}) | {"erased": True}))
        self.assert_invalid("erased", a_with(a_generator(erased=True)))
        programs.check(a_program(a_with(a_generator(erased=True, quiet=True))))

    def test_a_quiet_generator_does_not_finish_a_handler(self):
        catch = {"class": "any", "then": {"finish": True}}
        self.assert_invalid("quiet", a_with(a_generator(quiet=True, catch=catch)))

    def test_what_can_be_shared_and_decorate(self):
        self.assert_invalid("none of", shared=[a_stack()])
        call = {"call": {"kind": "null", "value": 1}, "times": 1, "id": "d", "body": []}
        self.assert_invalid("none of", call)
        call = {"call": {"use": 0}, "times": 1, "id": "d", "body": []}
        self.assert_invalid("none of", call, shared=[a_generator()])
        self.assert_invalid("no such", a_with({"use": 1}), shared=[a_class()])


class Shapes(unittest.TestCase):
    def shown(self, count):
        maker = programs.Maker(1)
        shown = set()
        for index in range(count):
            program = maker.program(index)
            shown |= shapes.of(program, python_side.run(program))
        return shown

    def test_enough_programs_show_all(self):
        self.assertEqual(sorted(shapes.ALL - self.shown(fidelity.COUNT)), [])

    def test_a_generator_that_forgets_one_is_noticed(self):
        without = {
            "ANSWERS": ("*: the exit of a with answers root", programs.PLAIN),
            "THEN": ("generator yield, finally True", ("finish", "reraise", "raise")),
            "AFTER": ("generator then finish, after yield", ("finish", "raise")),
            "KINDS": ("closing in a with", ("class", "generator", "suppress", "null")),
            "WIDTHS": ("with of 4, no stack", (1, 2, 3)),
            "ON_STACKS": ("close of a popped stack", ("enter", "pop", *programs.ENTRIES)),
            "SUPPRESSED": ("suppress E3 X0", (("E0",), ("E1", "E2"))),
            "CAUGHT": ("generator catches any", programs.CLASSES),
            "RAISED": ("answer raises X0", ("E0", "E1")),
            "POLICIES": ("replace: a chain of 2", ("keep_body", "keep_body")),
            "STATEMENTS": ("call in the body of a program", ("with", "try", "stack")),
            "SMALL": ("try in a run", ("with",)),
        }
        for table, (shape, changed) in without.items():
            with self.subTest(shape), mock.patch.object(programs, table, changed):
                shape = shape.replace("*", "replace")
                self.assertIn(shape, shapes.ALL)
                self.assertFalse(shape in self.shown(2000))

    def test_a_fault_of_the_generator_is_told(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertTrue(fidelity.print_faults(1, [], ["pop of a popped stack"]))
            self.assertFalse(fidelity.print_faults(1, [], []))
        self.assertIn("none shows\n    pop of a popped stack\n", out.getvalue())

    def test_a_program_against_the_rules_is_told(self):
        out = io.StringIO()
        wrong = a_program({"raise": "any"})
        with contextlib.redirect_stdout(out), mock.patch.object(
            programs, "random_program", lambda seed, index: wrong
        ):
            self.assertTrue(fidelity.print_faults(1, [17], []))
        self.assertIn("number 17 of seed 1 is not a program: an unknown class", out.getvalue())


class Shrink(unittest.TestCase):
    def reduced(self, wanted, seed=1, policy="replace"):
        """The smallest program of which that is true."""
        maker = programs.Maker(seed)
        found = (maker.program(index) for index in range(10_000))
        program = next(each for each in found if each["policy"] == policy and wanted(each))

        def differing(candidates):
            return map(wanted, candidates)

        return shrink.shrink(program, differing)

    def test_a_word_of_the_events(self):
        small = self.reduced(lambda program: "single_use" in python_side.run(program))
        self.assertLess(len(fidelity.ENCODE(small)), 420)
        self.assertIn("single_use", python_side.run(small))
        self.assertEqual([each["kind"] for each in small["shared"]], ["generator"])

    def test_an_exit_that_fails_after_an_error(self):
        def wanted(program):
            return "[" in python_side.run(program).partition("end raised ")[2]

        small = self.reduced(wanted)
        self.assertLess(len(fidelity.ENCODE(small)), 260)

    def test_the_only_statement_that_matters(self):
        def wanted(program):
            return '"close":"s' in fidelity.ENCODE(program)

        for policy in programs.POLICIES:
            small = self.reduced(wanted, policy=policy)
            (statement,) = small["body"]
            (stack,) = statement["with"]
            self.assertEqual(statement["body"], [{"close": stack["name"]}])
            self.assertEqual((stack["entries"], small["shared"]), ([], []))

    def test_what_is_tried_is_valid_and_the_result_is_a_program(self):
        tried = []

        def differing(candidates):
            tried.extend(candidates)
            return [False] * len(candidates)

        program = programs.random_program(1, 12)
        self.assertEqual(shrink.shrink(program, differing), program)
        self.assertTrue(tried)
        self.assertTrue(all(map(programs.valid, tried)))

    def test_programs_that_differ_in_names_only_are_alike(self):
        one = a_program(a_with(a_class("a")))
        two = a_program(a_with(a_class("b")))
        self.assertEqual(shrink.alike(one), shrink.alike(two))
        for other in (
            a_program(a_with(a_class("b", {"return": True}))),
            a_program(a_with(a_class("a")), policy="keep_body"),
            a_program(a_with(a_generator(name="a"))),
        ):
            self.assertNotEqual(shrink.alike(one), shrink.alike(other))


class Render(unittest.TestCase):
    def test_python_compiles(self):
        for program in [*CASES, *(programs.random_program(1, index) for index in range(500))]:
            compile(render.python(program), "rendered", "exec")

    def test_the_braces_of_cpp(self):
        for program in [*CASES, *(programs.random_program(1, index) for index in range(500))]:
            text = render.cpp(program)
            for pair in ("{}", "()"):
                self.assertEqual(text.count(pair[0]), text.count(pair[1]), text)
            self.assertNotIn("None", text)

    def test_a_program_to_read(self):
        program = a_program(
            a_with(
                {"kind": "suppress", "classes": ["E1", "E2"]},
                a_class(answer={"replace": "E2"}),
                body=[{"raise": "E1"}],
            )
        )
        python = (
            "def program():\n"
            "    class a(ContextDecorator):\n"
            "        def __enter__(self):\n"
            "            return 1\n"
            "        def __exit__(self, kind, error, traceback):\n"
            "            if error: raise E2\n"
            "    with suppress(E1, E2), a():\n"
            "        raise E1\n"
            "program()"
        )
        cpp = (
            "std::optional<int> program() {\n"
            "    struct a {\n"
            "        int enter() {\n"
            "            return 1;\n"
            "        }\n"
            "        verdict exit(const outcome& left) {\n"
            "            return verdict::replace(std::make_exception_ptr(E2()));"
            " // ignored after success\n"
            "        }\n"
            "    };\n"
            "    with<both_failed::replace>(suppress<E1, E2>(), a(), [&](auto& given1) {\n"
            "        throw E1();\n"
            "    });\n"
            "}"
        )
        self.assertEqual(render.python(program), python)
        self.assertEqual(render.cpp(program), cpp)


FAKE = """#!{python}
# Runs programs by Python, and does to some of them what a broken interpreter would.
import json, os, signal, sys
sys.path.insert(0, {here!r})
import python_side
for number, line in enumerate(sys.stdin):
    program = json.loads(line)
    events = python_side.run(program)
    {fault}
    print(events)
"""


class Driver(unittest.TestCase):
    """fidelity.py, with a C++ side that is written in Python."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def fake(self, fault="pass"):
        path = self.folder / "fake"
        path.write_text(FAKE.format(python=sys.executable, here=str(HERE), fault=fault))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def run_driver(self, *arguments):
        """(status, output, last line)"""
        command = [sys.executable, str(HERE / "fidelity.py"), *map(str, arguments)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = (ended.stdout or ended.stderr).splitlines()
        return ended.returncode, ended.stdout + ended.stderr, lines[-1]

    def cases(self, *some):
        path = self.folder / "cases.jsonl"
        path.write_text("".join(json.dumps(case) + "\n" for case in some))
        return path

    def test_no_difference(self):
        status, _, last = self.run_driver("--program", self.fake(), "--count", 30)
        self.assertEqual((status, last), (0, "30 programs, 0 differences"))

    def test_cases_alone_and_with_random_programs(self):
        path = self.cases(*CASES)
        some = ("--program", self.fake(), "--cases", path)
        number = len(CASES)
        self.assertEqual(self.run_driver(*some)[2], f"{number} programs, 0 differences")
        more = self.run_driver(*some, "--count", 10, "--jobs", 1)
        self.assertEqual(more[2], f"{number + 10} programs, 0 differences")

    def test_a_difference_is_reduced_and_shown(self):
        fault = 'events = events.replace("single_use", "used twice")'
        path = self.cases(*(case for case in CASES if "G11" in case["shows"]))
        status, said, last = self.run_driver("--program", self.fake(fault), "--cases", path)
        self.assertEqual((status, last), (1, "2 programs, 2 differences"))
        self.assertRegex(said, "> end raised single_use +end raised used twice")
        self.assertIn("@contextmanager\n", said)
        self.assertIn("managed<int> h() {\n", said)
        self.assertIn("difference 1: G11", said)
        self.assertIn("2 differences were looked at: 1 x difference 1, 1 x difference 2", said)

    def test_a_program_that_ends_the_interpreter(self):
        fault = 'if "closing" in line: sys.exit(print("cannot close", file=sys.stderr) or 3)'
        some = [case for case in CASES if case["policy"] == "replace"]
        number = sum("closing" in json.dumps(case) for case in some)
        arguments = ("--program", self.fake(fault), "--cases", self.cases(*some))
        status, said, last = self.run_driver(*arguments)
        self.assertEqual((status, last), (1, f"{len(some)} programs, {number} differences"))
        self.assertIn("ended with status 3: cannot close", said)

    def test_a_program_that_dies_with_a_signal(self):
        fault = 'if "closing" in line: os.kill(os.getpid(), signal.SIGSEGV)'
        (case, *_) = [case for case in CASES if "closing" in json.dumps(case)]
        arguments = ("--program", self.fake(fault), "--cases", self.cases(CASES[0], case))
        status, said, last = self.run_driver(*arguments)
        self.assertEqual((status, last), (1, "2 programs, 1 differences"))
        self.assertIn("died with signal 11 (Segmentation fault)", said)

    def test_an_interpreter_that_remembers(self):
        arguments = ("--program", self.fake("events *= number != 1"))
        status, said, last = self.run_driver(*arguments, "--cases", self.cases(*CASES[:2]))
        self.assertEqual((status, last), (1, "2 programs, 1 differences"))
        self.assertIn(CASES[1]["shows"] + " differs only if others run before it", said)

    def test_lines_that_are_missing(self):
        path = self.cases(*CASES[:3])
        status, said, last = self.run_driver("--program", self.fake("continue"), "--cases", path)
        self.assertEqual((status, last), (1, "3 programs, 3 differences"))
        self.assertIn("printed 0 lines for 1 programs", said)

    def test_wrong_usage(self):
        fake = self.fake()
        bad = self.folder / "bad.jsonl"
        bad.write_text('{"policy": "replace"}\n')
        for arguments, text in (
            ((), "required: --program"),
            (("--program", self.folder / "none"), "there is no program"),
            (("--program", self.folder), "there is no program"),
            (("--program", fake, "--cases", self.folder / "none"), "there is no file"),
            (("--program", fake, "--cases", bad), "bad.jsonl:1: "),
            (("--program", fake, "--count", "-1"), "at least 0"),
            (("--program", fake, "--count", "0"), "no program to run"),
            (("--program", fake, "--jobs", "0"), "at least 1"),
            (("--program", fake, "--frob"), "unrecognized"),
        ):
            with self.subTest(text):
                status, said, _ = self.run_driver(*arguments)
                self.assertEqual(status, 2)
                self.assertIn(text, said)
                self.assertNotIn("Traceback", said)


if __name__ == "__main__":
    unittest.main()

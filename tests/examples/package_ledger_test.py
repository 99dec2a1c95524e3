#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs package_ledger as its users do.

    package_ledger_test.py PROGRAM {work|refusals|kills}
"""

import html.parser
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree
from pathlib import Path

PROGRAM = ""
REAL = Path("/var/lib/dpkg/status")
ENVIRONMENT = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}

FIXTURE = """\
Package: libfruit1
Status: install ok installed
Priority: optional
Section: libs
Installed-Size: 2048
Maintainer: Ann <ann@example.org>
Architecture: amd64
Version: 1.0-1
Depends: libc6 (>= 2.34), libseed | libseed-alt (<< 2) [amd64], tree:any
Description: fruit & <b>"vegetables"</b>
 More of it,
 .
 in several lines.

Package: tree
Status: install ok installed
Section: utils
Installed-Size: 12
Architecture: all
Version: 2:7.1~rc1
Description: shows trees

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 3

Package: libfruit1
Status: install ok installed
Section: libs
Architecture: i386
Version: 1.0-1
Description: the same for another machine

"""


def many(count, version="1"):
    """A database of `count` packages."""
    return "".join(
        f"Package: pkg{n}\nStatus: install ok installed\nSection: s{n % 7}\n"
        f"Installed-Size: {n}\nArchitecture: amd64\nVersion: {version}\n"
        f"Depends: pkg{n // 2} (>= 1), other{n}\nDescription: number {n}\n {'x' * 60}\n\n"
        for n in range(1, count + 1)
    )


class PageCheck(html.parser.HTMLParser):
    """Every element is closed, nothing is loaded from elsewhere, and what the text says."""

    VOID = {"meta", "link", "br", "hr", "img"}

    def __init__(self, page):
        super().__init__()
        self.open, self.text, self.charts = [], [], 0
        self.feed(page)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        assert tag not in {"script", "img", "link", "iframe"}, tag
        for name, value in attrs:
            assert name not in {"src", "href"} and not name.startswith("on"), (name, value)
        self.charts += tag == "svg"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> inside {self.open}"
        self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


def check_page(page):
    assert page.startswith("<!DOCTYPE html>\n") and page.endswith("</html>\n"), "not whole"
    for chart in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        xml.etree.ElementTree.fromstring(chart)
    return PageCheck(page)


class LedgerCase(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="withal-ledger-test-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.temporary = self.scratch / "tmp"
        self.temporary.mkdir()
        self.out = self.scratch / "out"
        self.database, self.report = self.out / "packages.db", self.out / "report.html"
        self.input = self.scratch / "status"
        self.input.write_text(FIXTURE)

    def command(self, *arguments, out=True):
        return [PROGRAM, *map(str, arguments), *(["--out", str(self.out)] if out else [])]

    def environment(self):
        return {**ENVIRONMENT, "TMPDIR": str(self.temporary)}

    def run_ledger(self, *arguments, out=True, **more):
        if "input" not in more:
            more.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(
            self.command(*arguments, out=out),
            capture_output=True,
            text=True,
            timeout=120,
            env=self.environment(),
            cwd=self.scratch,
            **more,
        )
        self.assertNotIn("Sanitizer", done.stderr)
        self.assertEqual(list(self.temporary.iterdir()), [], "left in the temporary directory")
        return done

    def succeed(self, *arguments, **more):
        done = self.run_ledger(*arguments, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        check_page(self.report.read_text())
        return done

    def state(self):
        """Every file under the output directory, byte for byte."""
        if not self.out.exists():
            return None
        return {p.name: p.read_bytes() for p in sorted(self.out.iterdir())}

    def query(self, sql, *values):
        connection = sqlite3.connect(self.database)
        try:
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()


class Work(LedgerCase):
    """What it does when all goes well."""

    def test_loads_packages_and_dependencies_into_tables(self):
        self.succeed(self.input)
        self.assertEqual(
            self.query(
                "SELECT name, architecture, version, installed, installed_kib, summary"
                " FROM packages ORDER BY name, architecture"
            ),
            [
                ("gone", "amd64", "3", 0, None, ""),
                ("libfruit1", "amd64", "1.0-1", 1, 2048, 'fruit & <b>"vegetables"</b>'),
                ("libfruit1", "i386", "1.0-1", 1, None, "the same for another machine"),
                ("tree", "all", "2:7.1~rc1", 1, 12, "shows trees"),
            ],
        )
        self.assertEqual(
            self.query(
                "SELECT position, alternative, target, qualifier, relation, version"
                " FROM dependencies ORDER BY position, alternative"
            ),
            [
                (0, 0, "libc6", "", ">=", "2.34"),
                (1, 0, "libseed", "", "", ""),
                (1, 1, "libseed-alt", "", "<<", "2"),
                (2, 0, "tree", "any", "", ""),
            ],
        )

    def test_writes_a_report_in_which_package_text_is_text(self):
        self.succeed(self.input)
        page = check_page(self.report.read_text())
        self.assertEqual(page.charts, 2)
        self.assertIn('fruit & <b>"vegetables"</b>', "".join(page.text))

    def test_says_where_things_are_and_shows_the_tree(self):
        done = self.succeed(self.input)
        self.assertIn(f"database  {self.database}  4 packages, 4 dependencies, run 1", done.stdout)
        self.assertIn(f"report    {self.report}", done.stdout)
        first, *tree = done.stdout.split("\n\n")[0].splitlines()
        self.assertRegex(first, r"^package_ledger +\S+  ok$")
        self.assertEqual(
            [re.sub(r"[^a-z_].*", "", line.lstrip("|`- ")) for line in tree],
            [
                "output_directory",
                "directory_lock",
                "open_file",
                "temp_dir",
                "timer",
                "atomic_file",
                "new_file",
                "sqlite_open",
                "sqlite_transaction",
                "open_file",
            ],
        )
        self.assertTrue(all(line.startswith(("|- ", "`- ")) for line in tree[:-1]), done.stdout)
        self.assertRegex(tree[-2], r"^`- sqlite_transaction immediate .*committed")

    def test_keeps_the_report_before_and_notes_what_changed(self):
        self.succeed(self.input)
        before = self.report.read_bytes()
        changed = FIXTURE.replace("2:7.1~rc1", "2:7.1").replace(
            "deinstall ok config-files", "install ok installed"
        )
        self.input.write_text(changed.replace("Architecture: i386", "Architecture: arm64"))
        done = self.succeed(self.input)
        self.assertEqual((self.out / "report.html.bak").read_bytes(), before)
        self.assertIn("report.html.bak", done.stdout)
        self.assertEqual(
            self.query("SELECT run, change, name, architecture FROM changes ORDER BY 2, 3, 4"),
            [
                (2, "added", "gone", "amd64"),
                (2, "added", "libfruit1", "arm64"),
                (2, "other version", "tree", "all"),
                (2, "removed", "libfruit1", "i386"),
            ],
        )
        self.assertIn("other version", self.report.read_text())

    def test_leaves_nothing_beside_its_files(self):
        self.succeed(self.input)
        self.succeed(self.input)
        self.assertEqual(set(self.state()), {"packages.db", "report.html", "report.html.bak"})

    def test_reads_the_standard_input(self):
        done = self.succeed("-", input=FIXTURE, stdin=None)
        self.assertIn("4 packages", done.stdout)
        self.assertEqual(self.query("SELECT source FROM runs"), [("standard input",)])

    @unittest.skipUnless(REAL.exists(), "no package database on this machine")
    def test_reads_the_database_of_this_machine(self):
        stanzas = len(re.findall(r"^Package:", REAL.read_text(errors="replace"), re.MULTILINE))
        done = self.succeed()
        self.assertIn(f"{stanzas} packages", done.stdout)
        self.assertEqual(self.query("SELECT count(*) FROM packages"), [(stanzas,)])
        old = self.state()
        failed = self.run_ledger("--fail-after", max(1, stanzas // 2))
        self.assertEqual(failed.returncode, 1)
        self.assertEqual(self.state(), old)

    def test_survives_text_that_is_not_utf8(self):
        self.input.write_bytes(FIXTURE.replace("shows", "sh\xf6ws").encode("latin-1"))
        self.succeed(self.input)
        self.assertIn("sh&#xFFFD;ws", self.report.read_text(encoding="utf-8"))

    def test_uses_the_working_directory_when_it_is_not_told_another(self):
        done = self.run_ledger(self.input, out=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.scratch / "ledger" / "report.html").exists())

    def test_shows_the_progress_of_a_long_reading_on_a_terminal(self):
        self.input.write_text(many(60000))
        size = self.input.stat().st_size
        try:
            terminal, inner = pty.openpty()
        except OSError as error:
            self.skipTest(f"this machine has no pseudo-terminal: {error}")
        with subprocess.Popen(
            self.command(self.input),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=inner,
            env=self.environment(),
        ) as process:
            os.close(inner)
            shown = b""
            while True:
                try:
                    piece = os.read(terminal, 65536)
                except OSError:
                    break
                if not piece:
                    break
                shown += piece
        os.close(terminal)
        self.assertEqual(process.returncode, 0, shown)
        text = shown.decode()
        self.assertRegex(text, rf"loading \S+ \w+ of {size / 1e6:.1f} MB \(\d+ %\)")
        self.assertTrue(text.endswith("\r\x1b[K"), "the line is not taken away")


class Refusals(LedgerCase):
    """What it does when something is wrong: say so, and change nothing."""

    def refuse(self, status, *arguments, **more):
        old = self.state()
        done = self.run_ledger(*arguments, **more)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(self.state(), old)
        return done

    def test_fails_on_purpose_and_changes_nothing(self):
        for existing in (False, True):
            with self.subTest(existing=existing):
                if existing:
                    self.succeed(self.input)
                    self.succeed(self.input)
                done = self.refuse(1, self.input, "--fail-after", 2)
                reason = "failed on purpose after 2 packages (--fail-after)"
                self.assertEqual(done.stderr, f"package_ledger: {reason}\n")
                self.assertRegex(done.stdout, rf"^package_ledger .* failed: {re.escape(reason)}\n")
                self.assertRegex(done.stdout, r"atomic_file .* DISCARDED")
                self.assertRegex(done.stdout, r"sqlite_transaction .* ROLLED BACK \(body failed\)")
                self.assertNotIn("database  ", done.stdout)

    def test_names_line_and_reason_of_a_malformed_input(self):
        one = "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n"
        cases = [
            ("nonsense\n\n", 1, "neither a field"),
            (one + "no colon here\n\n", 5, "neither a field"),
            (" continued\n\n", 1, "no field before it"),
            (one + "Version: 2\n\n", 5, "'Version' stands a second time"),
            (one + "Installed-Size: many\n\n", 5, "no size in KiB: 'many'"),
            (one + "Installed-Size: -1\n\n", 5, "no size in KiB"),
            (one + "Installed-Size: 99999999999999999999\n\n", 5, "no size in KiB"),
            (one + "Depends: b (>= 1\n\n", 5, "a '(' without its ')'"),
            (one + "Depends: b (1)\n\n", 5, "no relation"),
            (one + "Depends: b (>=)\n\n", 5, "no version"),
            (one + "Depends: b,, c\n\n", 5, "no package name"),
            (one + "Depends: b c\n\n", 5, "something unexpected"),
            (one + "Description: x\n   \n\n", 6, "blanks only"),
            ("Version: 1\n\n", 1, "without the field Package"),
            ("Package: A b\n\n", 1, "no package name"),
            ("Package: a\nStatus: installed\n\n", 1, "not three words"),
            ("Package: a\nArchitecture: all\n\n", 1, "has no Version"),
            ("\n\n" + one + "\n" + one + "\n", 8, "a second time, first in line 3"),
            (one.replace("\n", "\r\n"), 1, "CR LF"),
            (one + "X: \0\n\n", 5, "NUL"),
            ("X" * 3_000_000, 1, "longer than 1 MiB"),
            ("", 1, "no package in the input"),
            ("\n\n\n", 4, "no package in the input"),
        ]
        self.succeed(self.input)
        for text, line, reason in cases:
            with self.subTest(text=text[:60]):
                self.input.write_text(text)
                done = self.refuse(1, self.input)
                self.assertRegex(
                    done.stderr,
                    rf"^package_ledger: {re.escape(str(self.input))}: line {line}: .*"
                    + re.escape(reason),
                )

    def test_notices_an_input_that_was_cut_off_anywhere(self):
        self.succeed(self.input)
        whole = FIXTURE.encode()
        # Between two stanzas nothing shows that more was to come.
        ends = {m.end() for m in re.finditer(rb"\n\n", whole)}
        for length in sorted(set(range(0, len(whole), 7)) - ends):
            with self.subTest(length=length):
                done = self.refuse(1, "-", input=whole[:length].decode(), stdin=None)
                self.assertRegex(done.stderr, r"^package_ledger: standard input: line \d+: ")

    def test_says_which_input_cannot_be_read(self):
        done = self.refuse(1, self.scratch / "missing")
        self.assertIn(f"{self.scratch}/missing", done.stderr)
        self.assertIn("No such file or directory", done.stderr)
        done = self.refuse(1, self.scratch)
        self.assertIn("Is a directory", done.stderr)

    def test_says_where_it_cannot_write(self):
        self.out = self.scratch / "status"
        self.assertIn("status", self.run_ledger(self.input).stderr)
        self.out = Path("/proc/nowhere")
        done = self.run_ledger(self.input)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/proc/nowhere", done.stderr)

    def test_never_touches_a_database_that_is_not_its_own(self):
        self.out.mkdir()
        connection = sqlite3.connect(self.database)
        connection.execute("CREATE TABLE packages (mine)")
        connection.close()
        done = self.refuse(1, self.input)
        self.assertIn("is a database, but not of package_ledger", done.stderr)
        self.database.write_bytes(b"no database at all, but some text that is long enough" * 40)
        done = self.refuse(1, self.input)
        self.assertIn("SQLITE_NOTADB", done.stderr)

    def test_explains_a_wrong_command_line(self):
        for arguments, reason in [
            (["--bogus"], "there is no option '--bogus'"),
            (["--fail-after", "0"], "--fail-after takes a number from 1 up, not '0'"),
            (["--fail-after", "x"], "--fail-after takes a number"),
            (["--fail-after=-3"], "--fail-after takes a number"),
            (["--fail-after"], "--fail-after needs a value"),
            (["--out"], "--out needs a value"),
            (["--out="], "--out needs a directory"),
            (["a", "b"], "more than one INPUT: 'a' and 'b'"),
            ([""], "INPUT is empty"),
        ]:
            with self.subTest(arguments=arguments):
                done = self.refuse(2, *arguments, out=False)
                self.assertTrue(done.stderr.startswith(f"package_ledger: {reason}"), done.stderr)
                self.assertIn("usage: package_ledger", done.stderr)
                self.assertEqual(done.stdout, "")
        done = self.run_ledger("--help", out=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("usage: package_ledger", done.stdout)

    def test_lets_one_process_at_a_time_work_in_a_directory(self):
        first, writer = self.start_with_open_input()
        done = self.run_while(first)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"process {first.pid} is working in this directory", done.stderr)
        os.write(writer, FIXTURE.encode())
        os.close(writer)
        self.assertEqual(first.wait(60), 0)
        self.assertFalse((self.out / "ledger.lock").exists())

    def test_gives_everything_back_when_it_is_interrupted(self):
        self.succeed(self.input)
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                old = self.state()
                process, writer = self.start_with_open_input()
                os.write(writer, FIXTURE.encode())
                process.send_signal(number)
                output, errors = process.communicate(timeout=60)
                os.close(writer)
                self.assertEqual(process.returncode, -number)
                self.assertIn(f"stopped by {number.name}", errors)
                self.assertIn("ROLLED BACK", output)
                self.assertEqual(self.state(), old)
                self.assertEqual(list(self.temporary.iterdir()), [])

    def start_with_open_input(self):
        """A ledger that waits for its standard input, inside all of its managers."""
        reader, writer = os.pipe()
        process = subprocess.Popen(
            self.command("-"),
            stdin=reader,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
        )
        os.close(reader)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        deadline = time.monotonic() + 60
        while not any(self.temporary.glob("*/input")):
            self.assertLess(time.monotonic(), deadline, "it does not start")
            select.select([], [], [], 0.005)
        return process, writer

    def run_while(self, other):
        return subprocess.run(
            self.command(self.input),
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
        )


class Kills(LedgerCase):
    """kill -9 at any moment: the old or the new, never a mixture."""

    KILLS = 60

    def test_leaves_the_old_or_the_new_content(self):
        old_text, new_text = many(300, "1"), many(500, "2")
        self.input.write_text(old_text)
        self.succeed(self.input)
        self.input.write_text(new_text)
        old = self.state()
        started = time.monotonic()
        self.succeed(self.input)
        takes = time.monotonic() - started
        ended = {"old": 0, "new": 0}
        for number in range(self.KILLS):
            for path in list(self.out.iterdir()):
                path.unlink()
            for name, content in old.items():
                (self.out / name).write_bytes(content)
            with subprocess.Popen(
                self.command(self.input),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self.environment(),
            ) as process:
                try:
                    process.wait(takes * 1.1 * number / self.KILLS)
                except subprocess.TimeoutExpired:
                    process.kill()
            ended[self.check_after_kill(old)] += 1
        self.assertGreater(ended["old"], 0, ended)
        # What the killed ones left is no obstacle, and the next run takes it away.
        self.assertEqual(self.run_again().returncode, 0)
        self.assertEqual(set(self.state()), {"packages.db", "report.html", "report.html.bak"})

    def check_after_kill(self, old):
        versions = self.query("SELECT version, count(*) FROM packages GROUP BY version")
        self.assertIn(versions, [[("1", 300)], [("2", 500)]])
        # The report gets its name after COMMIT, so it may be one step behind, but it is whole.
        content = self.report.read_bytes()
        if content != old["report.html"]:
            check_page(content.decode())
            self.assertEqual(versions, [("2", 500)])
            self.assertEqual((self.out / "report.html.bak").read_bytes(), old["report.html"])
        return "old" if versions == [("1", 300)] else "new"

    def run_again(self):
        return subprocess.run(
            self.command(self.input),
            capture_output=True,
            timeout=60,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv[1]).resolve())
    part = {"work": Work, "refusals": Refusals, "kills": Kills}[sys.argv[2]]
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(part)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    sys.exit(0 if result.wasSuccessful() else 1)

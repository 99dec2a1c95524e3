#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What ./dev says when used wrongly or unable to install; a second run installs nothing."""

import os
import subprocess
import unittest

from house import ROOT, HouseTest


class Dev(HouseTest):
    """`self.root / "bin"` is all of PATH, so that a test decides what the system has."""

    def setUp(self):
        super().setUp()
        self.bin = self.root / "bin"
        self.bin.mkdir()
        for program in ("bash", "dirname", "nproc", "env", "cat"):
            (self.bin / program).symlink_to(f"/usr/bin/{program}")

    def program(self, name: str, script: str):
        file = self.bin / name
        file.write_text(f"#!/bin/bash\necho {name} \"$@\" >>{self.root}/calls\n{script}\n")
        file.chmod(0o755)

    def calls(self) -> str:
        file = self.root / "calls"
        return file.read_text() if file.exists() else ""

    def dev(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [ROOT / "dev", *arguments],
            env={**os.environ, "PATH": str(self.bin)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def installed(self, *absent: str):
        """dpkg-query as it answers when all but these packages are installed."""
        words = " ".join(absent)
        self.program(
            "dpkg-query",
            f'for p in "${{@:3}}"; do [[ " {words} " = *" $p "* ]] || echo "$p installed"; done',
        )

    def test_help_lists_every_command(self):
        done = self.dev("help")
        self.assertEqual(done.returncode, 0)
        for command in ("run", "build", "test", "check", "bench", "docs", "clean"):
            self.assertRegex(done.stdout, rf"(?m)^  {command} ")

    def test_an_unknown_command_is_a_usage_error(self):
        done = self.dev("tset")
        self.assertEqual(done.returncode, 2)
        self.assertIn("unknown command: tset", done.stdout)
        self.assertIn("usage: ./dev", done.stdout)

    def test_without_apt_it_says_what_to_install_by_hand(self):
        done = self.dev("build")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("installed by hand: g++ cmake ninja pkg-config", done.stdout)

    def test_it_installs_only_what_is_missing(self):
        self.installed("ninja-build", "ccache")
        self.program("apt-get", "")
        self.program("sudo", '"$@"')
        self.program("cmake", "exit 1")
        self.dev("build")
        self.assertRegex(self.calls(), "apt-get .*update")
        self.assertRegex(self.calls(), "apt-get .*--no-install-recommends ninja-build ccache\n")

    def test_it_does_not_call_apt_when_nothing_is_missing(self):
        self.installed()
        self.program("apt-get", "")
        self.program("cmake", "exit 1")
        self.assertEqual(self.dev("build").returncode, 1)
        self.assertNotIn("apt-get", self.calls())

    def test_it_names_the_packages_when_apt_fails(self):
        self.installed("ninja-build")
        self.program("apt-get", "exit 100")
        self.program("sudo", '"$@"')
        done = self.dev("build")
        self.assertEqual(done.returncode, 3)
        self.assertIn("install by hand: ninja-build", done.stdout)


if __name__ == "__main__":
    unittest.main()

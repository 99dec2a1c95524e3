#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lint remembers what is clean, and nothing else. Ninja and clang-tidy are stand-ins here."""

import json
import os
import shutil
import subprocess
import sys
import unittest

from house import ROOT, HouseTest

NINJA = """#!/bin/bash
echo 'a.o: #deps 2, deps mtime 1 (VALID)'
echo '    ../src/a.cpp'
echo '    ../src/a.hpp'
"""
TIDY = '#!/bin/bash\n[[ $1 = --version ]] && exit\n! grep -rn bad ROOT/src\n'


class Tidy(HouseTest):
    def setUp(self):
        super().setUp()
        shutil.copy(ROOT / "tools/check_tidy.py", self.root / "tools")
        self.write("src/a.cpp", "int a;\n")
        self.write("src/a.hpp", "int b;\n")
        self.write(".clang-tidy", "Checks: x\n")
        command = "clang++ -o a.o -c a.cpp"
        entry = {"file": f"{self.root}/src/a.cpp", "command": command, "directory": "."}
        self.write("build/compile_commands.json", json.dumps([entry]))
        self.write("bin/ninja", NINJA).chmod(0o755)
        self.write("bin/clang-tidy-19", TIDY.replace("ROOT", str(self.root))).chmod(0o755)

    def run_tidy(self):
        return subprocess.run(
            [sys.executable, self.root / "tools/check_tidy.py", self.root / "build"],
            env={**os.environ, "PATH": f"{self.root}/bin:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def assert_summary(self, unchanged: int, bad: int):
        done = self.run_tidy()
        summary = f"tidy: 1 sources, {unchanged} unchanged, {bad} with findings"
        self.assertEqual(done.stdout.splitlines()[-1], summary, done.stdout)
        self.assertEqual(done.returncode, 1 if bad else 0)

    def test_what_was_clean_is_not_looked_at_again(self):
        self.assert_summary(unchanged=0, bad=0)
        self.assert_summary(unchanged=1, bad=0)

    def test_a_finding_is_not_remembered(self):
        self.write("src/a.cpp", "int bad;\n")
        self.assert_summary(unchanged=0, bad=1)
        self.assert_summary(unchanged=0, bad=1)

    def test_a_changed_header_is_looked_at_again(self):
        self.assert_summary(unchanged=0, bad=0)
        self.write("src/a.hpp", "int bad;\n")
        self.assert_summary(unchanged=0, bad=1)

    def test_what_was_not_built_is_not_remembered(self):
        self.write("bin/ninja", "#!/bin/bash\n")
        self.assert_summary(unchanged=0, bad=0)
        self.assert_summary(unchanged=0, bad=0)

    def test_a_changed_configuration_is_looked_at_again(self):
        self.assert_summary(unchanged=0, bad=0)
        self.write(".clang-tidy", "Checks: y\n")
        self.assert_summary(unchanged=0, bad=0)


if __name__ == "__main__":
    unittest.main()

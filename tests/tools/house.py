# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of the tools share: a small house in a scratch folder, and the tools."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LICENCE = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
# A library, for tools that change a line of one.
HEADER = """#pragma once
inline int twice(int n) {
    int sum = n;
    sum += n;
    return sum;
}
"""


class HouseTest(unittest.TestCase):
    """`self.root` is an empty house that knows the real floors."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="withal-house-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        (self.root / "tools").mkdir()
        shutil.copy(ROOT / "tools/floors.toml", self.root / "tools")

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def tool(self, name: str, *arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, str(ROOT / "tools" / name), *arguments]
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def assert_clean(self, done: subprocess.CompletedProcess):
        self.assertEqual(done.returncode, 0, done.stdout)

    def assert_fault(self, done: subprocess.CompletedProcess, text: str):
        self.assertIn(text, done.stdout)
        self.assertEqual(done.returncode, 1, done.stdout)

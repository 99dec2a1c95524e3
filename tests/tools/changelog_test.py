#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import unittest

from house import HouseTest


class Changelog(HouseTest):
    def setUp(self):
        super().setUp()
        self.write("CHANGELOG.md", "# Changelog\n\nIntroduction.\n")
        self.write("changes/README.md", "How.\n")

    def run_tool(self, *arguments: str):
        return self.tool("changelog.py", "--root", str(self.root), *arguments)

    def test_fragments_become_a_section_by_kind(self):
        self.write("changes/7.fixed.md", "A thing\nworks.\n")
        self.write("changes/3.added.md", "A second thing.\n")
        self.write("changes/2.added.word.md", "A first thing.\n")
        self.assert_clean(self.run_tool("0.2.0", "--date", "2030-01-02"))
        self.assertEqual(
            (self.root / "CHANGELOG.md").read_text(),
            "# Changelog\n\nIntroduction.\n\n"
            "## 0.2.0 (2030-01-02)\n\n"
            "### Added\n\n- A first thing. (#2)\n- A second thing. (#3)\n\n"
            "### Fixed\n\n- A thing works. (#7)\n",
        )
        self.assertEqual([p.name for p in (self.root / "changes").iterdir()], ["README.md"])

    def test_a_new_version_stands_above_the_old_one(self):
        for version, issue in (("0.1.0", 1), ("0.2.0", 2)):
            self.write(f"changes/{issue}.added.md", "A thing.\n")
            self.assert_clean(self.run_tool(version))
        log = (self.root / "CHANGELOG.md").read_text()
        self.assertLess(log.index("## 0.2.0"), log.index("## 0.1.0"))
        self.assertIn("- A thing. (#2)\n\n## 0.1.0", log)

    def test_a_fragment_with_a_wrong_name_fails(self):
        self.write("changes/thing.md", "A thing.\n")
        self.assert_fault(self.run_tool("--check"), "thing.md: a fragment is named")

    def test_a_bullet_fails_and_nothing_is_moved(self):
        file = self.write("changes/1.added.md", "- A thing.\n")
        self.assert_fault(self.run_tool("0.2.0"), "without a bullet")
        self.assertTrue(file.exists())


if __name__ == "__main__":
    unittest.main()

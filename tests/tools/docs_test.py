#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The examples of the documentation are found, compiled as promised, and their output compared."""

import subprocess
import unittest

from house import HouseTest

HEADER = """#pragma once
/// Adds.
///
///     int sum = add(1, 2);
///
///     sum += 1;
///
/// More words.
///
///     int more = sum;
///     int sum = 3;
int add(int, int);

/// Is a class.
///
///     #include <memory>
///     struct mine { std::unique_ptr<int> p; };
struct one {};
"""

PAGE = """# Page

```cpp
int n = 1;
```

```cpp run
std::cout << "two\\n";
```

```text
two
```

```sh
not code
```

```cpp compile
std::abort();
```

```cpp run
#include <cstdio>
int main() { std::puts("three"); }
```

```text
four
```
"""


class Docs(HouseTest):
    def compile(self, source, *arguments: str):
        command = ["c++", "-std=c++20", f"-I{self.root}/include", str(source), *arguments]
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def headers(self, text: str):
        header = self.write("include/withal/core/x.hpp", text)
        # The examples say `using namespace withal`, so there must be one.
        header.write_text(text + "namespace withal {}\n")
        out = self.root / "out.cpp"
        root = ["--root", str(self.root)]
        return self.tool("check_docs.py", "headers", "--out", str(out), *root, str(header)), out

    def markdown(self):
        self.write("include/withal/core/x.hpp", "#pragma once\nnamespace withal {}\n")
        self.write("docs/page.md", PAGE)
        out = self.root / "out"
        done = self.tool("check_docs.py", "markdown", "--out", str(out), "--root", str(self.root))
        self.assert_clean(done)
        return out

    def test_examples_of_a_header_compile(self):
        done, out = self.headers(HEADER)
        self.assert_clean(done)
        self.assertEqual(out.read_text().count("#line"), 3)
        self.assert_clean(self.compile(out, "-fsyntax-only"))

    def test_a_stale_example_of_a_header_fails_at_its_line(self):
        _, out = self.headers(HEADER.replace("sum += 1", "sum += gone"))
        done = self.compile(out, "-fsyntax-only")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("core/x.hpp:6:", done.stdout)

    def test_examples_of_a_page_become_tests(self):
        made = (self.markdown() / "docs.cmake").read_text()
        self.assertIn("withal_docs_body(page.1)", made)
        self.assertIn("withal_docs_body(page.2 PRINTS", made)
        self.assertNotIn("page.3", made)
        self.assertIn("withal_docs_program(page.4", made)

    def test_an_example_is_held_to_what_it_prints(self):
        out = self.markdown()
        for source in ("bodies", "page.4"):
            done = self.compile(out / f"{source}.cpp", "-o", str(self.root / source))
            self.assert_clean(done)
        bodies, program = str(self.root / "bodies"), str(self.root / "page.4")
        self.assert_clean(self.tool("check_docs.py", "run", bodies, "page.1"))
        prints = ["--prints", str(out / "page.2.txt")]
        self.assert_clean(self.tool("check_docs.py", "run", *prints, bodies, "page.2"))
        prints = ["--prints", str(out / "page.4.txt")]
        done = self.tool("check_docs.py", "run", *prints, program)
        self.assert_fault(done, "but the documentation says that it prints")

    def test_an_example_that_fails_is_a_fault(self):
        self.assert_fault(self.tool("check_docs.py", "run", "false"), "ended with status 1")


if __name__ == "__main__":
    unittest.main()

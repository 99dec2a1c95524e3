#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import tomllib
import unittest

from house import ROOT, HouseTest


class Floors(HouseTest):
    def check(self):
        return self.tool("check_floors.py", "--root", str(self.root))

    def header(self, path: str, *includes: str):
        lines = ["#pragma once", *(f"#include {i}" for i in includes)]
        self.write(f"include/withal/{path}", "\n".join(lines) + "\n")

    def test_an_empty_house_is_clean(self):
        self.assert_clean(self.check())

    def test_a_module_may_include_itself_and_the_floors_below(self):
        self.header("resources/file.hpp", "<withal/sys/fd.hpp>", "<withal/core/with.hpp>")
        self.header("resources/atomic_file.hpp", "<withal/resources/detail/x.hpp>", "<string>")
        self.assert_clean(self.check())

    def test_an_upward_include_fails(self):
        self.header("core/with.hpp", "<withal/sys/fd.hpp>")
        self.assert_fault(self.check(), "core/with.hpp:2: core may not include sys")

    def test_an_upward_include_in_a_source_fails(self):
        self.write("src/sys/fd.cpp", "#include <withal/resources/file.hpp>\n")
        self.assert_fault(self.check(), "src/sys/fd.cpp:1: sys may not include resources")

    def test_modules_of_one_floor_do_not_know_each_other(self):
        self.header("sys/fd.hpp", "<withal/async/task_traits.hpp>")
        self.assert_fault(self.check(), "sys may not include async")

    def test_nothing_includes_trace(self):
        for module in ("core", "async", "sys", "resources", "db", "dist"):
            self.header(f"{module}/probe.hpp", "<withal/trace/tree.hpp>")
        done = self.check()
        for module in ("core", "async", "sys", "resources", "db", "dist"):
            self.assert_fault(done, f"{module} may not include trace")

    def test_a_foreign_detail_fails(self):
        self.header("resources/file.hpp", "<withal/sys/detail/retry.hpp>")
        self.assert_fault(self.check(), "<withal/sys/detail/retry.hpp> is private to sys")

    def test_a_foreign_detail_fails_in_a_test_too(self):
        self.write("tests/sys/fd.test.cpp", "#include <withal/core/detail/atomic.hpp>\n")
        self.assert_fault(self.check(), "is private to core")

    def test_a_test_may_look_into_its_own_module(self):
        self.write("tests/core/atomic.test.cpp", "#include <withal/core/detail/atomic.hpp>\n")
        self.assert_clean(self.check())

    def test_a_third_party_header_outside_its_room_fails(self):
        self.header("db/sqlite.hpp", "<sqlite3.h>")
        self.header("async/async_with.hpp", "<asio/awaitable.hpp>")
        done = self.check()
        self.assert_fault(done, "<sqlite3.h> is third party")
        self.assert_fault(done, "<asio/awaitable.hpp> is third party")

    def test_a_third_party_header_in_its_room_is_fine(self):
        self.header("async/asio.hpp", "<asio/awaitable.hpp>", "<boost/asio.hpp>")
        self.write("src/db/sqlite.cpp", "#include <sqlite3.h>\n")
        self.assert_clean(self.check())

    def test_core_includes_light_headers_only(self):
        self.header("core/with.hpp", "<functional>")
        self.assert_fault(self.check(), "<functional> is not among the light headers of core")

    def test_async_does_not_know_the_operating_system(self):
        self.header("async/timeout.hpp", "<unistd.h>")
        self.assert_fault(self.check(), "async does not know the operating system")

    def test_an_unknown_module_fails(self):
        self.header("network/socket.hpp")
        self.assert_fault(self.check(), "network is not a module")

    def test_a_path_that_climbs_out_of_its_folder_fails(self):
        self.write("src/sys/fd.cpp", '#include "../resources/file.hpp"\n')
        self.assert_fault(self.check(), "leaves its folder")

    def test_a_module_does_not_include_the_umbrella(self):
        self.header("sys/fd.hpp", "<withal/withal.hpp>")
        self.assert_fault(self.check(), "<withal/withal.hpp> is for users")

    def test_the_umbrella_includes_all_of_core_and_nothing_else(self):
        self.header("core/with.hpp")
        self.header("core/testing.hpp")
        self.header("withal.hpp", "<withal/core/with.hpp>")
        self.assert_clean(self.check())
        self.header("core/adapt.hpp")
        self.assert_fault(self.check(), "must include <withal/core/adapt.hpp>")
        self.header("core/with.hpp", "<withal/core/adapt.hpp>")
        self.assert_clean(self.check())
        self.header(
            "withal.hpp",
            "<withal/core/with.hpp>",
            "<withal/sys/fd.hpp>",
        )
        self.assert_fault(self.check(), "withal.hpp may not include sys")

    def test_the_umbrella_has_headers_of_inner_folders_but_no_tools_for_tests(self):
        self.header("core/adapters/closing.hpp")
        self.header("core/detail/frame.hpp")
        self.header("core/testing/recorder.hpp", "<vector>")
        self.header("withal.hpp")
        done = self.check()
        self.assert_fault(done, "must include <withal/core/adapters/closing.hpp>")
        self.assertNotIn("detail/frame.hpp", done.stdout)
        self.header("withal.hpp", "<withal/core/adapters/closing.hpp>")
        self.assert_clean(self.check())
        self.header("core/adapters/closing.hpp", "<withal/core/testing/recorder.hpp>")
        self.assert_fault(self.check(), "must not include <withal/core/testing/recorder.hpp>")

    def test_the_law_has_no_circle(self):
        modules = tomllib.loads((ROOT / "tools/floors.toml").read_text())["modules"]
        for module, below in modules.items():
            for other in below:
                self.assertNotIn(module, modules[other], f"{module} and {other}")


if __name__ == "__main__":
    unittest.main()

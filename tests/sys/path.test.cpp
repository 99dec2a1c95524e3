// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/sys/path.hpp>

#include "support/sys_faults.hpp"
#include "support/sys_scratch.hpp"
#include <withal/sys/fd.hpp>
#include <withal/sys/seam.hpp>

#include <gtest/gtest.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/types.h>

namespace withal {
namespace {

void expect_cut(std::string_view path, std::string_view directory, std::string_view name) {
    const sys::split_path cut = sys::split(path);
    EXPECT_EQ(cut.directory, directory) << path;
    EXPECT_EQ(cut.name, name) << path;
}

TEST(path, is_cut_before_the_last_name) {
    expect_cut("/etc/app.conf", "/etc", "app.conf");
    expect_cut("app.conf", ".", "app.conf");
    expect_cut("/app.conf", "/", "app.conf");
    expect_cut("//app.conf", "/", "app.conf");
    expect_cut("a//b", "a", "b");
    expect_cut("a/b/", "a/b", "");
    expect_cut("", ".", "");
    expect_cut("/", "/", "");
}

TEST(path, is_joined_with_one_slash) {
    EXPECT_EQ(sys::join("/", "a"), "/a");
    EXPECT_EQ(sys::join("/b", "a"), "/b/a");
}

TEST(path, absolute_starts_from_the_directory_of_now) {
    EXPECT_EQ(sys::absolute("/a"), "/a");
    EXPECT_EQ(sys::absolute("a"), std::filesystem::current_path().native() + "/a");
}

TEST(path, random_names_have_letters_and_digits_and_do_not_repeat) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string name = sys::random_name(12);
        EXPECT_EQ(name.size(), 12U);
        for (const char letter : name) {
            EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(letter))) << name;
        }
        EXPECT_TRUE(seen.insert(name).second) << name;
    }
}

TEST(path, random_name_takes_little_pieces_of_randomness_too) {
    testing::sys_faults faults;
    faults.shorten(sys::call::getrandom, 1).fail(sys::call::getrandom, 3, EINTR);
    EXPECT_EQ(sys::random_name(12).size(), 12U);
}

TEST(path, distinct_names_differ_without_a_system_call_each) {
    static_cast<void>(sys::distinct_name(10));
    const testing::sys_faults faults;
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(seen.insert(sys::distinct_name(10)).second);
    }
    EXPECT_EQ(faults.count(sys::call::getrandom), 0);
    static_cast<void>(sys::distinct_name(10, true));
    EXPECT_EQ(faults.count(sys::call::getrandom), 1);
}

TEST(path, distinct_names_of_parent_and_child_differ) {
    static_cast<void>(sys::distinct_name(10));
    const testing::scratch dir;
    const pid_t child = testing::in_child([&] {
        testing::spit(dir / "name", sys::distinct_name(10));
        return 0;
    });
    ASSERT_EQ(testing::wait_for(child), 0);
    EXPECT_NE(sys::distinct_name(10), testing::slurp(dir / "name"));
}

TEST(path, entries_are_all_names_but_the_two_every_directory_has) {
    const testing::scratch dir;
    for (int i = 0; i < 3000; ++i) {
        testing::spit(dir / ("file-with-a-long-name-" + std::to_string(i)), "");
    }
    const sys::fd open = sys::open_directory(dir.path(), "test: open");
    std::set<std::string> seen;
    std::vector<sys::directory_entry> some;
    while (sys::next_entries(open.get(), some).ok() && !some.empty()) {
        for (const sys::directory_entry& entry : some) {
            seen.insert(entry.name);
        }
    }
    EXPECT_EQ(seen.size(), 3000U);
    EXPECT_FALSE(seen.contains("."));
}

TEST(path, open_directory_refuses_a_file_by_name) {
    const testing::scratch dir;
    testing::spit(dir / "f", "");
    const std::string text = testing::text_of<std::system_error>(
        [&] { static_cast<void>(sys::open_directory(dir / "f", "test: open")); });
    EXPECT_EQ(text, "test: open '" + (dir / "f") + "' failed: Not a directory");
}

} // namespace
} // namespace withal

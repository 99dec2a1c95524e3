// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/resources/atomic_file.hpp>

#include "support/sys_faults.hpp"
#include "support/sys_scratch.hpp"
#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/with.hpp>
#include <withal/sys/seam.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace withal {
namespace {

using testing::exists;
using testing::mode_of;
using testing::names_in;
using testing::scratch;
using testing::slurp;
using testing::spit;
using testing::sys_faults;
using testing::text_of;

using names = std::vector<std::string>;

void put(const std::string& path, std::string_view text, const atomic_file_options& options = {}) {
    with(atomic_file(path, options), [&](atomic_writer& out) { out.write(text); });
}

ino_t inode_of(const std::string& path) {
    struct stat there{};
    return ::lstat(path.c_str(), &there) == 0 ? there.st_ino : 0;
}

/// The same promise has to hold on every way of making the file.
struct way {
    const char* name;
    atomic_file_options options;

    // For the messages of the framework, which calls it so.
    // NOLINTNEXTLINE(readability-identifier-naming)
    friend void PrintTo(const way& one, std::ostream* out) { *out << one.name; }
};

class atomic_file_ways : public ::testing::TestWithParam<way> {};

INSTANTIATE_TEST_SUITE_P(
    every,
    atomic_file_ways,
    ::testing::Values(way{"by_default", {}},
                      way{"bare", atomic_file_options::bare()},
                      way{"named", {.unnamed = false}},
                      way{"without_sweep", {.sweep = false}},
                      way{"atomic", {.durability = durability::atomic}},
                      way{"none", {.durability = durability::none}},
                      way{"with_backup", {.backup = 2}},
                      way{"named_with_backup", {.backup = 2, .unnamed = false}},
                      way{"unlocked_with_backup", {.backup = 2, .sweep = false}},
                      way{"if_changed", {.if_changed = true}},
                      way{"by_path", {.by_path = true}}),
    [](const auto& one) { return one.param.name; });

TEST_P(atomic_file_ways, creates_a_new_file) {
    const scratch dir;
    put(dir / "f", "new", GetParam().options);
    EXPECT_EQ(slurp(dir / "f"), "new");
    EXPECT_EQ(names_in(dir.path()), names{"f"});
}

TEST_P(atomic_file_ways, replaces_the_content) {
    const scratch dir;
    spit(dir / "f", "old");
    put(dir / "f", "new", GetParam().options);
    EXPECT_EQ(slurp(dir / "f"), "new");
    const bool backup = GetParam().options.backup > 0;
    EXPECT_EQ(names_in(dir.path()), backup ? (names{"f", "f.bak"}) : names{"f"});
}

TEST_P(atomic_file_ways, keeps_the_old_content_until_the_body_is_done) {
    const scratch dir;
    spit(dir / "f", "old");
    with(atomic_file(dir / "f", GetParam().options), [&](atomic_writer& out) {
        out.write("new");
        out.flush();
        EXPECT_EQ(slurp(dir / "f"), "old");
    });
    EXPECT_EQ(slurp(dir / "f"), "new");
}

TEST_P(atomic_file_ways, keeps_the_old_content_when_the_body_throws) {
    const scratch dir;
    spit(dir / "f", "old");
    const ino_t inode = inode_of(dir / "f");
    atomic_file manager(dir / "f", GetParam().options);
    const auto body = [](atomic_writer& out) {
        out.write("half");
        out.flush();
        throw std::runtime_error("body");
    };
    EXPECT_THROW(with(manager, body), std::runtime_error);
    EXPECT_EQ(slurp(dir / "f"), "old");
    EXPECT_EQ(inode_of(dir / "f"), inode);
    EXPECT_EQ(names_in(dir.path()), names{"f"});
    EXPECT_STREQ(manager.note(), "DISCARDED (body failed)");
}

TEST_P(atomic_file_ways, creates_nothing_when_the_body_throws) {
    const scratch dir;
    const auto body = [](atomic_writer& out) {
        out.write("half");
        throw std::runtime_error("body");
    };
    EXPECT_THROW(with(atomic_file(dir / "f", GetParam().options), body), std::runtime_error);
    EXPECT_EQ(names_in(dir.path()), names{});
}

TEST_P(atomic_file_ways, leaves_no_descriptor_open) {
    const scratch dir;
    const std::size_t before = testing::open_descriptors();
    put(dir / "f", "one", GetParam().options);
    put(dir / "f", "two", GetParam().options);
    EXPECT_THROW(with(atomic_file(dir / "f", GetParam().options), [](atomic_writer&) { throw 1; }),
                 int);
    EXPECT_EQ(testing::open_descriptors(), before);
}

TEST_P(atomic_file_ways, writes_more_than_fits_a_buffer) {
    const scratch dir;
    const std::string text(1000000, 'z');
    sys_faults faults;
    faults.shorten(sys::call::write, 70001).fail(sys::call::write, 2, EINTR);
    put(dir / "f", text, GetParam().options);
    EXPECT_EQ(slurp(dir / "f"), text);
}

TEST_P(atomic_file_ways, works_where_there_are_no_unnamed_files) {
    const scratch dir;
    spit(dir / "f", "old");
    for (const int error : {EOPNOTSUPP, EISDIR, ENOENT}) {
        sys_faults faults;
        faults.fail_flags(sys::call::openat, O_TMPFILE, error);
        put(dir / "f", "new", GetParam().options);
        EXPECT_EQ(slurp(dir / "f"), "new");
    }
}

TEST_P(atomic_file_ways, works_where_unnamed_files_cannot_be_linked) {
    const scratch dir;
    const mode_t before = ::umask(027);
    sys_faults faults;
    faults.fail_flags(sys::call::linkat, AT_SYMLINK_FOLLOW, ENOENT); // no /proc
    put(dir / "f", std::string(200000, 'n'), GetParam().options);
    ::umask(before);
    EXPECT_EQ(slurp(dir / "f"), std::string(200000, 'n'));
    EXPECT_EQ(names_in(dir.path()), names{"f"});
    EXPECT_EQ(mode_of(dir / "f"), 0640U);
}

TEST_P(atomic_file_ways, gives_a_new_file_the_mode_of_the_umask) {
    const scratch dir;
    const mode_t before = ::umask(027);
    put(dir / "f", "new", GetParam().options);
    ::umask(before);
    EXPECT_EQ(mode_of(dir / "f"), 0640U);
}

TEST(atomic_file, an_empty_body_commits_an_empty_file) {
    const scratch dir;
    spit(dir / "f", "old");
    with(atomic_file(dir / "f"), [](atomic_writer&) {});
    EXPECT_EQ(slurp(dir / "f"), "");
}

TEST(atomic_file, a_body_that_returns_a_failure_discards) {
    const scratch dir;
    spit(dir / "f", "old");
    const std::error_code failed = with(atomic_file(dir / "f"), [](atomic_writer& out) {
        out.write("half");
        return std::make_error_code(std::errc::timed_out);
    });
    EXPECT_EQ(failed, std::errc::timed_out);
    EXPECT_EQ(slurp(dir / "f"), "old");
}

TEST(atomic_file, the_body_can_ask_to_discard) {
    const scratch dir;
    spit(dir / "f", "old");
    atomic_file manager(dir / "f");
    with(manager, [](atomic_writer& out) {
        out.write("half");
        out.discard();
    });
    EXPECT_EQ(slurp(dir / "f"), "old");
    EXPECT_EQ(names_in(dir.path()), names{"f"});
    EXPECT_STREQ(manager.note(), "discarded (as asked)");
}

TEST(atomic_file, says_what_it_is_and_what_became_of_it) {
    const scratch dir;
    atomic_file manager(dir / "f", {.backup = 1});
    EXPECT_EQ(manager.label(), "atomic_file " + (dir / "f"));
    with(manager, [](atomic_writer& out) { out.write("1"); });
    EXPECT_STREQ(manager.note(), "committed, backup f.bak");
    EXPECT_THROW(with(manager, manager, [](atomic_writer&, atomic_writer&) {}), logic_error);
}

TEST(atomic_file, a_manager_that_dies_without_exit_discards) {
    const scratch dir;
    {
        atomic_file manager(dir / "f", {.unnamed = false});
        manager.enter().write("half");
        EXPECT_EQ(names_in(dir.path()).size(), 1U);
    }
    EXPECT_EQ(names_in(dir.path()), names{});
}

TEST(atomic_file, refuses_options_that_exclude_each_other) {
    EXPECT_THROW(atomic_file("f", {.backup = -1}), std::invalid_argument);
    EXPECT_THROW(atomic_file("f", {.mode = 010000}), std::invalid_argument);
    const std::string text = text_of<std::invalid_argument>(
        [] { atomic_file("f", {.clobber = clobber::no, .backup = 1}); });
    EXPECT_EQ(text,
              "atomic_file f: option backup must be 0 with clobber::no, which never replaces "
              "anything");
}

TEST(atomic_file, refuses_what_is_no_file) {
    const scratch dir;
    ASSERT_EQ(::mkdir((dir / "d").c_str(), 0700), 0);
    ASSERT_EQ(::mkfifo((dir / "p").c_str(), 0600), 0);
    for (const std::string& path : {dir / "d", dir.path() + "/", dir / ".", std::string()}) {
        EXPECT_THROW(put(path, "x"), std::system_error) << path;
        EXPECT_THROW(put(path, "x", atomic_file_options::bare()), std::system_error) << path;
    }
    EXPECT_EQ(text_of<std::system_error>([&] { put(dir / "p", "x"); }),
              "atomic_file: replace the special file '" + (dir / "p") +
                  "' failed: Invalid argument");
    EXPECT_EQ(names_in(dir.path()), (names{"d", "p"}));
}

TEST(atomic_file, names_the_path_when_the_directory_is_missing) {
    EXPECT_EQ(text_of<std::system_error>([] { put("/no/such/f", "x"); }),
              "atomic_file: open the directory of '/no/such/f' failed: No such file or directory");
}

TEST(atomic_file, takes_names_of_any_length_a_file_may_have) {
    const scratch dir;
    const std::string path = dir / std::string(255, 'n');
    put(path, "one");
    put(path, "two", {.unnamed = false});
    EXPECT_EQ(slurp(path), "two");
}

TEST(atomic_file, is_not_misled_when_the_process_changes_its_directory) {
    const scratch dir;
    const int before = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(::chdir(dir.path().c_str()), 0);
    with(atomic_file("f"), [](atomic_writer& out) {
        out.write("here");
        ASSERT_EQ(::chdir("/"), 0);
    });
    ASSERT_EQ(::fchdir(before), 0);
    ::close(before);
    EXPECT_EQ(slurp(dir / "f"), "here");
}

// Permissions, owner, attributes

TEST(atomic_file, keeps_the_mode_of_the_file_it_replaces) {
    const scratch dir;
    for (const unsigned mode : {0600U, 0755U, 0400U, 0666U, 02751U}) {
        spit(dir / "f", "old");
        ASSERT_EQ(::chmod((dir / "f").c_str(), mode), 0);
        put(dir / "f", "new");
        EXPECT_EQ(mode_of(dir / "f"), mode);
        ::unlink((dir / "f").c_str());
    }
}

TEST(atomic_file, sets_the_mode_asked_for_whatever_the_umask) {
    const scratch dir;
    const mode_t before = ::umask(077);
    put(dir / "f", "new", {.perm = permissions::mode, .mode = 0664});
    ::umask(before);
    EXPECT_EQ(mode_of(dir / "f"), 0664U);
}

TEST(atomic_file, nobody_else_can_read_the_content_before_it_has_its_mode) {
    const scratch dir;
    spit(dir / "f", "old");
    ASSERT_EQ(::chmod((dir / "f").c_str(), 0640), 0);
    with(atomic_file(dir / "f", {.unnamed = false}),
         [](atomic_writer& out) { EXPECT_EQ(mode_of(out.temp_path()), 0600U); });
    EXPECT_EQ(mode_of(dir / "f"), 0640U);
}

TEST(atomic_file, keeps_the_owner_if_it_may) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "giving files away needs root";
    }
    const scratch dir;
    spit(dir / "f", "old");
    ASSERT_EQ(::chown((dir / "f").c_str(), 1234, 2345), 0);
    put(dir / "f", "new");
    struct stat there{};
    ASSERT_EQ(::stat((dir / "f").c_str(), &there), 0);
    EXPECT_EQ(there.st_uid, 1234U);
    EXPECT_EQ(there.st_gid, 2345U);
    put(dir / "f", "new", {.owner = keeping::no});
    ASSERT_EQ(::stat((dir / "f").c_str(), &there), 0);
    EXPECT_EQ(there.st_uid, 0U);
}

TEST(atomic_file, gives_no_right_to_an_owner_or_group_that_did_not_have_it) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "giving files away needs root";
    }
    const scratch dir;
    spit(dir / "f", "old");
    ASSERT_EQ(::chown((dir / "f").c_str(), 1234, 2345), 0);
    ASSERT_EQ(::chmod((dir / "f").c_str(), 06754), 0);
    sys_faults faults;
    faults.fail_all(sys::call::fchown, EPERM);
    put(dir / "f", "new");
    EXPECT_EQ(mode_of(dir / "f"), 0744U);
    ASSERT_EQ(::chown((dir / "f").c_str(), 1234, 2345), 0);
    EXPECT_THROW(put(dir / "f", "newer", {.owner = keeping::require}), std::system_error);
    EXPECT_EQ(slurp(dir / "f"), "new");
}

TEST(atomic_file, keeps_extended_attributes) {
    const scratch dir;
    spit(dir / "f", "old");
    if (::setxattr((dir / "f").c_str(), "user.colour", "green", 5, 0) != 0) {
        GTEST_SKIP() << "no extended attributes on this file system";
    }
    char value[16] = {};
    put(dir / "f", "new");
    EXPECT_EQ(::getxattr((dir / "f").c_str(), "user.colour", value, sizeof value), 5);
    sys_faults faults;
    faults.fail_all(sys::call::fsetxattr, ENOSPC);
    EXPECT_THROW(put(dir / "f", "newer", {.xattrs = keeping::require}), std::system_error);
    EXPECT_EQ(slurp(dir / "f"), "new");
    put(dir / "f", "newer"); // best effort
    EXPECT_EQ(slurp(dir / "f"), "newer");
    EXPECT_EQ(::getxattr((dir / "f").c_str(), "user.colour", value, sizeof value), -1);
}

// Symbolic links

TEST(atomic_file, replaces_the_file_that_a_link_leads_to) {
    const scratch dir;
    ASSERT_EQ(::mkdir((dir / "real").c_str(), 0700), 0);
    spit(dir / "real/f", "old");
    ASSERT_EQ(::symlink("real/f", (dir / "second").c_str()), 0);
    ASSERT_EQ(::symlink((dir / "second").c_str(), (dir / "first").c_str()), 0);
    put(dir / "first", "new", {.backup = 1});
    EXPECT_EQ(slurp(dir / "real/f"), "new");
    EXPECT_EQ(names_in(dir / "real"), (names{"f", "f.bak"}));
    EXPECT_EQ(names_in(dir.path()), (names{"first", "real", "second"}));
}

TEST(atomic_file, creates_the_file_that_a_dangling_link_leads_to) {
    const scratch dir;
    ASSERT_EQ(::symlink("f", (dir / "link").c_str()), 0);
    put(dir / "link", "new");
    EXPECT_EQ(slurp(dir / "f"), "new");
}

TEST(atomic_file, replaces_or_refuses_the_link_itself_if_asked) {
    const scratch dir;
    spit(dir / "f", "old");
    ASSERT_EQ(::symlink("f", (dir / "link").c_str()), 0);
    EXPECT_THROW(put(dir / "link", "new", {.symlink = symlinks::refuse}), std::system_error);
    put(dir / "link", "new", {.symlink = symlinks::replace});
    EXPECT_EQ(slurp(dir / "f"), "old");
    EXPECT_EQ(slurp(dir / "link"), "new");
    struct stat there{};
    ASSERT_EQ(::lstat((dir / "link").c_str(), &there), 0);
    EXPECT_TRUE(S_ISREG(there.st_mode));
}

TEST(atomic_file, gives_up_on_links_that_lead_round) {
    const scratch dir;
    ASSERT_EQ(::symlink("b", (dir / "a").c_str()), 0);
    ASSERT_EQ(::symlink("a", (dir / "b").c_str()), 0);
    EXPECT_NE(text_of<std::system_error>([&] {
                  put(dir / "a", "x");
              }).find("Too many levels of symbolic links"),
              std::string::npos);
}

// No clobber

TEST(atomic_file, no_clobber_refuses_before_the_body_runs) {
    const scratch dir;
    spit(dir / "f", "old");
    bool ran = false;
    const auto write = [&] {
        with(atomic_file(dir / "f", {.clobber = clobber::no}), [&](atomic_writer&) { ran = true; });
    };
    EXPECT_EQ(text_of<std::system_error>(write),
              "atomic_file: create '" + (dir / "f") + "' failed: File exists");
    EXPECT_FALSE(ran);
}

TEST(atomic_file, no_clobber_refuses_what_came_while_the_body_ran) {
    for (const bool unnamed : {true, false}) {
        for (const int unsupported : {0, ENOSYS, EINVAL}) {
            const scratch dir;
            sys_faults faults;
            if (unsupported != 0) {
                faults.fail_flags(sys::call::renameat, RENAME_NOREPLACE, unsupported);
            }
            const auto body = [&](atomic_writer& out) {
                out.write("mine");
                spit(dir / "f", "theirs");
            };
            const atomic_file_options options{.clobber = clobber::no, .unnamed = unnamed};
            EXPECT_THROW(with(atomic_file(dir / "f", options), body), std::system_error);
            EXPECT_EQ(slurp(dir / "f"), "theirs");
            EXPECT_EQ(names_in(dir.path()), names{"f"});
            ::unlink((dir / "f").c_str());
            put(dir / "f", "mine", options);
            EXPECT_EQ(slurp(dir / "f"), "mine");
            EXPECT_EQ(names_in(dir.path()), names{"f"});
        }
    }
}

// If changed

TEST(atomic_file, if_changed_keeps_the_same_file_when_the_bytes_are_the_same) {
    const scratch dir;
    const std::string text(100000, 'q');
    spit(dir / "f", text);
    const ino_t inode = inode_of(dir / "f");
    atomic_file manager(dir / "f", {.if_changed = true, .backup = 1});
    with(manager, [&](atomic_writer& out) { out.write(text); });
    EXPECT_EQ(inode_of(dir / "f"), inode);
    EXPECT_STREQ(manager.note(), "unchanged");
    EXPECT_EQ(names_in(dir.path()), names{"f"});
    std::string other = text;
    other.back() = 'r';
    with(manager, [&](atomic_writer& out) { out.write(other); });
    EXPECT_NE(inode_of(dir / "f"), inode);
    EXPECT_EQ(slurp(dir / "f"), other);
}

// Backups

TEST(atomic_file, keeps_as_many_old_copies_as_asked_for_the_newest_first) {
    for (const int flags : {0, RENAME_EXCHANGE}) {
        const scratch dir;
        sys_faults faults;
        if (flags != 0) {
            faults.fail_flags(sys::call::renameat, flags, EINVAL); // no exchange here
        }
        for (const char* text : {"1", "2", "3", "4", "5"}) {
            put(dir / "f", text, {.backup = 3});
        }
        EXPECT_EQ(names_in(dir.path()), (names{"f", "f.bak", "f.bak.1", "f.bak.2"}));
        EXPECT_EQ(slurp(dir / "f"), "5");
        EXPECT_EQ(slurp(dir / "f.bak"), "4");
        EXPECT_EQ(slurp(dir / "f.bak.1"), "3");
        EXPECT_EQ(slurp(dir / "f.bak.2"), "2");
        put(dir / "f", "6", {.backup = 1});
        EXPECT_EQ(names_in(dir.path()), (names{"f", "f.bak"}));
        EXPECT_EQ(slurp(dir / "f.bak"), "5");
    }
}

TEST(atomic_file, a_backup_that_fails_changes_nothing_at_all) {
    const scratch dir;
    for (const char* text : {"1", "2", "3", "4"}) {
        put(dir / "f", text, {.backup = 3});
    }
    const names before = names_in(dir.path());
    for (int nth = 1; nth <= 4; ++nth) {
        sys_faults faults;
        faults.fail(sys::call::renameat, nth, EIO);
        EXPECT_THROW(put(dir / "f", "5", {.backup = 3}), std::system_error);
        EXPECT_EQ(names_in(dir.path()), before) << nth;
        EXPECT_EQ(slurp(dir / "f") + slurp(dir / "f.bak") + slurp(dir / "f.bak.1") +
                      slurp(dir / "f.bak.2"),
                  "4321")
            << nth;
    }
}

// Hard links

TEST(atomic_file, hard_links_break_stay_or_are_refused) {
    const scratch dir;
    spit(dir / "f", "old");
    ASSERT_EQ(::link((dir / "f").c_str(), (dir / "twin").c_str()), 0);
    EXPECT_THROW(put(dir / "f", "new", {.preserve_links = hard_links::fail}), std::system_error);
    put(dir / "f", "in place", {.preserve_links = hard_links::in_place, .backup = 1});
    EXPECT_EQ(slurp(dir / "twin"), "in place");
    EXPECT_EQ(slurp(dir / "f.bak"), "old");
    put(dir / "f", "new");
    EXPECT_EQ(slurp(dir / "twin"), "in place");
    EXPECT_EQ(slurp(dir / "f"), "new");
    EXPECT_EQ(names_in(dir.path()), (names{"f", "f.bak", "twin"}));
}

TEST(atomic_file, what_fails_in_place_is_put_back) {
    const scratch dir;
    spit(dir / "f", "the old content");
    ASSERT_EQ(::link((dir / "f").c_str(), (dir / "twin").c_str()), 0);
    const atomic_file_options options{.preserve_links = hard_links::in_place};
    int failures = 0;
    for (const sys::call what : {sys::call::openat,
                                 sys::call::write,
                                 sys::call::pread,
                                 sys::call::fsync,
                                 sys::call::ftruncate,
                                 sys::call::lseek}) {
        for (int nth = 1; nth < 8; ++nth) {
            sys_faults faults;
            faults.fail(what, nth, ENOSPC);
            try {
                put(dir / "f", "the new", options);
                spit(dir / "f", "the old content");
            } catch (const std::system_error&) {
                ++failures;
                EXPECT_EQ(slurp(dir / "twin"), "the old content") << sys::name_of(what) << nth;
            }
            EXPECT_EQ(names_in(dir.path()), (names{"f", "twin"})) << sys::name_of(what) << nth;
        }
    }
    EXPECT_GT(failures, 10);
}

// By path

TEST(atomic_file, others_may_write_to_the_temporary_path) {
    const scratch dir;
    spit(dir / "f", "old");
    ASSERT_EQ(::chmod((dir / "f").c_str(), 0640), 0);
    with(atomic_file(dir / "f", {.by_path = true}),
         [](atomic_writer& out) { spit(out.temp_path(), "by name"); });
    EXPECT_EQ(slurp(dir / "f"), "by name");
    with(atomic_file(dir / "f", {.by_path = true}), [&](atomic_writer& out) {
        spit(dir / "other", "renamed over");
        ASSERT_EQ(::rename((dir / "other").c_str(), out.temp_path().c_str()), 0);
    });
    EXPECT_EQ(slurp(dir / "f"), "renamed over");
    EXPECT_EQ(mode_of(dir / "f"), 0640U);
    EXPECT_EQ(names_in(dir.path()), names{"f"});
}

TEST(atomic_file, a_file_without_a_name_can_be_reached_by_a_path_too) {
    const scratch dir;
    with(atomic_file(dir / "f"), [](atomic_writer& out) {
        if (!out.temp_path().starts_with("/proc/")) {
            GTEST_SKIP() << "no unnamed files on this file system";
        }
        spit(out.temp_path(), "through /proc");
    });
    EXPECT_EQ(slurp(dir / "f"), "through /proc");
}

// Sweeping

TEST(atomic_file, removes_what_killed_writers_left_and_nothing_else) {
    const scratch dir;
    spit(dir / ".f.dead.wtmp", "litter");
    spit(dir / ".f.1-dead.wtmp", "litter");
    spit(dir / ".g.dead.wtmp", "of another target");
    spit(dir / ".f.mine.tmp", "of a writer that does not lock");
    spit(dir / ".f.wtmp", "somebody's");
    ASSERT_EQ(::mkdir((dir / ".f.d.wtmp").c_str(), 0700), 0);
    ASSERT_EQ(::symlink("f", (dir / ".f.l.wtmp").c_str()), 0);
    put(dir / "f", "new");
    EXPECT_EQ(names_in(dir.path()),
              (names{".f.d.wtmp", ".f.l.wtmp", ".f.mine.tmp", ".f.wtmp", ".g.dead.wtmp", "f"}));
}

TEST(atomic_file, does_not_remove_what_living_writers_are_at) {
    const scratch dir;
    with(atomic_file(dir / "f", {.unnamed = false}), [&](atomic_writer& first) {
        first.write("first");
        put(dir / "f", "second");
        put(dir / "f", "third", {.backup = 1});
        EXPECT_TRUE(exists(first.temp_path()));
    });
    EXPECT_EQ(slurp(dir / "f"), "first");
    EXPECT_EQ(names_in(dir.path()), (names{"f", "f.bak"}));
}

TEST(atomic_file, makes_another_temporary_file_when_a_sweeper_was_faster) {
    const scratch dir;
    sys_faults faults;
    faults.fail(sys::call::flock, 1, EWOULDBLOCK);
    put(dir / "f", "new", {.unnamed = false});
    EXPECT_EQ(slurp(dir / "f"), "new");
    EXPECT_EQ(names_in(dir.path()), names{"f"});
}

TEST(atomic_file, finishes_the_backup_of_a_writer_killed_after_its_commit) {
    const scratch dir;
    spit(dir / "f", "new of the dead");
    spit(dir / ".f.1-dead.wbak", "old"); // its inode is not 1: it has been exchanged
    put(dir / "f", "newest", {.backup = 3});
    EXPECT_EQ(slurp(dir / "f.bak"), "new of the dead");
    EXPECT_EQ(slurp(dir / "f.bak.1"), "old");
    EXPECT_EQ(names_in(dir.path()), (names{"f", "f.bak", "f.bak.1"}));
}

} // namespace
} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/resources/file.hpp>

#include "support/sys_faults.hpp"
#include "support/sys_scratch.hpp"
#include <withal/core/error.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace withal {
namespace {

using testing::scratch;
using testing::slurp;
using testing::spit;
using testing::sys_faults;
using testing::text_of;

TEST(open_file, writes_and_reads_text) {
    const scratch dir;
    with(open_file(dir / "f", "w"), [](file& f) { f.write("one\ntwo\n"); });
    const std::string all = with(open_file(dir / "f"), [](file& f) { return f.read_all(); });
    EXPECT_EQ(all, "one\ntwo\n");
}

TEST(open_file, keeps_every_byte) {
    const scratch dir;
    std::string bytes;
    for (int i = 0; i < 300000; ++i) {
        bytes += static_cast<char>(i * 7);
    }
    with(open_file(dir / "f", "wb"), [&](file& f) {
        f.write(bytes.substr(0, 10));
        f.write(bytes.substr(10, 200000)); // larger than the buffer
        f.write(bytes.substr(200010));
    });
    EXPECT_EQ(slurp(dir / "f"), bytes);
    EXPECT_EQ(with(open_file(dir / "f", "rb"), [](file& f) { return f.read_all(); }), bytes);
}

TEST(open_file, gives_lines_without_their_ends_and_the_last_one_without_an_end) {
    const scratch dir;
    const std::string longest(200000, 'x'); // longer than the buffer
    spit(dir / "f", "a\n\n" + longest + "\nlast");
    std::vector<std::string> lines;
    with(open_file(dir / "f"), [&](file& f) {
        for (const std::string& line : f.lines()) {
            lines.push_back(line);
        }
    });
    EXPECT_EQ(lines, (std::vector<std::string>{"a", "", longest, "last"}));
}

TEST(open_file, an_empty_file_has_no_lines) {
    const scratch dir;
    spit(dir / "f", "");
    with(open_file(dir / "f"), [](file& f) {
        std::string line = "before";
        EXPECT_FALSE(f.read_line(line));
        EXPECT_EQ(f.read_all(), "");
        char byte = 0;
        EXPECT_EQ(f.read(&byte, 1), 0U);
    });
}

TEST(open_file, mode_a_appends) {
    const scratch dir;
    spit(dir / "f", "one\n");
    with(open_file(dir / "f", "a"), [](file& f) { f.write("two\n"); });
    EXPECT_EQ(slurp(dir / "f"), "one\ntwo\n");
}

TEST(open_file, mode_x_refuses_an_existing_file) {
    const scratch dir;
    with(open_file(dir / "f", "x"), [](file& f) { f.write("mine"); });
    const std::string text = text_of<std::system_error>(
        [&] { with(open_file(dir / "f", "x"), [](file&) { FAIL() << "must not run"; }); });
    EXPECT_EQ(text, "open_file: open '" + (dir / "f") + "' failed: File exists");
    EXPECT_EQ(slurp(dir / "f"), "mine");
}

TEST(open_file, mode_r_plus_changes_in_the_middle) {
    const scratch dir;
    spit(dir / "f", "0123456789");
    with(open_file(dir / "f", "r+"), [](file& f) {
        char two[2] = {};
        EXPECT_EQ(f.read(two, 2), 2U);
        EXPECT_EQ(f.tell(), 2);
        f.write("ab"); // at 2, though more was read ahead
        EXPECT_EQ(f.tell(), 4);
        EXPECT_EQ(f.read(two, 2), 2U);
        EXPECT_EQ(std::string(two, 2), "45");
        EXPECT_EQ(f.seek(-1, SEEK_END), 9);
        f.write("Z");
        EXPECT_EQ(f.seek(0), 0);
        EXPECT_EQ(f.read_all(), "01ab45678Z");
    });
    EXPECT_EQ(slurp(dir / "f"), "01ab45678Z");
}

TEST(open_file, refuses_modes_that_mean_nothing_and_says_what_is_allowed) {
    for (const char* mode : {"", "b", "+", "rw", "rr", "wx", "r++", "rbb", "rbt", "q", "r "}) {
        const std::string text = text_of<std::invalid_argument>([&] { open_file("/tmp/f", mode); });
        EXPECT_NE(text.find("open_file '/tmp/f': mode '" + std::string(mode) + "'"),
                  std::string::npos)
            << mode;
        EXPECT_NE(text.find("r, w, a, x"), std::string::npos) << mode;
    }
    for (const char* mode : {"r", "rb", "br", "r+b", "rb+", "w+", "at", "x+t"}) {
        EXPECT_NO_THROW(open_file("/tmp/f", mode)) << mode;
    }
}

TEST(open_file, names_the_missing_file) {
    const std::string text = text_of<std::system_error>(
        [] { with(open_file("/no/such"), [](file&) { FAIL() << "must not run"; }); });
    EXPECT_EQ(text, "open_file: open '/no/such' failed: No such file or directory");
}

TEST(open_file, creates_with_the_permissions_asked_for) {
    const scratch dir;
    with(open_file(dir / "f", "w", 0600), [](file&) {});
    EXPECT_EQ(testing::mode_of(dir / "f"), 0600U);
}

TEST(open_file, a_full_disk_found_out_at_close_is_thrown) {
    const std::string text = text_of<std::system_error>(
        [] { with(open_file("/dev/full", "w"), [](file& f) { f.write("does not fit"); }); });
    EXPECT_EQ(text, "open_file: write '/dev/full' failed: No space left on device");
}

TEST(open_file, a_full_disk_found_out_at_close_is_kept_with_the_error_of_the_body) {
    try {
        with(open_file("/dev/full", "w"), [](file& f) {
            f.write("does not fit");
            throw std::runtime_error("body");
        });
        FAIL() << "must throw";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "body");
        ASSERT_EQ(secondary_errors().size(), 1U);
        EXPECT_THROW(std::rethrow_exception(secondary_errors()[0]), std::system_error);
    }
}

TEST(open_file, an_error_that_only_close_reports_is_thrown_and_leaks_nothing) {
    const scratch dir;
    const std::size_t before = testing::open_descriptors();
    sys_faults faults;
    faults.fail(sys::call::close, 1, EDQUOT);
    open_file manager(dir / "f", "w");
    const std::string text =
        text_of<std::system_error>([&] { with(manager, [](file& f) { f.write("x"); }); });
    EXPECT_EQ(text, "open_file: close '" + (dir / "f") + "' failed: Disk quota exceeded");
    EXPECT_STREQ(manager.note(), "close FAILED");
    EXPECT_EQ(testing::open_descriptors(), before);
}

TEST(open_file, a_write_error_the_body_ignored_is_thrown_again_at_the_end) {
    const scratch dir;
    sys_faults faults;
    faults.fail(sys::call::write, 1, ENOSPC);
    const auto body = [](file& f) {
        f.write("lost");
        EXPECT_THROW(f.flush(), std::system_error);
        EXPECT_THROW(f.write("after the hole"), std::system_error);
    };
    EXPECT_THROW(with(open_file(dir / "f", "w"), body), std::system_error);
    EXPECT_EQ(slurp(dir / "f"), "");
}

TEST(open_file, short_and_interrupted_writes_and_reads_lose_nothing) {
    const scratch dir;
    const std::string text(100000, 'y');
    sys_faults faults;
    faults.shorten(sys::call::write, 999).fail(sys::call::write, 5, EINTR);
    with(open_file(dir / "f", "w"), [&](file& f) { f.write(text); });
    EXPECT_EQ(slurp(dir / "f"), text);
    faults.shorten(sys::call::read, 7).fail(sys::call::read, 3, EINTR);
    EXPECT_EQ(with(open_file(dir / "f"), [](file& f) { return f.read_all(); }), text);
}

TEST(open_file, a_read_error_names_the_path) {
    const std::string text = text_of<std::system_error>(
        [] { with(open_file("/proc/self"), [](file& f) { static_cast<void>(f.read_all()); }); });
    EXPECT_EQ(text, "open_file: read '/proc/self' failed: Is a directory");
}

TEST(open_file, can_be_used_again_but_not_inside_itself) {
    const scratch dir;
    open_file log(dir / "log", "a");
    with(log, [](file& f) { f.write("1\n"); });
    with(log, [](file& f) { f.write("2\n"); });
    EXPECT_EQ(slurp(dir / "log"), "1\n2\n");
    EXPECT_THROW(with(log, log, [](file&, file&) {}), logic_error);
    EXPECT_EQ(std::string(log.label()), "open_file " + (dir / "log"));
    EXPECT_STREQ(log.note(), "closed");
}

TEST(open_file, sync_reports_what_the_disk_says) {
    const scratch dir;
    sys_faults faults;
    faults.fail(sys::call::fsync, 1, EIO);
    const std::string text = text_of<std::system_error>([&] {
        with(open_file(dir / "f", "w"), [](file& f) {
            f.write("x");
            f.sync();
        });
    });
    EXPECT_EQ(text, "open_file: fsync '" + (dir / "f") + "' failed: Input/output error");
}

TEST(open_file, is_not_inherited_by_programs_the_body_starts) {
    const scratch dir;
    with(open_file(dir / "f", "w"),
         [](file& f) { EXPECT_EQ(::fcntl(f.fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC); });
}

} // namespace
} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/sys/call.hpp>

#include "support/sys_faults.hpp"
#include "support/sys_scratch.hpp"
#include <withal/sys/fd.hpp>
#include <withal/sys/seam.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace withal {
namespace {

using testing::scratch;
using testing::sys_faults;

sys::fd open_for_writing(const std::string& path) {
    return sys::fd(static_cast<int>(sys::open_at(AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT, 0600)
                                        .or_throw("test: open", path)));
}

TEST(call, error_names_the_operation_the_path_and_the_reason) {
    try {
        sys::open_at(AT_FDCWD, "/no/such/file", O_RDONLY).or_throw("test: open", "/no/such/file");
        FAIL() << "it must throw";
    } catch (const std::system_error& error) {
        EXPECT_STREQ(error.what(), "test: open '/no/such/file' failed: No such file or directory");
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    }
}

TEST(call, error_of_a_call_with_two_names_names_both) {
    const std::string text = testing::text_of<std::system_error>([] {
        sys::rename_at(AT_FDCWD, "/no/a", AT_FDCWD, "/no/b")
            .or_throw("test: rename", "/no/a", "/no/b");
    });
    EXPECT_EQ(text, "test: rename '/no/a' to '/no/b' failed: No such file or directory");
}

TEST(call, answers_the_errno_without_touching_a_global) {
    errno = 0;
    sys_faults faults;
    faults.fail(sys::call::fsync, 1, EIO);
    EXPECT_EQ(sys::sync(0).error(), EIO);
    EXPECT_EQ(errno, 0);
}

TEST(call, open_is_always_close_on_exec) {
    const scratch dir;
    const sys::fd file = open_for_writing(dir / "f");
    EXPECT_EQ(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    const sys::fd second(static_cast<int>(sys::duplicate(file.get()).value()));
    EXPECT_EQ(::fcntl(second.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    const sys::fd beneath(
        static_cast<int>(sys::open_beneath(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY).value()));
    EXPECT_EQ(::fcntl(beneath.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(call, interrupted_write_is_made_again) {
    const scratch dir;
    const sys::fd file = open_for_writing(dir / "f");
    sys_faults faults;
    faults.fail(sys::call::write, 1, EINTR).fail(sys::call::write, 2, EINTR);
    EXPECT_EQ(sys::write(file.get(), "text", 4).value(), 4);
    EXPECT_EQ(faults.count(sys::call::write), 3);
    EXPECT_EQ(testing::slurp(dir / "f"), "text");
}

TEST(call, interrupted_close_is_not_repeated_and_is_no_error) {
    const scratch dir;
    sys::fd file = open_for_writing(dir / "f");
    sys_faults faults;
    faults.fail(sys::call::close, 1, EINTR);
    EXPECT_TRUE(file.close().ok());
    EXPECT_EQ(faults.count(sys::call::close), 1);
}

TEST(call, interrupted_rename_is_reported_and_not_repeated) {
    const scratch dir;
    testing::spit(dir / "a", "");
    sys_faults faults;
    faults.fail(sys::call::renameat, 1, EINTR);
    EXPECT_EQ(sys::rename_at(AT_FDCWD, (dir / "a").c_str(), AT_FDCWD, (dir / "b").c_str()).error(),
              EINTR);
    EXPECT_EQ(faults.count(sys::call::renameat), 1);
}

TEST(call, write_all_goes_on_after_short_writes) {
    const scratch dir;
    const sys::fd file = open_for_writing(dir / "f");
    sys_faults faults;
    faults.shorten(sys::call::write, 3);
    EXPECT_EQ(sys::write_all(file.get(), "0123456789", 10).value(), 10);
    EXPECT_EQ(faults.count(sys::call::write), 4);
    EXPECT_EQ(testing::slurp(dir / "f"), "0123456789");
}

TEST(call, write_all_does_not_hang_on_a_device_that_takes_nothing) {
    sys_faults faults;
    faults.shorten(sys::call::write, 0);
    EXPECT_EQ(sys::write_all(1, "x", 1).error(), EIO);
}

TEST(call, open_beneath_follows_no_link_and_leaves_no_directory) {
    const scratch dir;
    testing::spit(dir / "f", "");
    ASSERT_EQ(::symlink("f", (dir / "link").c_str()), 0);
    const sys::fd here(static_cast<int>(
        sys::open_at(AT_FDCWD, dir.path().c_str(), O_RDONLY | O_DIRECTORY).value()));
    EXPECT_EQ(sys::open_beneath(here.get(), "link", O_RDONLY).error(), ELOOP);
    EXPECT_FALSE(sys::open_beneath(here.get(), "../..", O_RDONLY).ok());
    const sys::fd fine(static_cast<int>(sys::open_beneath(here.get(), "f", O_RDONLY).value()));
    EXPECT_TRUE(fine);
}

TEST(call, open_beneath_works_where_the_kernel_does_not_have_it) {
    const scratch dir;
    testing::spit(dir / "f", "");
    ASSERT_EQ(::symlink("f", (dir / "link").c_str()), 0);
    const sys::fd here(static_cast<int>(
        sys::open_at(AT_FDCWD, dir.path().c_str(), O_RDONLY | O_DIRECTORY).value()));
    sys_faults faults;
    faults.fail_all(sys::call::openat2, ENOSYS);
    const sys::fd fine(static_cast<int>(sys::open_beneath(here.get(), "f", O_RDONLY).value()));
    EXPECT_TRUE(fine);
    EXPECT_EQ(sys::open_beneath(here.get(), "link", O_RDONLY).error(), ELOOP);
    const sys::fd root(static_cast<int>(sys::open_at(AT_FDCWD, "/", O_RDONLY).value()));
    EXPECT_EQ(sys::open_beneath(root.get(), "proc", O_RDONLY).error(), EXDEV);
}

TEST(call, change_mode_works_on_a_descriptor_that_is_only_a_handle) {
    const scratch dir;
    testing::spit(dir / "f", "");
    const sys::fd handle(
        static_cast<int>(sys::open_at(AT_FDCWD, (dir / "f").c_str(), O_PATH).value()));
    EXPECT_TRUE(sys::change_mode(handle.get(), 0640).ok());
    EXPECT_EQ(testing::mode_of(dir / "f"), 0640U);
}

} // namespace
} // namespace withal

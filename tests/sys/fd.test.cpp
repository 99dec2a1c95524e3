// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/sys/fd.hpp>

#include "support/sys_faults.hpp"
#include "support/sys_scratch.hpp"
#include <withal/sys/call.hpp>
#include <withal/sys/seam.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include <fcntl.h>

namespace withal {
namespace {

sys::fd open_null() {
    return sys::fd(static_cast<int>(sys::open_at(AT_FDCWD, "/dev/null", O_RDWR).value()));
}

bool is_open(int number) {
    return ::fcntl(number, F_GETFD) >= 0;
}

TEST(fd, destructor_closes) {
    int number = -1;
    {
        const sys::fd null = open_null();
        number = null.get();
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(fd, moved_from_owns_nothing) {
    sys::fd first = open_null();
    const int number = first.get();
    const sys::fd second = std::move(first);
    EXPECT_FALSE(first); // NOLINT(bugprone-use-after-move): that is the question
    EXPECT_EQ(second.get(), number);
}

TEST(fd, assignment_closes_what_was_owned) {
    sys::fd first = open_null();
    sys::fd second = open_null();
    const int lost = first.get();
    first = std::move(second);
    EXPECT_FALSE(is_open(lost));
    EXPECT_TRUE(is_open(first.get()));
}

TEST(fd, released_stays_open) {
    sys::fd null = open_null();
    const int number = null.release();
    null.reset();
    EXPECT_TRUE(is_open(number));
    EXPECT_TRUE(sys::close(number).ok());
}

TEST(fd, close_reports_the_error_and_still_frees_the_descriptor) {
    sys::fd null = open_null();
    const int number = null.get();
    testing::sys_faults faults;
    faults.fail(sys::call::close, 1, EIO);
    EXPECT_EQ(null.close().error(), EIO);
    EXPECT_FALSE(is_open(number));
    EXPECT_TRUE(null.close().ok()); // nothing left to close
    EXPECT_EQ(faults.count(sys::call::close), 1);
}

TEST(fd, leaks_nothing) {
    const std::size_t before = testing::open_descriptors();
    {
        sys::fd a = open_null();
        sys::fd b = open_null();
        a = open_null();
        b.reset(open_null().release());
    }
    EXPECT_EQ(testing::open_descriptors(), before);
}

} // namespace
} // namespace withal

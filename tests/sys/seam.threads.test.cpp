// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/sys/seam.hpp>

#include <withal/core/error.hpp>
#include <withal/sys/call.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

namespace withal {
namespace {

TEST(seam, there_is_at_most_one) {
    const sys::interposer first([](const sys::attempt&) { return sys::ruling{}; });
    EXPECT_THROW(sys::interposer([](const sys::attempt&) { return sys::ruling{}; }), logic_error);
}

TEST(seam, calls_made_by_the_function_itself_are_not_shown_to_it) {
    int shown = 0;
    const sys::interposer seam([&](const sys::attempt&) {
        ++shown;
        static_cast<void>(sys::sync(-1));
        return sys::ruling{};
    });
    static_cast<void>(sys::sync(-1));
    EXPECT_EQ(shown, 1);
}

TEST(seam, shows_what_is_asked_for) {
    std::vector<sys::attempt> seen;
    const sys::interposer seam([&](const sys::attempt& next) {
        seen.push_back(next);
        return sys::ruling{.error = ENOSPC};
    });
    char bytes[8];
    EXPECT_EQ(sys::read(7, bytes, sizeof bytes).error(), ENOSPC);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].what, sys::call::read);
    EXPECT_EQ(seen[0].fd, 7);
    EXPECT_EQ(seen[0].size, 8U);
    EXPECT_STREQ(sys::name_of(seen[0].what), "read");
}

// Under TSan and ASan this finds a function that is called after its end.
TEST(seam, comes_and_goes_while_other_threads_call) {
    std::atomic<bool> stop = false;
    std::atomic<int> shown = 0;
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i) {
        callers.emplace_back([&] {
            while (!stop) {
                static_cast<void>(sys::sync(-1));
            }
        });
    }
    for (int i = 0; i < 500 || shown == 0; ++i) {
        const auto owned = std::make_unique<int>(i);
        const sys::interposer seam([&shown, &owned](const sys::attempt&) {
            shown += *owned >= 0 ? 1 : 0;
            return sys::ruling{};
        });
        static_cast<void>(sys::sync(-1));
    }
    stop = true;
    for (std::thread& caller : callers) {
        caller.join();
    }
    EXPECT_GT(shown, 0);
}

} // namespace
} // namespace withal

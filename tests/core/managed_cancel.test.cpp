// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A POSIX thread that is cancelled inside a generator, or around it. See forced_unwind.test.cpp for
// what is left out, and why.
#include <withal/core/managed.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <support/cancellation.hpp>

#if defined(WITHAL_TEST_CANCELLATION)

#include <memory>
#include <string>

// What these generators refer to lives until the end of the test.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

namespace {

using withal::managed;
using withal::nothing;
using withal::suppressing_managed;
using withal::with;
using withal::testing::event_log;
using withal::testing::recorder;
using withal_test::cancel_me;
using withal_test::cancelled;

enum class where { enter, body, exit };

/// A local of a generator, destroyed exactly once.
class local {
public:
    explicit local(event_log& log) : log_(log) {}
    ~local() { log_.push_back("~local"); }
    local(const local&) = delete;
    local& operator=(const local&) = delete;

private:
    event_log& log_;
};

managed<void> cancelled_in(event_log& log, where place, std::shared_ptr<int> argument) {
    const local held(log);
    if (place == where::enter) {
        cancel_me();
    }
    try {
        co_yield nothing;
    } catch (...) {
        log.push_back("rollback");
        throw;
    }
    if (place == where::exit) {
        cancel_me();
    }
    log.push_back("commit " + std::to_string(*argument));
}

TEST(managed, lets_a_thread_cancellation_in_its_enter_through_and_dies_once) {
    event_log log;
    const auto argument = std::make_shared<int>(1);
    EXPECT_TRUE(cancelled([&] {
        with(recorder(log, "a"), cancelled_in(log, where::enter, argument), [](auto&) {});
    }));
    EXPECT_EQ(log, (event_log{"a.enter", "~local", "a.exit abandoned"}));
    EXPECT_EQ(argument.use_count(), 1);
}

TEST(managed, lets_a_thread_cancellation_in_its_exit_through_and_dies_once) {
    event_log log;
    const auto argument = std::make_shared<int>(1);
    EXPECT_TRUE(cancelled(
        [&] { with(recorder(log, "a"), cancelled_in(log, where::exit, argument), [](auto&) {}); }));
    EXPECT_EQ(log, (event_log{"a.enter", "~local", "a.exit abandoned"}));
    EXPECT_EQ(argument.use_count(), 1);
}

TEST(managed, rolls_back_when_the_thread_is_cancelled_in_the_body) {
    event_log log;
    const auto argument = std::make_shared<int>(1);
    EXPECT_TRUE(cancelled([&] {
        with(recorder(log, "a"), cancelled_in(log, where::body, argument), [](auto&) {
            cancel_me();
        });
    }));
    EXPECT_EQ(log, (event_log{"a.enter", "rollback", "~local", "a.exit abandoned"}));
    EXPECT_EQ(argument.use_count(), 1);
}

suppressing_managed<void> swallows_everything(event_log& log) {
    try {
        co_yield nothing;
    } catch (...) {
        log.push_back("swallowed");
    }
}

TEST(suppressing_managed, cannot_suppress_a_thread_cancellation) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        static_cast<void>(with(swallows_everything(log), [] { cancel_me(); }));
        log.push_back("went on");
    }));
    EXPECT_EQ(log, (event_log{"swallowed"}));
}

} // namespace

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

#endif

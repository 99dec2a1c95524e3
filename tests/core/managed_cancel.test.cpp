// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A POSIX thread that is cancelled inside a generator, or around it. See forced_unwind.test.cpp for
// what is left out, and why.
#include <withal/core/managed.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <support/recorder.hpp>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WITHAL_SANITIZED 1
#endif
#endif
#if defined(__GLIBCXX__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&     \
    !defined(WITHAL_SANITIZED)

#include <functional>
#include <memory>
#include <string>

#include <pthread.h>

// What these generators refer to lives until the end of the test.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

namespace {

using withal::managed;
using withal::nothing;
using withal::suppressing_managed;
using withal::with;
using withal_test::events;
using withal_test::recorder;

/// Runs f on a thread of its own, and says whether that was cancelled.
bool cancelled(std::function<void()> f) {
    pthread_t thread{};
    const auto run = [](void* arg) -> void* {
        (*static_cast<std::function<void()>*>(arg))();
        return nullptr;
    };
    EXPECT_EQ(pthread_create(&thread, nullptr, run, &f), 0);
    void* result = nullptr;
    EXPECT_EQ(pthread_join(thread, &result), 0);
    return result == PTHREAD_CANCELED;
}

void cancel_me() {
    pthread_cancel(pthread_self());
    pthread_testcancel();
}

enum class where { enter, body, exit };

/// A local of a generator, destroyed exactly once.
class local {
public:
    explicit local(events& log) : log_(log) {}
    ~local() { log_.push_back("~local"); }
    local(const local&) = delete;
    local& operator=(const local&) = delete;

private:
    events& log_;
};

managed<void> cancelled_in(events& log, where place, std::shared_ptr<int> argument) {
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
    events log;
    const auto argument = std::make_shared<int>(1);
    EXPECT_TRUE(cancelled([&] {
        with(recorder(log, "a"), cancelled_in(log, where::enter, argument), [](auto&) {});
    }));
    EXPECT_EQ(log, (events{"a.enter", "~local", "a.exit abandoned"}));
    EXPECT_EQ(argument.use_count(), 1);
}

TEST(managed, lets_a_thread_cancellation_in_its_exit_through_and_dies_once) {
    events log;
    const auto argument = std::make_shared<int>(1);
    EXPECT_TRUE(cancelled(
        [&] { with(recorder(log, "a"), cancelled_in(log, where::exit, argument), [](auto&) {}); }));
    EXPECT_EQ(log, (events{"a.enter", "~local", "a.exit abandoned"}));
    EXPECT_EQ(argument.use_count(), 1);
}

TEST(managed, rolls_back_when_the_thread_is_cancelled_in_the_body) {
    events log;
    const auto argument = std::make_shared<int>(1);
    EXPECT_TRUE(cancelled([&] {
        with(recorder(log, "a"), cancelled_in(log, where::body, argument), [](auto&) {
            cancel_me();
        });
    }));
    EXPECT_EQ(log, (events{"a.enter", "rollback", "~local", "a.exit abandoned"}));
    EXPECT_EQ(argument.use_count(), 1);
}

suppressing_managed<void> swallows_everything(events& log) {
    try {
        co_yield nothing;
    } catch (...) {
        log.push_back("swallowed");
    }
}

TEST(suppressing_managed, cannot_suppress_a_thread_cancellation) {
    events log;
    EXPECT_TRUE(cancelled([&] {
        static_cast<void>(with(swallows_everything(log), [] { cancel_me(); }));
        log.push_back("went on");
    }));
    EXPECT_EQ(log, (events{"swallowed"}));
}

} // namespace

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

#endif

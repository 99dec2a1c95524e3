// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The cancellation of a POSIX thread unwinds the stack with an exception that must not be swallowed
// (glibc ends the process if it is). libc++ with LLVM's unwinder crashes in it even with plain
// destructors, so this is for libstdc++; and the sanitizers do not follow such an unwinding (they
// take the frames it left for live ones), so it is for builds without them.
#include <withal/core/adapt.hpp>
#include <withal/core/exit_stack.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <support/cancellation.hpp>

#if defined(WITHAL_TEST_CANCELLATION)

#include <memory>
#include <string>

namespace {

using withal::outcome;
using withal::verdict;
using withal::testing::event_log;
using withal::testing::recorder;
using withal_test::cancel_me;
using withal_test::cancelled;

/// Suppresses everything it can.
struct swallows {
    event_log* log;
    void enter() {}
    verdict exit(const outcome& left) {
        log->push_back("swallows " + withal::testing::word_of(left));
        return verdict::suppress;
    }
};

TEST(with, lets_a_thread_cancellation_in_the_body_through_and_runs_every_exit) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        static_cast<void>(withal::with(recorder(log, "a"),
                                       swallows{&log},
                                       recorder(log, "c").failing_to_exit(),
                                       [](auto&, auto&) { cancel_me(); }));
        log.push_back("swallowed");
    }));
    EXPECT_EQ(
        log,
        (event_log{
            "a.enter", "c.enter", "c.exit abandoned", "swallows abandoned", "a.exit abandoned"}));
}

TEST(with, lets_a_thread_cancellation_in_enter_through) {
    struct cancels_in_enter {
        void enter() { cancel_me(); }
        void exit() {}
    };
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        withal::with(recorder(log, "a"), cancels_in_enter{}, [](auto&) {});
        log.push_back("swallowed");
    }));
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit abandoned"}));
}

struct cancels_in_exit {
    event_log* log;
    void enter() {}
    void exit() {
        log->push_back("cancelling");
        cancel_me();
    }
};

TEST(with, lets_a_thread_cancellation_in_an_exit_after_success_through) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        withal::with(
            recorder(log, "a"), recorder(log, "b"), cancels_in_exit{&log}, [](auto&, auto&) {});
        log.push_back("swallowed");
    }));
    EXPECT_EQ(
        log,
        (event_log{"a.enter", "b.enter", "cancelling", "b.exit abandoned", "a.exit abandoned"}));
}

TEST(try_with, lets_a_thread_cancellation_through) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        static_cast<void>(withal::try_with(recorder(log, "a"), [](auto&) { cancel_me(); }));
        log.push_back("swallowed");
    }));
    EXPECT_EQ(log.back(), "a.exit abandoned");
}

TEST(all, lets_a_thread_cancellation_through) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        withal::with(withal::all(recorder(log, "a"), recorder(log, "b")),
                     [](auto&) { cancel_me(); });
        log.push_back("swallowed");
    }));
    EXPECT_EQ(log.back(), "a.exit abandoned");
}

TEST(all, ends_its_resources_once_when_a_thread_is_cancelled_while_it_enters) {
    struct giving {
        std::shared_ptr<int> held;
        std::shared_ptr<int> enter() { return held; }
        void exit() {}
    };
    struct cancels_in_enter {
        void enter() { cancel_me(); }
        void exit() {}
    };
    const auto alive = std::make_shared<int>(1);
    EXPECT_TRUE(cancelled(
        [&] { withal::with(withal::all(giving{alive}, cancels_in_enter{}), [](auto&) {}); }));
    EXPECT_EQ(alive.use_count(), 1);
}

TEST(exit_stack, lets_a_thread_cancellation_in_the_body_through) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        withal::with(withal::exit_stack(), [&](auto& stack) {
            stack.enter(recorder(log, "a"));
            stack.enter(recorder(log, "b").failing_to_exit());
            cancel_me();
        });
        log.push_back("swallowed");
    }));
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "b.exit abandoned", "a.exit abandoned"}));
}

TEST(exit_stack, lets_a_thread_cancellation_in_an_exit_through) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        withal::with(withal::exit_stack(), [&](auto& stack) {
            stack.enter(recorder(log, "a"));
            stack.defer([&] {
                log.emplace_back("cancelling");
                cancel_me();
            });
        });
        log.push_back("swallowed");
    }));
    EXPECT_EQ(log, (event_log{"a.enter", "cancelling", "a.exit abandoned"}));
}

TEST(exit_stack, lets_a_thread_cancellation_in_an_exit_after_another_failed_through) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        withal::exit_stack stack;
        stack.enter(recorder(log, "a"));
        stack.defer([] { cancel_me(); });
        stack.enter(recorder(log, "c").failing_to_exit());
        stack.close();
    }));
    EXPECT_EQ(log, (event_log{"a.enter", "c.enter", "c.exit ok", "a.exit abandoned"}));
}

} // namespace

#endif

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A thread that is cancelled in the midst of unwinding, inside an exit: what is still open is
// exited as abandoned, what fails then is told to the hook, and the cancellation goes through.
#include <withal/core/all.hpp>
#include <withal/core/error.hpp>
#include <withal/core/exit_stack.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <support/cancellation.hpp>

#if defined(WITHAL_TEST_CANCELLATION)

#include <exception>
#include <string>

namespace {

using withal::testing::event_log;
using withal::testing::recorder;
using withal_test::cancel_me;
using withal_test::cancelled;

/// Its exit ends the thread.
struct cancels_in_exit {
    event_log* log;
    void enter() {}
    void exit() {
        log->push_back("cancelling");
        cancel_me();
    }
};

TEST(proof_cancellation, inside_an_exit_that_follows_a_failed_enter_abandons_the_rest) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        auto three = withal::all(
            recorder(log, "a"), cancels_in_exit{&log}, recorder(log, "c").failing_to_enter());
        withal::with(three, [](auto&) {});
        log.emplace_back("swallowed");
    }));
    EXPECT_EQ(log, (event_log{"a.enter", "c.enter", "cancelling", "a.exit abandoned"}));
}

TEST(proof_cancellation, inside_an_exit_that_follows_a_failed_exit_abandons_the_rest) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        auto three = withal::all(
            recorder(log, "a"), cancels_in_exit{&log}, recorder(log, "c").failing_to_exit());
        withal::with(three, [](auto&) {});
        log.emplace_back("swallowed");
    }));
    EXPECT_EQ(log,
              (event_log{"a.enter", "c.enter", "c.exit ok", "cancelling", "a.exit abandoned"}));
}

struct says_when_it_ends {
    event_log* log;
    ~says_when_it_ends() { log->push_back("what is around ends"); }
};

TEST(proof_cancellation, inside_an_exit_of_a_stack_abandons_the_rest_at_once) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        withal::exit_stack stack;
        stack.enter(recorder(log, "a"));
        stack.enter(cancels_in_exit{&log});
        const says_when_it_ends around{&log};
        withal::with(stack, [](auto&) {});
    }));
    EXPECT_EQ(log, (event_log{"a.enter", "cancelling", "a.exit abandoned", "what is around ends"}));
}

event_log told;

TEST(proof_cancellation, tells_the_hook_of_exits_that_fail_meanwhile) {
    const auto before = withal::on_secondary_error([](const std::exception_ptr& primary,
                                                      const std::exception_ptr& error) noexcept {
        told.push_back(withal::testing::text_of(primary) + ": " + withal::testing::text_of(error));
    });
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        withal::with(recorder(log, "a"), recorder(log, "b").failing_to_exit(), [](auto&, auto&) {
            cancel_me();
        });
    }));
    EXPECT_TRUE(cancelled([&] {
        withal::with(withal::exit_stack(), [&](auto& stack) {
            stack.enter(recorder(log, "c").failing_to_exit());
            stack.enter(cancels_in_exit{&log});
        });
    }));
    withal::on_secondary_error(before);
    EXPECT_EQ(told, (event_log{"null: b.exit", "null: c.exit"}));
    EXPECT_EQ(log,
              (event_log{"a.enter",
                         "b.enter",
                         "b.exit abandoned",
                         "a.exit abandoned",
                         "c.enter",
                         "cancelling",
                         "c.exit abandoned"}));
}

template <class Stack>
event_log log_of_a_cancelled_stack(bool fails_before) {
    event_log log;
    EXPECT_TRUE(cancelled([&] {
        Stack stack;
        stack.enter(recorder(log, "a"));
        stack.enter(recorder(log, "b"));
        stack.enter(cancels_in_exit{&log});
        if (fails_before) {
            stack.enter(recorder(log, "d").failing_to_exit());
        }
        stack.close();
        log.emplace_back("swallowed");
    }));
    return log;
}

TEST(proof_cancellation, inside_an_entry_abandons_the_entries_below) {
    const event_log after_success = {
        "a.enter", "b.enter", "cancelling", "b.exit abandoned", "a.exit abandoned"};
    const event_log after_failure = {"a.enter",
                                     "b.enter",
                                     "d.enter",
                                     "d.exit ok",
                                     "cancelling",
                                     "b.exit abandoned",
                                     "a.exit abandoned"};
    EXPECT_EQ(log_of_a_cancelled_stack<withal::exit_stack>(false), after_success);
    EXPECT_EQ(log_of_a_cancelled_stack<withal::suppressing_exit_stack>(false), after_success);
    EXPECT_EQ(log_of_a_cancelled_stack<withal::exit_stack>(true), after_failure);
    EXPECT_EQ(log_of_a_cancelled_stack<withal::suppressing_exit_stack>(true), after_failure);
}

} // namespace

#endif

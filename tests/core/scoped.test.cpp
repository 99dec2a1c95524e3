// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/scoped.hpp>

#include <withal/core/adapt.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <string>
#include <type_traits>

namespace {

using withal::scoped;
using withal::verdict;
using withal::testing::event_log;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::thrown_by;

static_assert(!std::is_move_constructible_v<decltype(scoped(withal::null_context()))>);

TEST(scoped, exits_at_the_end_of_the_block) {
    event_log log;
    {
        auto guard = scoped(recorder(log, "a"));
        EXPECT_EQ(*guard, "a");
        EXPECT_EQ(guard->size(), 1U);
        EXPECT_EQ(guard.get(), "a");
        log.push_back("body");
    }
    EXPECT_EQ(log, (event_log{"a.enter", "body", "a.exit ok"}));
}

TEST(scoped, refers_to_an_lvalue_manager) {
    struct counts {
        int entered = 0;
        counts() = default;
        counts(const counts&) = delete;
        counts& operator=(const counts&) = delete;
        counts& enter() {
            ++entered;
            return *this;
        }
        void exit() { --entered; }
    };
    counts m;
    {
        auto guard = scoped(m);
        EXPECT_EQ(&*guard, &m);
        EXPECT_EQ(m.entered, 1);
    }
    EXPECT_EQ(m.entered, 0);
}

TEST(scoped, lets_code_return_and_break_from_inside) {
    event_log log;
    const auto find = [&]() -> int {
        for (int n = 0; n < 3; ++n) {
            auto guard = scoped(recorder(log, "a"));
            if (n == 0) {
                continue;
            }
            return n;
        }
        return -1;
    };
    EXPECT_EQ(find(), 1);
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok", "a.enter", "a.exit ok"}));
}

TEST(scoped, says_failed_with_an_exception_that_it_cannot_show) {
    bool threw = false;
    std::exception_ptr seen = std::make_exception_ptr(1);
    struct looks {
        bool& threw;
        std::exception_ptr& seen;
        void enter() {}
        void exit(const withal::outcome& left) {
            threw = left.threw();
            seen = left.exception();
            EXPECT_TRUE(left.failed());
        }
    };
    EXPECT_EQ(thrown_by([&] {
                  auto guard = scoped(looks{threw, seen});
                  throw planned_failure("body");
              }),
              "body");
    EXPECT_TRUE(threw);
    EXPECT_EQ(seen, nullptr);
}

TEST(scoped, says_success_inside_a_destructor_that_runs_during_unwinding) {
    event_log log;
    struct cleans_up {
        event_log& log;
        ~cleans_up() { auto guard = scoped(recorder(log, "inner")); }
    };
    EXPECT_EQ(thrown_by([&] {
                  const cleans_up local{log};
                  throw planned_failure("outside");
              }),
              "outside");
    EXPECT_EQ(log, (event_log{"inner.enter", "inner.exit ok"}));
}

TEST(scoped, cannot_suppress) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  auto guard = scoped(recorder(log, "a").answering(verdict::suppress));
                  throw planned_failure("body");
              }),
              "body");
}

TEST(scoped, throws_the_error_of_an_exit_after_a_success) {
    event_log log;
    EXPECT_EQ(thrown_by([&] { auto guard = scoped(recorder(log, "a").failing_to_exit()); }),
              "a.exit");
    static_assert(!noexcept(scoped(std::declval<recorder>())));
    static_assert(
        std::is_nothrow_destructible_v<decltype(scoped(std::declval<withal::null_manager>()))>);
}

std::string hooked_primary;
std::string hooked_secondary;

TEST(scoped, records_an_exit_that_fails_during_unwinding_and_does_not_terminate) {
    const auto before = withal::on_secondary_error(
        [](const std::exception_ptr& primary, const std::exception_ptr& secondary) noexcept {
            hooked_primary = withal::testing::text_of(primary);
            hooked_secondary = withal::testing::text_of(secondary);
        });
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  auto guard = scoped(recorder(log, "a").failing_to_exit());
                  throw planned_failure("body");
              }),
              "body");
    withal::on_secondary_error(before);
    EXPECT_EQ(hooked_primary, "null");
    EXPECT_EQ(hooked_secondary, "a.exit");
}

TEST(scoped, exits_nothing_when_enter_throws) {
    event_log log;
    EXPECT_EQ(thrown_by([&] { auto guard = scoped(recorder(log, "a").failing_to_enter()); }),
              "a.enter");
    EXPECT_EQ(log, (event_log{"a.enter"}));
}

} // namespace

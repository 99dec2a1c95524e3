// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/exit_stack.hpp>

#include <withal/core/all.hpp>
#include <withal/core/as_manager.hpp>
#include <withal/core/null_context.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/on_exit.hpp>
#include <withal/core/suppress.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace withal;
using withal::testing::event_log;
using withal::testing::fault;
using withal::testing::fault_plan;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::text_of;
using withal::testing::texts_of;
using withal::testing::thrown_by;
using withal::testing::word_of;

std::exception_ptr failure(const char* text) {
    return std::make_exception_ptr(planned_failure(text));
}

/// Actions that write down how the part above them left.
auto noting(event_log& log, const char* name) {
    return [&log, name](const outcome& left) {
        const withal::testing::uncounted notes;
        log.push_back(std::string(name) + " " + word_of(left));
    };
}

auto failing(event_log& log, const char* name) {
    return [&log, name](const outcome& left) {
        const withal::testing::uncounted notes;
        log.push_back(std::string(name) + " " + word_of(left));
        throw planned_failure(name);
    };
}

/// The errors secondary to what f throws, and that one before them.
template <class F>
event_log all_thrown_by(F f) {
    try {
        f();
    } catch (...) {
        event_log texts = texts_of(secondary_errors());
        texts.insert(texts.begin(), text_of(std::current_exception()));
        return texts;
    }
    return {};
}

/// What holds for every kind of stack.
template <class Stack>
class exit_stack_of : public ::testing::Test {};

struct kind_names {
    template <class Stack>
    // NOLINTNEXTLINE(readability-identifier-naming): GoogleTest asks for it
    static std::string GetName(int) {
        return Stack().label();
    }
};

using kinds = ::testing::Types<exit_stack, suppressing_exit_stack, inplace_exit_stack<1024>>;
TYPED_TEST_SUITE(exit_stack_of, kinds, kind_names);

//
// Order
//

TYPED_TEST(exit_stack_of, exits_in_reverse_order_what_was_entered_pushed_and_deferred) {
    event_log log;
    recorder pushed(log, "pushed");
    pushed.enter();
    recorder referred(log, "referred");
    with(TypeParam(), [&](TypeParam& stack) {
        stack.enter(recorder(log, "entered"));
        stack.push(pushed);
        stack.enter(referred);
        stack.push(recorder(log, "moved"));
        stack.defer([&log] { log.emplace_back("action"); });
        stack.defer(noting(log, "asking"));
    });
    EXPECT_EQ(log,
              (event_log{"pushed.enter",
                         "entered.enter",
                         "referred.enter",
                         "asking ok",
                         "action",
                         "moved.exit ok",
                         "referred.exit ok",
                         "pushed.exit ok",
                         "entered.exit ok"}));
}

TYPED_TEST(exit_stack_of, shows_every_entry_the_exception_of_the_body) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(TypeParam(), [&](TypeParam& stack) {
                      stack.enter(recorder(log, "a"));
                      stack.defer(noting(log, "b"));
                      throw planned_failure("body");
                  });
              }),
              "body");
    EXPECT_EQ(log, (event_log{"a.enter", "b threw body", "a.exit threw body"}));
}

TYPED_TEST(exit_stack_of, shows_every_entry_that_the_body_returned_a_failure) {
    event_log log;
    auto tried = try_with(TypeParam(), [&](TypeParam& stack) {
        stack.defer(noting(log, "a"));
        stack.defer(noting(log, "b"));
        return std::make_error_code(std::errc::io_error);
    });
    EXPECT_EQ(tried.value(), std::errc::io_error);
    EXPECT_EQ(log, (event_log{"b failed", "a failed"}));
}

TYPED_TEST(exit_stack_of, gives_the_resources_that_with_would_give) {
    TypeParam stack;
    int& value = stack.enter(null_context(7));
    EXPECT_EQ(value, 7);
    int number = 8;
    auto context = null_context(std::ref(number));
    static_assert(std::is_same_v<decltype(stack.enter(context)), std::reference_wrapper<int>&>);
    std::mutex mutex;
    static_assert(std::is_void_v<decltype(stack.enter(mutex))>);
    stack.enter(mutex);
    EXPECT_FALSE(mutex.try_lock());
    event_log log;
    recorder one(log, "one");
    EXPECT_EQ(&stack.enter(one), &one.enter());
    stack.close();
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
}

TYPED_TEST(exit_stack_of, refers_to_lvalue_managers) {
    struct counted {
        int entered = 0;
        int exited = 0;
        counted() = default;
        counted(const counted&) = delete;
        counted& operator=(const counted&) = delete;
        void enter() { ++entered; }
        void exit() { ++exited; }
    };
    counted here;
    {
        TypeParam stack;
        stack.enter(here);
        stack.push(here);
        stack.close();
    }
    EXPECT_EQ(here.entered, 1);
    EXPECT_EQ(here.exited, 2);
}

TYPED_TEST(exit_stack_of, does_not_exit_what_was_not_entered) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(TypeParam(), [&](TypeParam& stack) {
                      stack.enter(recorder(log, "a"));
                      recorder b = recorder(log, "b").failing_to_enter();
                      EXPECT_EQ(thrown_by([&] { stack.enter(b); }), "b.enter");
                      stack.enter(recorder(log, "c").failing_to_enter());
                  });
              }),
              "c.enter");
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "c.enter", "a.exit threw c.enter"}));
}

TYPED_TEST(exit_stack_of, runs_entries_that_are_pushed_while_it_unwinds) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(TypeParam(), [&](TypeParam& stack) {
                      stack.defer(noting(log, "bottom"));
                      stack.defer([&](const outcome& left) {
                          log.push_back("pushing " + word_of(left));
                          stack.defer(noting(log, "pushed"));
                          stack.enter(recorder(log, "entered"));
                      });
                      throw planned_failure("body");
                  });
              }),
              "body");
    EXPECT_EQ(log,
              (event_log{"pushing threw body",
                         "entered.enter",
                         "entered.exit threw body",
                         "pushed threw body",
                         "bottom threw body"}));
}

TYPED_TEST(exit_stack_of, puts_what_an_enter_pushes_below_the_manager) {
    struct pushing {
        TypeParam* stack;
        event_log* log;
        int enter() {
            stack->defer(noting(*log, "inner"));
            stack->close(stack->defer(noting(*log, "early")));
            return 5;
        }
        void exit() { log->emplace_back("outer"); }
    };
    event_log log;
    pushing lvalue{nullptr, &log};
    with(TypeParam(), [&](TypeParam& stack) {
        stack.defer(noting(log, "bottom"));
        EXPECT_EQ(stack.enter(pushing{&stack, &log}), 5);
        lvalue.stack = &stack;
        EXPECT_EQ(stack.enter(lvalue), 5);
        stack.close(stack.defer(noting(log, "closed")));
        stack.defer(noting(log, "top"));
    });
    EXPECT_EQ(log,
              (event_log{"early ok",
                         "early ok",
                         "closed ok",
                         "top ok",
                         "outer",
                         "inner ok",
                         "outer",
                         "inner ok",
                         "bottom ok"}));
}

//
// Failing exits
//

TYPED_TEST(exit_stack_of, throws_the_first_error_of_an_exit_with_the_others_behind_it) {
    event_log log;
    EXPECT_EQ(all_thrown_by([&] {
                  with(TypeParam(), [&](TypeParam& stack) {
                      stack.defer(failing(log, "a"));
                      stack.defer(noting(log, "b"));
                      stack.defer(failing(log, "c"));
                      stack.enter(recorder(log, "d").failing_to_exit());
                      stack.defer(noting(log, "e"));
                  });
              }),
              (event_log{"d.exit", "c", "a"}));
    EXPECT_EQ(
        log,
        (event_log{
            "d.enter", "e ok", "d.exit ok", "c threw d.exit", "b threw d.exit", "a threw d.exit"}));
}

TYPED_TEST(exit_stack_of, lets_the_exception_of_the_body_go_on_as_the_same_object) {
    const std::exception_ptr body = failure("body");
    event_log log;
    try {
        with(TypeParam(), [&](TypeParam& stack) {
            stack.defer(failing(log, "a"));
            stack.defer(failing(log, "b"));
            std::rethrow_exception(body);
        });
        ADD_FAILURE();
    } catch (...) {
        EXPECT_EQ(std::current_exception(), body);
    }
    EXPECT_EQ(texts_of(secondary_errors(body)), (event_log{"b", "a"}));
    EXPECT_EQ(log, (event_log{"b threw body", "a threw body"}));
}

TYPED_TEST(exit_stack_of, does_not_take_a_rethrown_exception_for_a_second_one) {
    const std::exception_ptr body = failure("body");
    TypeParam stack;
    stack.defer([](const outcome& left) { std::rethrow_exception(left.exception()); });
    stack.close(outcome::failure(body));
    EXPECT_TRUE(secondary_errors(body).empty());
}

TYPED_TEST(exit_stack_of, follows_its_policy_among_its_entries) {
    event_log log;
    const auto fill = [&](TypeParam& stack) {
        stack.defer(failing(log, "a"));
        stack.defer(noting(log, "b"));
        stack.defer(failing(log, "c"));
    };
    const auto close = [&](both_failed policy) {
        log.clear();
        TypeParam stack(policy);
        fill(stack);
        stack.close();
    };
    EXPECT_EQ(all_thrown_by([&] { close(both_failed::keep_body); }), (event_log{"c", "a"}));
    EXPECT_EQ(log, (event_log{"c ok", "b threw c", "a threw c"}));
    EXPECT_EQ(all_thrown_by([&] { close(both_failed::replace); }), (event_log{"a", "c"}));
    EXPECT_EQ(log, (event_log{"c ok", "b threw c", "a threw c"}));
    try {
        close(both_failed::group);
        ADD_FAILURE();
    } catch (const error_group& group) {
        EXPECT_EQ(texts_of(group.errors()), (event_log{"c", "a"}));
    }
    EXPECT_DEATH(close(both_failed::terminate), "");
}

TYPED_TEST(exit_stack_of, leaves_it_to_with_what_goes_on_after_the_body_failed) {
    event_log log;
    const auto run = [&]<both_failed Policy>() {
        with<Policy>(TypeParam(both_failed::replace), [&](TypeParam& stack) {
            stack.defer(failing(log, "a"));
            stack.defer(failing(log, "b"));
            throw planned_failure("body");
        });
    };
    EXPECT_EQ(all_thrown_by([&] { run.template operator()<both_failed::keep_body>(); }),
              (event_log{"body", "a", "b"}));
    EXPECT_EQ(all_thrown_by([&] { run.template operator()<both_failed::replace>(); }),
              (event_log{"a", "b", "body"}));
}

//
// Closing
//

TYPED_TEST(exit_stack_of, is_closed_for_good_after_close) {
    event_log log;
    TypeParam stack;
    stack.enter(recorder(log, "a"));
    stack.close();
    stack.close();
    const std::string text = thrown_by([&] { stack.enter(recorder(log, "late")); });
    EXPECT_NE(text.find(stack.label()), std::string::npos) << text;
    EXPECT_NE(text.find("is closed"), std::string::npos) << text;
    EXPECT_NE(text.find("recorder"), std::string::npos) << text;
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok"}));
}

TYPED_TEST(exit_stack_of, exits_at_once_what_comes_after_it_was_closed) {
    event_log log;
    TypeParam stack;
    stack.close(outcome::failure(failure("body")));
    recorder pushed(log, "pushed");
    EXPECT_EQ(stack.push(pushed), stack_key());
    stack.push(recorder(log, "moved"));
    stack.defer(noting(log, "action"));
    EXPECT_EQ(thrown_by([&] { stack.defer(failing(log, "failing")); }), "failing");
    EXPECT_EQ(log, (event_log{"pushed.exit ok", "moved.exit ok", "action ok", "failing ok"}));
}

TYPED_TEST(exit_stack_of, shows_its_entries_the_outcome_it_is_closed_with_and_keeps_it_back) {
    event_log log;
    const std::exception_ptr body = failure("body");
    TypeParam stack;
    stack.defer(failing(log, "a"));
    stack.defer(noting(log, "b"));
    stack.close(outcome::failure(body));
    EXPECT_EQ(log, (event_log{"b threw body", "a threw body"}));
    EXPECT_EQ(texts_of(secondary_errors(body)), (event_log{"a"}));
}

TYPED_TEST(exit_stack_of, throws_from_close_what_its_policy_lets_go_on) {
    event_log log;
    const std::exception_ptr body = failure("body");
    TypeParam stack(both_failed::replace);
    stack.defer(failing(log, "a"));
    EXPECT_EQ(all_thrown_by([&] { stack.close(outcome::failure(body)); }),
              (event_log{"a", "body"}));
}

TYPED_TEST(exit_stack_of, is_closed_though_an_exit_failed) {
    event_log log;
    TypeParam stack;
    stack.defer(failing(log, "a"));
    EXPECT_EQ(thrown_by([&] { stack.close(); }), "a");
    EXPECT_THROW(stack.enter(recorder(log, "late")), logic_error);
    stack.close();
    EXPECT_EQ(log, (event_log{"a ok"}));
}

TYPED_TEST(exit_stack_of, exits_once_what_one_of_its_exits_closes) {
    event_log log;
    TypeParam stack;
    stack.defer(noting(log, "a"));
    stack.enter(recorder(log, "b"));
    stack.defer([&, note = std::string("a text that does not fit into the object itself")] {
        log.emplace_back("closing");
        stack.close();
        log.push_back(note);
    });
    stack.close();
    EXPECT_EQ(log,
              (event_log{"b.enter",
                         "closing",
                         "b.exit ok",
                         "a ok",
                         "a text that does not fit into the object itself"}));
}

TYPED_TEST(exit_stack_of, exits_a_manager_whose_enter_closed_it_and_says_so) {
    struct closing_it {
        TypeParam* stack;
        event_log* log;
        int enter() {
            stack->close();
            return 1;
        }
        void exit(const outcome& left) { log->push_back("closing_it " + word_of(left)); }
    };
    event_log log;
    {
        TypeParam stack;
        stack.defer(noting(log, "a"));
        const std::string text = thrown_by([&] { stack.enter(closing_it{&stack, &log}); });
        EXPECT_NE(text.find("was closed by the enter()"), std::string::npos) << text;
    }
    EXPECT_EQ(log, (event_log{"a ok", "closing_it ok"}));
    struct closing_void {
        TypeParam* stack;
        event_log* log;
        void enter() { stack->close(); }
        void exit() { log->emplace_back("closing_void"); }
    };
    TypeParam stack;
    closing_void lvalue{&stack, &log};
    EXPECT_THROW(stack.enter(lvalue), logic_error);
    EXPECT_EQ(log.back(), "closing_void");
}

TYPED_TEST(exit_stack_of, abandons_its_entries_when_it_dies_open) {
    static thread_local event_log hooked;
    hooked.clear();
    const secondary_error_hook before =
        on_secondary_error([](const std::exception_ptr&, const std::exception_ptr& error) noexcept {
            hooked.push_back(text_of(error));
        });
    event_log log;
    {
        TypeParam stack;
        stack.defer(noting(log, "a"));
        stack.defer(failing(log, "b"));
        stack.defer([&](const outcome& left) {
            EXPECT_TRUE(left.failed());
            EXPECT_FALSE(left.returned());
            EXPECT_EQ(left.exception(), nullptr);
            stack.defer(noting(log, "pushed"));
        });
    }
    on_secondary_error(before);
    EXPECT_EQ(log, (event_log{"pushed abandoned", "b abandoned", "a abandoned"}));
    EXPECT_EQ(hooked, (event_log{"b"}));
}

TYPED_TEST(exit_stack_of, keeps_an_entry_whole_whose_exit_uses_it_while_it_dies) {
    struct busy {
        TypeParam* stack = nullptr;
        stack_key* below = nullptr;
        event_log* log = nullptr;
        std::array<unsigned char, 24> bytes{1, 2, 3};
        void enter() {}
        void exit() {
            stack->release(*below);
            for (int n = 0; n < 4; ++n) {
                stack->defer([all_ones = ~0UL] { EXPECT_EQ(all_ones, ~0UL); });
            }
            log->emplace_back(bytes[2] == 3 && bytes[3] == 0 ? "whole" : "overwritten");
        }
    };
    event_log log;
    {
        std::optional<stack_key> below; // outlives the stack, whose entry uses it
        TypeParam stack;
        below = stack.defer([] {});
        stack.enter(busy{&stack, &*below, &log});
    }
    EXPECT_EQ(log, (event_log{"whole"}));
}

TYPED_TEST(exit_stack_of, enters_once_as_a_manager) {
    event_log log;
    TypeParam stack;
    stack.defer(noting(log, "before"));
    with(stack, [&](TypeParam& same) {
        EXPECT_EQ(&same, &stack);
        const std::string text = thrown_by([&] { with(stack, [](TypeParam&) {}); });
        EXPECT_NE(text.find("make a new one"), std::string::npos) << text;
        stack.defer(noting(log, "inside"));
    });
    EXPECT_EQ(log, (event_log{"inside ok", "before ok"}));
    EXPECT_THROW(with(stack, [](TypeParam&) {}), logic_error);
    TypeParam closed;
    closed.close();
    EXPECT_THROW(with(closed, [](TypeParam&) {}), logic_error);
    static_assert(reuse_of<TypeParam> == reuse::single_use);
}

//
// Keys
//

TYPED_TEST(exit_stack_of, closes_one_entry_early_and_once) {
    event_log log;
    TypeParam stack;
    const auto a = stack.defer(noting(log, "a"));
    const auto b = stack.push(recorder(log, "b"));
    const auto c = stack.defer(noting(log, "c"));
    stack.close(b);
    stack.close(b);
    stack.close(a);
    stack.close(c);
    stack.close(c);
    stack.close(stack_key());
    EXPECT_EQ(log, (event_log{"b.exit ok", "a ok", "c ok"}));
    stack.close();
    EXPECT_EQ(log.size(), 3U);
}

TYPED_TEST(exit_stack_of, throws_what_the_exit_of_a_closed_entry_throws) {
    event_log log;
    TypeParam stack;
    stack.defer(noting(log, "a"));
    const auto b = stack.defer(failing(log, "b"));
    EXPECT_EQ(thrown_by([&] { stack.close(b); }), "b");
    stack.close(b);
    stack.close();
    EXPECT_EQ(log, (event_log{"b ok", "a ok"}));
}

TYPED_TEST(exit_stack_of, does_nothing_for_a_key_whose_place_is_taken) {
    event_log log;
    TypeParam stack;
    const auto first = stack.defer(noting(log, "first"));
    stack.close(first);
    const auto second = stack.defer(noting(log, "second"));
    EXPECT_NE(first, second);
    stack.close(first);
    stack.release(first);
    EXPECT_EQ(log, (event_log{"first ok"}));
    stack.close();
    EXPECT_EQ(log, (event_log{"first ok", "second ok"}));
}

TYPED_TEST(exit_stack_of, releases_one_entry_without_its_exit) {
    const auto alive = std::make_shared<int>(1);
    event_log log;
    TypeParam stack;
    stack.defer(noting(log, "a"));
    const auto action = stack.defer([alive] {});
    struct holder {
        std::shared_ptr<int> held;
        std::shared_ptr<int> enter() { return held; }
        void exit() {}
    };
    const auto pushed = stack.push(holder{alive});
    EXPECT_EQ(alive.use_count(), 3);
    stack.enter(holder{alive});
    EXPECT_EQ(alive.use_count(), 5);
    stack.release(stack.top());
    EXPECT_EQ(alive.use_count(), 3);
    stack.release(action);
    stack.release(action);
    stack.release(pushed);
    EXPECT_EQ(alive.use_count(), 1);
    stack.close();
    EXPECT_EQ(log, (event_log{"a ok"}));
}

TYPED_TEST(exit_stack_of, names_the_newest_entry) {
    event_log log;
    TypeParam stack;
    EXPECT_EQ(stack.top(), stack_key());
    const auto a = stack.defer(noting(log, "a"));
    EXPECT_EQ(stack.top(), a);
    stack.enter(recorder(log, "b"));
    EXPECT_NE(stack.top(), a);
    stack.close(stack.top());
    EXPECT_EQ(log, (event_log{"b.enter", "b.exit ok"}));
    EXPECT_EQ(stack.top(), a);
    static_assert(std::is_trivially_copyable_v<typename TypeParam::key>);
}

TYPED_TEST(exit_stack_of, closes_an_entry_while_it_unwinds) {
    event_log log;
    TypeParam stack;
    const auto a = stack.defer(noting(log, "a"));
    stack.defer(noting(log, "b"));
    stack.enter(recorder(log, "c"));
    stack.defer([&] {
        stack.close(a);
        stack.close(stack.top());
        stack.defer(noting(log, "pushed"));
    });
    stack.close();
    EXPECT_EQ(log, (event_log{"c.enter", "a ok", "c.exit ok", "pushed ok", "b ok"}));
}

//
// Moving
//

TYPED_TEST(exit_stack_of, moves_everything_out_and_stays_open) {
    event_log log;
    TypeParam stack;
    const auto a = stack.defer(noting(log, "a"));
    stack.enter(recorder(log, "b"));
    stack.defer([&log, text = std::string("c, which is too long for the string itself")] {
        log.push_back(text);
    });
    TypeParam moved = stack.pop_all();
    EXPECT_EQ(stack.top(), stack_key());
    const auto fresh = stack.defer(noting(log, "fresh"));
    stack.close(a);
    moved.close(fresh);
    EXPECT_EQ(log, (event_log{"b.enter"}));
    moved.close(a);
    moved.close();
    EXPECT_EQ(
        log,
        (event_log{"b.enter", "a ok", "c, which is too long for the string itself", "b.exit ok"}));
    stack.close();
    EXPECT_EQ(log.back(), "fresh ok");
}

TYPED_TEST(exit_stack_of, returns_its_entries_from_inside_with) {
    event_log log;
    const auto build = [&](bool fails) {
        return with(TypeParam(), [&](TypeParam& stack) {
            stack.enter(recorder(log, "a"));
            stack.enter(recorder(log, "b"));
            if (fails) {
                throw planned_failure("building");
            }
            return stack.pop_all();
        });
    };
    EXPECT_EQ(thrown_by([&] { static_cast<void>(build(true)); }), "building");
    EXPECT_EQ(log,
              (event_log{"a.enter", "b.enter", "b.exit threw building", "a.exit threw building"}));
    log.clear();
    auto built = build(false);
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter"}));
    if constexpr (std::is_same_v<decltype(built), TypeParam>) {
        built.close();
    } else {
        built->close();
    }
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "b.exit ok", "a.exit ok"}));
}

TYPED_TEST(exit_stack_of, can_be_used_after_it_was_moved_from) {
    event_log log;
    TypeParam from;
    from.defer(noting(log, "moved"));
    {
        TypeParam to(std::move(from));
        with(to, [](TypeParam&) {});
    }
    from.defer(noting(log, "again")); // NOLINT(bugprone-use-after-move): that is the point
    with(from, [](TypeParam&) {});
    EXPECT_EQ(log, (event_log{"moved ok", "again ok"}));
}

TYPED_TEST(exit_stack_of, keeps_its_policy_when_it_moves) {
    event_log log;
    TypeParam from(both_failed::replace);
    from.defer(failing(log, "a"));
    from.defer(failing(log, "b"));
    TypeParam to = from.pop_all();
    EXPECT_EQ(all_thrown_by([&] { to.close(); }), (event_log{"a", "b"}));
}

TYPED_TEST(exit_stack_of, does_not_run_what_an_exit_moves_out) {
    event_log log;
    TypeParam stack;
    std::optional<TypeParam> rest;
    stack.defer(noting(log, "a"));
    stack.enter(recorder(log, "b"));
    stack.defer([&, note = std::string("moving, in a text that stands outside of the string")] {
        rest.emplace(stack.pop_all());
        stack.defer(noting(log, "pushed"));
        rest->close(rest->defer(noting(log, "early")));
        log.push_back(note);
    });
    stack.close();
    EXPECT_EQ(log,
              (event_log{"b.enter",
                         "early ok",
                         "moving, in a text that stands outside of the string",
                         "pushed ok"}));
    rest->close();
    EXPECT_EQ(log.back(), "a ok");
}

TYPED_TEST(exit_stack_of, moves_everything_out_while_a_manager_enters) {
    struct moving_it {
        TypeParam* stack;
        std::optional<TypeParam>* to;
        event_log* log;
        int enter() {
            to->emplace(stack->pop_all());
            stack->defer(noting(*log, "pushed"));
            return 3;
        }
        void exit() { log->emplace_back("moving_it"); }
    };
    event_log log;
    std::optional<TypeParam> rest;
    TypeParam stack;
    stack.enter(recorder(log, "a"));
    EXPECT_EQ(stack.enter(moving_it{&stack, &rest, &log}), 3);
    stack.defer(noting(log, "top"));
    rest->close();
    stack.close();
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok", "top ok", "moving_it", "pushed ok"}));
}

//
// Payloads
//

template <class T>
bool aligned(const T& object) {
    return reinterpret_cast<std::uintptr_t>(&object) % alignof(T) == 0;
}

struct alignas(64) wide {
    event_log* log;
    void operator()() const { log->emplace_back(aligned(*this) ? "aligned" : "not aligned"); }
};

TYPED_TEST(exit_stack_of, aligns_what_it_keeps) {
    event_log log;
    TypeParam stack;
    stack.defer(wide{&log});
    stack.defer([] {});
    stack.defer(wide{&log});
    TypeParam moved = stack.pop_all();
    moved.defer([] {});
    moved.defer(wide{&log});
    moved.close();
    EXPECT_EQ(log, (event_log(3, "aligned")));
}

TYPED_TEST(exit_stack_of, destroys_what_it_keeps_after_the_exit) {
    const auto alive = std::make_shared<int>(1);
    TypeParam stack;
    stack.defer([alive] { EXPECT_EQ(alive.use_count(), 2); });
    stack.close();
    EXPECT_EQ(alive.use_count(), 1);
}

//
// Stacks that grow
//

template <class Stack>
class growing_exit_stack : public ::testing::Test {};
using growing_kinds = ::testing::Types<exit_stack, suppressing_exit_stack>;
TYPED_TEST_SUITE(growing_exit_stack, growing_kinds, kind_names);

TYPED_TEST(growing_exit_stack, unwinds_ten_thousand_entries_without_recursion) {
    std::size_t ran = 0;
    bool in_order = true;
    with(TypeParam(), [&](TypeParam& stack) {
        for (std::size_t n = 0; n < 10'000; ++n) {
            stack.defer([&, n] { in_order = in_order && n == 9'999 - ran++; });
        }
    });
    EXPECT_EQ(ran, 10'000U);
    EXPECT_TRUE(in_order);
}

TYPED_TEST(growing_exit_stack, keeps_the_errors_of_ten_thousand_entries) {
    TypeParam stack;
    for (int n = 0; n < 10'000; ++n) {
        stack.defer([n] { throw planned_failure(std::to_string(n)); });
    }
    const event_log errors = all_thrown_by([&] { stack.close(); });
    ASSERT_EQ(errors.size(), 10'000U);
    EXPECT_EQ(errors.front(), "9999");
    EXPECT_EQ(errors[1], "9998");
    EXPECT_EQ(errors.back(), "0");
}

TYPED_TEST(growing_exit_stack, finds_every_entry_of_ten_thousand) {
    TypeParam stack;
    std::vector<stack_key> keys;
    std::vector<int> ran;
    for (int n = 0; n < 10'000; ++n) {
        keys.push_back(stack.defer([&ran, n] { ran.push_back(n); }));
    }
    std::vector<int> expected;
    for (int n = 0; n < 10'000; n += 3) {
        stack.close(keys[static_cast<std::size_t>(n)]);
        expected.push_back(n);
    }
    for (int n = 1; n < 10'000; n += 3) {
        stack.release(keys[static_cast<std::size_t>(n)]);
    }
    EXPECT_EQ(ran, expected);
    stack.close();
    for (int n = 9'998; n > 0; n -= 3) {
        expected.push_back(n);
    }
    EXPECT_EQ(ran, expected);
}

TYPED_TEST(growing_exit_stack, leaves_resources_where_they_are_when_its_entries_move) {
    struct self {
        event_log* log = nullptr;
        self* entered = nullptr;
        self& enter() {
            entered = this;
            return *this;
        }
        void exit() { log->emplace_back(entered == this ? "same place" : "moved"); }
    };
    event_log log;
    std::optional<TypeParam> kept;
    self* there = nullptr;
    std::string* text = nullptr;
    {
        TypeParam stack;
        there = &stack.enter(self{&log});
        text = &stack.enter(null_context(std::string("a text that is not short at all")));
        kept.emplace(stack.pop_all());
    }
    EXPECT_EQ(there->entered, there);
    EXPECT_EQ(*text, "a text that is not short at all");
    kept->close();
    EXPECT_EQ(log, (event_log{"same place"}));
}

TYPED_TEST(growing_exit_stack, takes_what_cannot_be_moved_without_throwing) {
    struct copied_only {
        event_log* log;
        explicit copied_only(event_log& to) : log(&to) {}
        // NOLINTNEXTLINE(modernize-use-equals-default): that would not be noexcept(false)
        copied_only(const copied_only& other) noexcept(false) : log(other.log) {}
        copied_only& operator=(const copied_only&) = delete;
        void operator()() const { log->emplace_back("action"); }
        void enter() {}
        void exit() { log->emplace_back("manager"); }
    };
    event_log log;
    TypeParam stack;
    stack.defer(copied_only(log));
    stack.push(copied_only(log));
    stack.enter(copied_only(log));
    TypeParam moved = stack.pop_all();
    moved.close();
    EXPECT_EQ(log, (event_log{"manager", "manager", "action"}));
}

TYPED_TEST(growing_exit_stack, exits_at_once_what_fails_to_move_to_it) {
    struct throws_when_moved {
        event_log* log;
        explicit throws_when_moved(event_log& to) : log(&to) {}
        throws_when_moved(throws_when_moved&& other) noexcept(false) : log(other.log) {
            throw planned_failure("move");
        }
        throws_when_moved& operator=(throws_when_moved&&) = delete;
        void enter() { log->emplace_back("enter"); }
        void exit(const outcome& left) { log->push_back("exit " + word_of(left)); }
        void operator()(const outcome& left) { log->push_back("action " + word_of(left)); }
    };
    event_log log;
    TypeParam stack;
    EXPECT_EQ(thrown_by([&] { stack.push(throws_when_moved(log)); }), "move");
    EXPECT_EQ(thrown_by([&] { stack.defer(throws_when_moved(log)); }), "move");
    EXPECT_EQ(thrown_by([&] { stack.enter(throws_when_moved(log)); }), "move");
    EXPECT_EQ(log, (event_log{"exit threw move", "action threw move"}));
    stack.defer(noting(log, "still good"));
    stack.close();
    EXPECT_EQ(log.back(), "still good ok");
}

TYPED_TEST(growing_exit_stack, needs_no_memory_for_eight_small_actions) {
    const fault_plan plan;
    int ran = 0;
    {
        TypeParam stack;
        for (int n = 0; n < 8; ++n) {
            stack.defer([&ran] { ++ran; });
        }
        EXPECT_EQ(plan.seen(fault::allocation), 0U);
        stack.defer([&ran] { ++ran; });
        EXPECT_EQ(plan.seen(fault::allocation), 1U);
        stack.close();
    }
    EXPECT_EQ(ran, 9);
}

TYPED_TEST(growing_exit_stack, does_not_grow_while_entries_come_and_go) {
    TypeParam stack;
    stack.defer([] {});
    stack_key last = stack.defer([] {});
    std::optional<fault_plan> plan(std::in_place);
    for (int n = 0; n < 10'000; ++n) {
        const stack_key next = stack.defer([] {});
        stack.close(last);
        last = next;
    }
    const std::size_t sliding = plan->seen(fault::allocation);
    EXPECT_GT(sliding, 0U);
    plan.reset();
    std::size_t live = withal::testing::live_blocks();
    for (int n = 0; n < 10'000; ++n) {
        const stack_key next = stack.defer([] {});
        stack.close(last);
        last = next;
    }
    EXPECT_LE(withal::testing::live_blocks(), live + 1);
    plan.emplace();
    for (int n = 0; n < 10'000; ++n) {
        stack.close(stack.defer([] {}));
    }
    for (int n = 0; n < 10'000; ++n) {
        stack.release(stack.defer([] {}));
    }
    EXPECT_LE(plan->seen(fault::allocation), 1U);
    live = withal::testing::live_blocks();
    stack.close();
    EXPECT_LT(withal::testing::live_blocks(), live);
}

TYPED_TEST(growing_exit_stack, has_no_room_without_memory) {
    event_log log;
    const auto fill = [](TypeParam& stack) {
        for (int n = 0; n < 8; ++n) {
            stack.defer([] {});
        }
    };
    {
        TypeParam stack;
        fill(stack);
        recorder lvalue(log, "lvalue");
        const fault_plan plan(fault::allocation, 1);
        EXPECT_THROW(stack.enter(lvalue), std::bad_alloc);
        EXPECT_TRUE(plan.done());
    }
    {
        TypeParam stack;
        fault_plan plan(fault::allocation, 1);
        EXPECT_THROW(stack.enter(recorder(log, "rvalue")), std::bad_alloc);
        EXPECT_TRUE(plan.done());
    }
    EXPECT_EQ(log, event_log());
    TypeParam stack;
    fill(stack);
    const auto refused = [&](auto push) {
        fault_plan plan(fault::allocation, 1);
        EXPECT_THROW(push(), std::bad_alloc);
        EXPECT_TRUE(plan.done());
    };
    recorder pushed(log, "pushed");
    refused([&] { stack.push(pushed); });
    refused([&] { stack.push(recorder(log, "moved")); });
    refused([&] { stack.defer(noting(log, "action")); });
    EXPECT_EQ(log,
              (event_log{"pushed.exit threw std::bad_alloc",
                         "moved.exit threw std::bad_alloc",
                         "action threw std::bad_alloc"}));
    event_log errors;
    refused([&] {
        try {
            stack.defer(failing(log, "failing"));
        } catch (const std::bad_alloc&) {
            errors = texts_of(secondary_errors());
            throw;
        }
    });
    EXPECT_EQ(errors, (event_log{"failing"}));
}

TYPED_TEST(growing_exit_stack, undoes_what_a_constructor_began) {
    struct server {
        explicit server(event_log& log, bool fails) {
            with(TypeParam(), [&](TypeParam& begun) {
                name = &begun.enter(recorder(log, "socket"));
                begun.enter(recorder(log, "thread"));
                if (fails) {
                    throw planned_failure("no port");
                }
                parts.emplace(begun.pop_all());
            });
        }
        void stop() { parts->close(); }
        std::string* name = nullptr;
        std::optional<TypeParam> parts;
    };
    event_log log;
    EXPECT_EQ(thrown_by([&] { const server failed(log, true); }), "no port");
    EXPECT_EQ(log,
              (event_log{"socket.enter",
                         "thread.enter",
                         "thread.exit threw no port",
                         "socket.exit threw no port"}));
    log.clear();
    server running(log, false);
    EXPECT_EQ(log, (event_log{"socket.enter", "thread.enter"}));
    EXPECT_EQ(*running.name, "socket");
    running.stop();
    EXPECT_EQ(log, (event_log{"socket.enter", "thread.enter", "thread.exit ok", "socket.exit ok"}));
}

TYPED_TEST(growing_exit_stack, shows_observers_what_is_entered_on_it) {
    event_log seen;
    const void* inner = nullptr;
    std::uint_least32_t line = 0;
    event_log log;
    {
        const auto watching = observe([&](const event& e) noexcept {
            if (std::strstr(e.manager, "recorder") != nullptr) {
                inner = e.scope;
                line = e.where.line();
                seen.push_back("recorder " + std::to_string(static_cast<int>(e.kind)));
            } else {
                seen.push_back(std::string(e.manager) + " " +
                               std::to_string(static_cast<int>(e.kind)));
            }
        });
        EXPECT_EQ(thrown_by([&] {
                      with(TypeParam(), [&](TypeParam& stack) {
                          EXPECT_EQ(stack.enter(recorder(log, "a").failing_to_exit()), "a");
                          throw planned_failure("body");
                      });
                  }),
                  "body");
    }
    const std::string stack = TypeParam().label();
    const auto kind = [](event_kind one) { return std::to_string(static_cast<int>(one)); };
    EXPECT_EQ(seen,
              (event_log{stack + " " + kind(event_kind::enter),
                         stack + " " + kind(event_kind::entered),
                         "recorder " + kind(event_kind::enter),
                         "recorder " + kind(event_kind::entered),
                         stack + " " + kind(event_kind::exit),
                         "recorder " + kind(event_kind::exit),
                         "recorder " + kind(event_kind::secondary),
                         "recorder " + kind(event_kind::exited),
                         stack + " " + kind(event_kind::exited)}));
    EXPECT_NE(inner, nullptr);
    EXPECT_GT(line, 1U);
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit threw body"}));
}

TYPED_TEST(growing_exit_stack, leaves_managers_that_are_not_to_be_moved_where_they_are) {
    event_log log;
    struct note {
        event_log* log;
        explicit note(event_log& to) : log(&to) { log->emplace_back("made"); }
        ~note() { log->emplace_back("destroyed"); }
        note(const note&) = delete;
        note& operator=(const note&) = delete;
    };
    std::optional<TypeParam> kept;
    {
        TypeParam stack;
        stack.enter(all(on_exit([&log] { log.emplace_back("a"); }),
                        on_exit([&log] { log.emplace_back("b"); })));
        stack.enter(as_manager([&log] { return note(log); }));
        kept.emplace(stack.pop_all());
    }
    EXPECT_EQ(log, (event_log{"made"}));
    kept->close();
    EXPECT_EQ(log, (event_log{"made", "destroyed", "b", "a"}));
}

TYPED_TEST(growing_exit_stack, destroys_what_a_released_manager_holds) {
    const auto alive = std::make_shared<int>(1);
    TypeParam stack;
    stack.enter(as_manager([&alive] { return alive; }));
    const auto first = stack.top();
    struct giving {
        std::shared_ptr<int> held;
        std::shared_ptr<int> enter() { return held; }
        void exit() {}
    };
    stack.enter(all(giving{alive}, giving{alive}));
    EXPECT_EQ(alive.use_count(), 6);
    stack.release(stack.top());
    stack.release(first);
    EXPECT_EQ(alive.use_count(), 1);
    stack.close();
}

//
// Stacks that may suppress
//

TEST(exit_stack, keys_that_two_stacks_gave_after_a_move_name_nothing_on_the_other) {
    event_log log;
    const auto writing = [&log](const char* name) {
        return [&log, name] { log.emplace_back(name); };
    };
    exit_stack first;
    first.defer(writing("moved"));
    exit_stack second = first.pop_all();
    const exit_stack::key on_first = first.defer(writing("first"));
    const exit_stack::key on_second = second.defer(writing("second"));
    second.close(on_first);
    first.close(on_second);
    EXPECT_EQ(log, event_log());
    first.close(on_first);
    second.close(on_second);
    EXPECT_EQ(log, (event_log{"first", "second"}));
    second.close();
    EXPECT_EQ(log, (event_log{"first", "second", "moved"}));
}

TEST(suppressing_exit_stack, suppresses_as_its_entries_say) {
    event_log log;
    const completed done = with(suppressing_exit_stack(), [&](auto& stack) {
        stack.defer(noting(log, "outer"));
        stack.enter(suppress<planned_failure>());
        stack.defer(noting(log, "inner"));
        throw planned_failure("body");
    });
    EXPECT_FALSE(done);
    EXPECT_EQ(log, (event_log{"inner threw body", "outer ok"}));
}

TEST(suppressing_exit_stack, keeps_the_value_when_an_older_entry_suppresses_the_error_of_a_newer) {
    event_log log;
    const std::optional<int> value = with(suppressing_exit_stack(), [&](auto& stack) {
        stack.enter(suppress<planned_failure>());
        stack.defer(failing(log, "newer"));
        return 7;
    });
    EXPECT_EQ(value, 7);
    EXPECT_EQ(log, (event_log{"newer ok"}));
}

TEST(suppressing_exit_stack, answers_for_its_entries_when_it_is_closed) {
    event_log log;
    const std::exception_ptr body = failure("body");
    const std::exception_ptr other = failure("other");
    const auto close = [&](auto fill) {
        suppressing_exit_stack stack;
        fill(stack);
        return stack.close(outcome::failure(body));
    };
    EXPECT_EQ(close([](auto&) {}), verdict::propagate);
    EXPECT_EQ(close([&](auto& s) { s.push(recorder(log, "a").answering(verdict::suppress)); }),
              verdict::suppress);
    EXPECT_EQ(
        close([&](auto& s) { s.push(recorder(log, "a").answering(verdict::replace(other))); }),
        verdict::replace(other));
    EXPECT_EQ(close([&](auto& s) {
                  s.push(recorder(log, "a").answering(verdict::suppress));
                  s.push(recorder(log, "b").answering(verdict::replace(other)));
              }),
              verdict::suppress);
    suppressing_exit_stack open;
    open.push(recorder(log, "a").answering(verdict::suppress));
    EXPECT_EQ(open.close(outcome::success()), verdict::propagate);
}

TEST(suppressing_exit_stack, throws_what_an_exit_raised_after_a_suppression) {
    event_log log;
    const auto fill = [&](suppressing_exit_stack& stack) {
        stack.defer(failing(log, "late"));
        stack.enter(suppress<planned_failure>());
    };
    suppressing_exit_stack stack;
    fill(stack);
    EXPECT_EQ(thrown_by([&] { stack.close(outcome::failure(failure("body"))); }), "late");
    EXPECT_EQ(log, (event_log{"late ok"}));
    // as nested calls of with() would
    EXPECT_EQ(all_thrown_by([&] {
                  with(suppressing_exit_stack(), [&](auto& inside) {
                      fill(inside);
                      throw planned_failure("body");
                  });
              }),
              (event_log{"late"}));
}

TEST(suppressing_exit_stack,
     keeps_a_suppressed_error_out_of_what_was_raised_and_translated_after_it) {
    event_log log;
    EXPECT_EQ(
        all_thrown_by([&] {
            with(suppressing_exit_stack(), [&](auto& inside) {
                inside.push(
                    recorder(log, "oldest").answering(verdict::replace(failure("translated"))));
                inside.defer(failing(log, "late"));
                inside.enter(suppress<planned_failure>());
                throw planned_failure("body");
            });
        }),
        (event_log{"translated", "late"}));
}

TEST(suppressing_exit_stack, has_failed_if_an_entry_failed_after_a_translation) {
    event_log log;
    // among the entries its own policy rules, between it and the body that of with()
    EXPECT_EQ(
        all_thrown_by([&] {
            with(suppressing_exit_stack(both_failed::replace), [&](auto& inside) {
                inside.defer(failing(log, "late"));
                inside.push(
                    recorder(log, "newest").answering(verdict::replace(failure("translated"))));
                throw planned_failure("body");
            });
        }),
        (event_log{"body", "late", "translated"}));
}

TEST(suppressing_exit_stack, groups_what_was_raised_after_a_suppression) {
    event_log log;
    const auto run = [&] {
        with(suppressing_exit_stack(both_failed::group), [&](auto& stack) {
            stack.defer(failing(log, "a"));
            stack.defer(failing(log, "b"));
            stack.enter(suppress<planned_failure>());
            throw planned_failure("body");
        });
    };
    try {
        run();
        ADD_FAILURE();
    } catch (const error_group& group) {
        EXPECT_EQ(texts_of(group.errors()), (event_log{"b", "a"}));
    }
}

TEST(suppressing_exit_stack, does_not_suppress_a_failure_value) {
    event_log log;
    const auto code = with(suppressing_exit_stack(), [&](auto& stack) {
        stack.defer(noting(log, "outer"));
        stack.push(recorder(log, "a").answering(verdict::suppress));
        return std::make_error_code(std::errc::io_error);
    });
    EXPECT_EQ(code, std::make_error_code(std::errc::io_error));
    EXPECT_EQ(log, (event_log{"a.exit failed", "outer failed"}));
}

TEST(suppressing_exit_stack, shows_a_failure_value_again_once_an_error_of_an_exit_is_suppressed) {
    event_log log;
    const auto code = with(suppressing_exit_stack(), [&](auto& stack) {
        stack.defer(noting(log, "outer"));
        stack.enter(suppress<planned_failure>());
        stack.defer(failing(log, "inner"));
        return std::make_error_code(std::errc::io_error);
    });
    EXPECT_EQ(code, std::make_error_code(std::errc::io_error));
    EXPECT_EQ(log, (event_log{"inner failed", "outer failed"}));
}

TEST(suppressing_exit_stack, ignores_the_verdict_of_an_entry_closed_early) {
    event_log log;
    suppressing_exit_stack stack;
    stack.close(stack.push(recorder(log, "a").answering(verdict::suppress)));
    EXPECT_EQ(stack.close(outcome::failure(failure("body"))), verdict::propagate);
    EXPECT_EQ(log, (event_log{"a.exit ok"}));
}

//
// Stacks of a fixed size
//

TEST(inplace_exit_stack, never_allocates) {
    int ran = 0;
    event_log log;
    recorder lvalue(log, "lvalue");
    const fault_plan plan;
    {
        inplace_exit_stack<512> stack;
        stack.enter(null_context(5));
        stack.enter(lvalue);
        stack.defer([&ran] { ++ran; });
        inplace_exit_stack<512> moved = stack.pop_all();
        moved.close();
    }
    EXPECT_EQ(plan.seen(fault::allocation), 0U);
    EXPECT_EQ(ran, 1);
}

TEST(inplace_exit_stack, refuses_before_entering_when_it_is_full) {
    event_log log;
    inplace_exit_stack<80> stack;
    stack.defer(noting(log, "a"));
    recorder lvalue(log, "lvalue");
    stack.enter(null_context());
    EXPECT_THROW(stack.enter(lvalue), std::length_error);
    EXPECT_THROW(stack.enter(recorder(log, "rvalue")), std::length_error);
    const std::string text = thrown_by([&] { stack.enter(lvalue); });
    EXPECT_NE(text.find("give it more bytes"), std::string::npos) << text;
    EXPECT_EQ(log, event_log());
    stack.close();
    EXPECT_EQ(log, (event_log{"a ok"}));
}

TEST(inplace_exit_stack, exits_at_once_what_finds_it_full) {
    event_log log;
    inplace_exit_stack<32> stack;
    stack.defer([] {});
    recorder lvalue(log, "lvalue");
    EXPECT_THROW(stack.push(lvalue), std::length_error);
    EXPECT_THROW(stack.defer(noting(log, "action")), std::length_error);
    ASSERT_EQ(log.size(), 2U);
    EXPECT_EQ(log[0].find("lvalue.exit threw withal::inplace_exit_stack: no room"), 0U) << log[0];
    EXPECT_EQ(log[1].find("action threw withal::inplace_exit_stack: no room"), 0U) << log[1];
}

TEST(inplace_exit_stack, uses_room_again) {
    inplace_exit_stack<64> stack;
    int ran = 0;
    const stack_key bottom = stack.defer([&ran] { ++ran; });
    for (int n = 0; n < 100; ++n) {
        stack.close(stack.defer([&ran] { ++ran; }));
    }
    stack.close(bottom);
    for (int n = 0; n < 100; ++n) {
        stack.defer([&ran] { ++ran; });
        stack.close(stack.defer([&ran] { ++ran; }));
        stack.close(stack.top());
    }
    EXPECT_EQ(ran, 301);
}

TEST(inplace_exit_stack, takes_an_action_of_one_pointer_for_each_thirty_two_bytes) {
    int ran = 0;
    inplace_exit_stack<std::size_t{32} * 10> stack;
    for (int n = 0; n < 10; ++n) {
        stack.defer([&ran] { ++ran; });
    }
    stack.close();
    EXPECT_EQ(ran, 10);
}

} // namespace

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/decorate.hpp>

#include <withal/core/adapt.hpp>
#include <withal/core/any_manager.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <source_location>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using withal::both_failed;
using withal::decorate;
using withal::secondary_errors;
using withal::testing::event_log;
using withal::testing::fault;
using withal::testing::fault_plan;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::texts_of;
using withal::testing::thrown_by;

// --- inside the manager, at each call ---

TEST(decorate, runs_the_function_inside_the_manager_at_each_call) {
    event_log log;
    recorder around(log, "a");
    auto twice = decorate(around, [&](int n) {
        log.push_back("body");
        return 2 * n;
    });
    EXPECT_TRUE(log.empty());
    EXPECT_EQ(twice(4), 8);
    EXPECT_EQ(twice(5), 10);
    EXPECT_EQ(log, (event_log{"a.enter", "body", "a.exit ok", "a.enter", "body", "a.exit ok"}));
}

TEST(decorate, refers_to_an_lvalue_manager_and_owns_an_rvalue) {
    struct counts {
        int entered = 0;
        void enter() { ++entered; }
        void exit() {}
    };
    counts outside;
    auto refers = decorate(outside, [&] { return outside.entered; });
    auto owns = decorate(std::move(outside), [&] { return outside.entered; });
    EXPECT_EQ(refers(), 1);
    EXPECT_EQ(refers(), 2);
    EXPECT_EQ(owns(), 2);
}

TEST(decorate, calls_a_factory_at_each_call) {
    event_log log;
    auto f = decorate([&, made = 0]() mutable { return recorder(log, std::to_string(++made)); },
                      [&] { log.push_back("body"); });
    f();
    f();
    EXPECT_EQ(log, (event_log{"1.enter", "body", "1.exit ok", "2.enter", "body", "2.exit ok"}));
}

TEST(decorate, enters_a_single_use_manager_that_a_factory_makes) {
    struct ticket : withal::single_use {
        event_log* log;
        explicit ticket(event_log& to) : log(&to) {}
        ticket(const ticket&) = delete;
        ticket& operator=(const ticket&) = delete;
        void enter() { log->push_back("enter"); }
        void exit() { log->push_back("exit"); }
    };
    event_log log;
    auto f = decorate([&] { return ticket(log); }, [] { return 1; });
    EXPECT_EQ(f() + f(), 2);
    EXPECT_EQ(log, (event_log{"enter", "exit", "enter", "exit"}));
}

TEST(decorate, uses_the_manager_that_a_factory_refers_to_in_place) {
    event_log log;
    recorder shared(log, "shared");
    auto f = decorate([&]() -> recorder& { return shared; }, [] {});
    f();
    f();
    EXPECT_EQ(log, (event_log{"shared.enter", "shared.exit ok", "shared.enter", "shared.exit ok"}));
}

withal::null_manager make_nothing() {
    return withal::null_context();
}
int answer() {
    return 42;
}

TEST(decorate, takes_functions_by_their_name) {
    EXPECT_EQ(decorate(make_nothing, answer)(), 42);
    EXPECT_EQ(decorate(&make_nothing, &answer)(), 42);
}

TEST(decorate, nests) {
    event_log log;
    recorder outer(log, "outer");
    recorder inner(log, "inner");
    auto f = decorate(outer, decorate(inner, [&] { log.push_back("body"); }));
    f();
    EXPECT_EQ(log,
              (event_log{"outer.enter", "inner.enter", "body", "inner.exit ok", "outer.exit ok"}));
}

TEST(decorate, recurses_with_a_factory) {
    event_log log;
    int made = 0;
    std::function<int(int)> factorial =
        decorate([&] { return recorder(log, std::to_string(++made)); },
                 [&](int n) { return n < 2 ? 1 : n * factorial(n - 1); });
    EXPECT_EQ(factorial(3), 6);
    EXPECT_EQ(log,
              (event_log{"1.enter", "2.enter", "3.enter", "3.exit ok", "2.exit ok", "1.exit ok"}));
}

TEST(decorate, holds_a_lock_for_the_call) {
    std::mutex mutex;
    auto f = decorate(mutex, [&] { return mutex.try_lock(); });
    EXPECT_FALSE(f());
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
}

TEST(decorate, takes_any_manager_and_several_as_one) {
    event_log log;
    auto f = decorate(withal::any_manager<void>(recorder(log, "any")), [] { return 1; });
    auto g = decorate(withal::all(recorder(log, "a"), recorder(log, "b")), [] { return 2; });
    EXPECT_EQ(f() + f() + g(), 4);
    EXPECT_EQ(log,
              (event_log{"any.enter",
                         "any.exit ok",
                         "any.enter",
                         "any.exit ok",
                         "a.enter",
                         "b.enter",
                         "b.exit ok",
                         "a.exit ok"}));
}

// --- arguments and the function ---

TEST(decorate, passes_the_arguments_as_they_came) {
    struct sees {
        std::string operator()(std::string&) const { return "lvalue"; }
        std::string operator()(const std::string&) const { return "const lvalue"; }
        std::string operator()(std::string&&) const { return "rvalue"; }
        std::string operator()(int, std::unique_ptr<int> p) const { return std::to_string(*p); }
    };
    auto f = decorate(withal::null_context(), sees());
    std::string text;
    EXPECT_EQ(f(text), "lvalue");
    EXPECT_EQ(f(std::as_const(text)), "const lvalue");
    EXPECT_EQ(f(std::move(text)), "rvalue");
    EXPECT_EQ(f(1, std::make_unique<int>(7)), "7");
    static_assert(!std::is_invocable_v<decltype(f), int>);
    static_assert(!std::is_invocable_v<decltype(f)>);
}

TEST(decorate, moves_an_argument_on_without_a_copy_and_refers_to_the_callers) {
    auto f = decorate(withal::null_context(1), [](std::unique_ptr<int> p, int*& seen) {
        seen = p.get();
        return p;
    });
    auto given = std::make_unique<int>(1);
    int* const before = given.get();
    int* seen = nullptr;
    const std::unique_ptr<int> back = f(std::move(given), seen);
    EXPECT_EQ(seen, before);
    EXPECT_EQ(back.get(), before);
}

TEST(decorate, calls_members) {
    struct counter {
        long count = 0;
        long add(int n) { return count += n; }
        [[nodiscard]] long get() const& { return count; }
    };
    event_log log;
    recorder around(log, "a");
    auto add = decorate(around, &counter::add);
    auto get = decorate(around, &counter::get);
    auto count = decorate(around, &counter::count);
    counter one;
    const auto owned = std::make_unique<counter>();
    EXPECT_EQ(add(one, 2), 2);
    EXPECT_EQ(add(&one, 3), 5);
    EXPECT_EQ(add(owned, 4), 4);
    EXPECT_EQ(add(std::ref(one), 1), 6);
    EXPECT_EQ(get(std::as_const(one)), 6);
    count(one) = 9;
    EXPECT_EQ(one.count, 9);
    static_assert(!std::is_invocable_v<decltype(add), const counter&, int>);
    EXPECT_EQ(log.size(), 12U);
}

TEST(decorate, is_const_as_far_as_the_function_and_the_manager_are) {
    struct constant {
        void enter() const {}
        void exit() const {}
    };
    struct changing {
        void enter() {}
        void exit() {}
    };
    changing outside;
    const auto f = [](int n) { return n; };
    const auto mutating = [calls = 0](int n) mutable { return n + ++calls; };
    const auto both = decorate(constant(), f);
    const auto refers = decorate(outside, f);
    const auto factory = decorate([] { return changing(); }, f);
    EXPECT_EQ(both(1) + refers(2) + factory(3), 6);
    const auto stored = decorate(changing(), f);
    static_assert(!std::is_invocable_v<decltype(stored), int>);
    static_assert(std::is_invocable_v<std::remove_const_t<decltype(stored)>, int>);
    const auto counting = decorate(constant(), mutating);
    static_assert(!std::is_invocable_v<decltype(counting), int>);
    auto counting_well = counting;
    EXPECT_EQ(counting_well(0) + counting_well(0), 3);
}

TEST(decorate, prefers_the_const_overload_of_a_function_only_where_it_is_const) {
    struct says {
        std::string operator()() { return "mutable"; }
        std::string operator()() const { return "const"; }
    };
    std::mutex around;
    auto f = decorate(around, says());
    EXPECT_EQ(f(), "mutable");
    EXPECT_EQ(std::as_const(f)(), "const");
}

TEST(decorate, is_copied_and_moved_as_its_parts_are) {
    struct counts {
        int entered = 0;
        int& enter() { return ++entered; }
        void exit() {}
    };
    auto f = decorate(counts(), [calls = 0]() mutable { return ++calls; });
    EXPECT_EQ(f(), 1);
    auto copy = f;
    EXPECT_EQ(copy() + f(), 4);
    EXPECT_EQ(copy(), 3);
    auto moved = std::move(copy);
    EXPECT_EQ(moved(), 4);

    auto owns = decorate(withal::null_context(), [p = std::make_unique<int>(5)] { return *p; });
    static_assert(!std::is_copy_constructible_v<decltype(owns)>);
    static_assert(std::is_nothrow_move_constructible_v<decltype(owns)>);
    EXPECT_EQ(decltype(owns)(std::move(owns))(), 5);
}

TEST(decorate, throws_what_its_parts_throw_when_they_are_moved) {
    struct throws_when_moved {
        std::unique_ptr<int> owned = std::make_unique<int>(1);
        throws_when_moved() = default;
        throws_when_moved(throws_when_moved&& other) : owned(std::move(other.owned)) {
            throw planned_failure("move");
        }
        throws_when_moved(const throws_when_moved&) = delete;
        throws_when_moved& operator=(const throws_when_moved&) = delete;
        ~throws_when_moved() = default;
        void enter() {}
        void exit() {}
        void operator()() const {}
    };
    EXPECT_EQ(thrown_by([] { static_cast<void>(decorate(throws_when_moved(), [] {})); }), "move");
    EXPECT_EQ(
        thrown_by([] { static_cast<void>(decorate(withal::null_context(), throws_when_moved())); }),
        "move");
}

// --- what a call gives ---

TEST(decorate, returns_exactly_what_the_function_returns) {
    struct immovable {
        const immovable* made_at = this;
        immovable() = default;
        immovable(const immovable&) = delete;
        immovable& operator=(const immovable&) = delete;
    };
    int outside = 1;
    auto value = decorate(withal::null_context(), [] { return std::string("v"); });
    auto reference = decorate(withal::null_context(), [&]() -> int& { return outside; });
    auto nothing = decorate(withal::null_context(), [] {});
    auto in_place = decorate(withal::null_context(), [] { return immovable(); });
    static_assert(std::is_same_v<decltype(value()), std::string>);
    static_assert(std::is_same_v<decltype(reference()), int&>);
    static_assert(std::is_void_v<decltype(nothing())>);
    EXPECT_EQ(&reference(), &outside);
    const immovable made = in_place();
    EXPECT_EQ(made.made_at, &made);
}

TEST(decorate, returns_what_may_be_missing_where_the_manager_may_suppress) {
    int outside = 1;
    const auto throws = [](bool yes) {
        if (yes) {
            throw planned_failure("body");
        }
    };
    const auto value = decorate([] { return withal::suppress<planned_failure>(); },
                                [&](bool yes) {
                                    throws(yes);
                                    return 3;
                                });
    const auto reference = decorate([] { return withal::suppress<planned_failure>(); },
                                    [&](bool yes) -> int& {
                                        throws(yes);
                                        return outside;
                                    });
    auto nothing = decorate(withal::suppress<planned_failure>(), throws);
    static_assert(std::is_same_v<decltype(value(true)), std::optional<int>>);
    static_assert(std::is_same_v<decltype(reference(true)), int*>);
    static_assert(std::is_same_v<decltype(nothing(true)), withal::completed>);
    EXPECT_EQ(value(false), 3);
    EXPECT_EQ(value(true), std::nullopt);
    EXPECT_EQ(reference(false), &outside);
    EXPECT_EQ(reference(true), nullptr);
    EXPECT_TRUE(nothing(false));
    EXPECT_FALSE(nothing(true));
}

TEST(decorate, shows_the_exit_an_error_and_a_failure_that_is_returned) {
    event_log log;
    recorder around(log, "a");
    auto f = decorate(around, [](bool yes) {
        if (yes) {
            throw planned_failure("body");
        }
        return std::make_error_code(std::errc::io_error);
    });
    EXPECT_EQ(thrown_by([&] { static_cast<void>(f(true)); }), "body");
    EXPECT_EQ(f(false), std::errc::io_error);
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit threw body", "a.enter", "a.exit failed"}));
}

TEST(decorate, calls_nothing_when_enter_or_the_factory_fails) {
    event_log log;
    auto entering = decorate(recorder(log, "a").failing_to_enter(), [&] { log.push_back("body"); });
    auto making = decorate([]() -> recorder { throw planned_failure("make"); },
                           [&] { log.push_back("body"); });
    EXPECT_EQ(thrown_by(entering), "a.enter");
    EXPECT_EQ(thrown_by(making), "make");
    EXPECT_EQ(log, (event_log{"a.enter"}));
}

TEST(decorate, follows_a_policy_when_both_fail) {
    event_log log;
    recorder around = recorder(log, "a").failing_to_exit();
    const auto body = [] { throw planned_failure("body"); };
    auto keeping = decorate(around, body);
    auto replacing = decorate<both_failed::replace>(around, body);
    auto grouping = decorate<both_failed::group>(around, body);
    const auto errors_of = [](auto& f) {
        try {
            f();
        } catch (const withal::error_group& group) {
            return texts_of(group.errors());
        } catch (const std::exception& error) {
            event_log texts = texts_of(secondary_errors());
            texts.insert(texts.begin(), error.what());
            return texts;
        }
        return event_log();
    };
    EXPECT_EQ(errors_of(keeping), (event_log{"body", "a.exit"}));
    EXPECT_EQ(errors_of(replacing), (event_log{"a.exit", "body"}));
    EXPECT_EQ(errors_of(grouping), (event_log{"body", "a.exit"}));
}

/// Is each exit that of the newest manager still entered, and none left at the end?
bool is_nested(const event_log& log) {
    event_log entered;
    for (const std::string& each : log) {
        const std::string name = each.substr(0, each.find('.'));
        if (each == name + ".enter") {
            entered.push_back(name);
        } else if (entered.empty() || entered.back() != name) {
            return false;
        } else {
            entered.pop_back();
        }
    }
    return entered.empty();
}

TEST(decorate, exits_once_whichever_step_fails) {
    for (const fault what : {fault::enter, fault::exit}) {
        event_log log;
        const std::size_t steps = withal::testing::for_each_failure(
            what,
            [&](fault_plan& plan) {
                log.clear();
                auto f = decorate([&] { return plan.faulty(recorder(log, "made")); },
                                  decorate(plan.faulty(recorder(log, "kept")), [] { return 1; }));
                static_cast<void>(f() + f());
            },
            [&] { EXPECT_TRUE(is_nested(log)) << ::testing::PrintToString(log); });
        EXPECT_EQ(steps, 4U);
        EXPECT_EQ(log,
                  (event_log{"made.enter",
                             "kept.enter",
                             "kept.exit ok",
                             "made.exit ok",
                             "made.enter",
                             "kept.enter",
                             "kept.exit ok",
                             "made.exit ok"}));
    }
}

TEST(decorate, allocates_nothing) {
    std::mutex mutex;
    const fault_plan counting;
    auto f = decorate(mutex, [](int n) { return n; });
    auto g = decorate([] { return withal::null_context(1); }, f);
    EXPECT_EQ(g(1), 1);
    EXPECT_EQ(counting.seen(fault::allocation), 0U);
}

TEST(decorate, keeps_the_alignment_of_its_parts) {
    struct alignas(64) wide {
        wide& enter() { return *this; }
        void exit() {}
        bool operator()() const {
            return reinterpret_cast<std::uintptr_t>(this) % alignof(wide) == 0;
        }
    };
    auto on_the_heap = std::make_unique<withal::decorated<both_failed::keep_body, wide, wide>>(
        decorate(wide(), wide()));
    EXPECT_TRUE((*on_the_heap)());
}

TEST(decorate, shows_observers_the_place_where_it_was_decorated) {
    std::vector<unsigned> lines;
    std::string file;
    auto f = decorate(withal::null_context(), [] {});
    const unsigned line = std::source_location::current().line() - 1;
    {
        const auto watching = withal::observe([&](const withal::event& e) noexcept {
            lines.push_back(e.where.line());
            file = e.where.file_name();
        });
        f();
    }
    EXPECT_EQ(lines, (std::vector<unsigned>{line, line, line, line}));
    EXPECT_EQ(file, __FILE__);
}

// --- what it refuses: see also tests/compile_fail ---

struct lazy {
    struct promise_type {
        lazy get_return_object() { return {}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
struct has_await_ready {
    bool await_ready();
};
struct member_co_await {
    std::suspend_never operator co_await() &&;
};
struct free_co_await {
    friend std::suspend_never operator co_await(free_co_await) { return {}; }
};

TEST(decorate, knows_what_finishes_after_the_call) {
    using withal::detail::finishes_later;
    static_assert(finishes_later<lazy> && finishes_later<lazy&> && finishes_later<const lazy>);
    static_assert(finishes_later<has_await_ready> && finishes_later<has_await_ready&>);
    static_assert(finishes_later<member_co_await> && finishes_later<free_co_await>);
    static_assert(!finishes_later<void> && !finishes_later<int&> && !finishes_later<std::string>);
    static_assert(!finishes_later<std::unique_ptr<int>>);
    EXPECT_TRUE(operator co_await(free_co_await()).await_ready()); // it is found so
}

} // namespace

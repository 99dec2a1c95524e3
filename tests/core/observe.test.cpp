// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/observe.hpp>

#include <withal/core/adapt.hpp>
#include <withal/core/exit_stack.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using withal::event;
using withal::event_kind;
using withal::outcome;
using withal::verdict;
using withal::testing::event_log;
using withal::testing::planned_failure;
using withal::testing::thrown_by;

std::string word(event_kind kind) {
    switch (kind) {
    case event_kind::enter:
        return "enter";
    case event_kind::entered:
        return "entered";
    case event_kind::enter_failed:
        return "enter_failed";
    case event_kind::exit:
        return "exit";
    case event_kind::suppressed:
        return "suppressed";
    case event_kind::replaced:
        return "replaced";
    case event_kind::secondary:
        return "secondary";
    case event_kind::exited:
        return "exited";
    case event_kind::abandoned:
        return "abandoned";
    }
    return "?";
}

/// Writes events as "label kind [outcome] [error]".
auto recording(event_log& log) {
    return withal::observe([&log](const event& e) noexcept {
        std::string line = std::string(e.manager) + " " + word(e.kind);
        if (e.left != nullptr) {
            line += " [" + withal::testing::word_of(*e.left) + "]";
        }
        if (e.error != nullptr) {
            line += " " + withal::testing::text_of(e.error);
        }
        log.push_back(line);
    });
}

struct named {
    const char* name;
    verdict answer = verdict::propagate;
    bool fails_enter = false;
    bool fails_exit = false;
    void enter() const {
        if (fails_enter) {
            throw planned_failure("enter");
        }
    }
    verdict exit(const outcome&) const {
        if (fails_exit) {
            throw planned_failure("exit");
        }
        return answer;
    }
    [[nodiscard]] const char* label() const noexcept { return name; }
    [[nodiscard]] const char* note() const noexcept { return "noted"; }
};

TEST(observe, shows_every_step_of_nested_scopes_in_order) {
    event_log log;
    {
        auto watching = recording(log);
        static_cast<void>(withal::with(named{"a"}, named{"b"}, [&] { log.push_back("body"); }));
    }
    static_cast<void>(withal::with(named{"unseen"}, [] {}));
    EXPECT_EQ(log,
              (event_log{"a enter",
                         "a entered",
                         "b enter",
                         "b entered",
                         "body",
                         "b exit [ok]",
                         "b exited [ok]",
                         "a exit [ok]",
                         "a exited [ok]"}));
}

TEST(observe, shows_what_exits_did_with_an_error) {
    event_log log;
    auto watching = recording(log);
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(withal::with(
                      named{"a", verdict::replace(std::make_exception_ptr(planned_failure("new")))},
                      named{"b", verdict::propagate, false, true},
                      [] { throw planned_failure("body"); }));
              }),
              "new");
    EXPECT_EQ(log,
              (event_log{"a enter",
                         "a entered",
                         "b enter",
                         "b entered",
                         "b exit [threw body]",
                         "b secondary [threw body] exit",
                         "b exited [threw body] exit",
                         "a exit [threw body]",
                         "a replaced [threw body] new",
                         "a exited [threw body]"}));
    log.clear();
    static_cast<void>(
        withal::with(named{"a", verdict::suppress}, [] { throw planned_failure("body"); }));
    EXPECT_EQ(log,
              (event_log{"a enter",
                         "a entered",
                         "a exit [threw body]",
                         "a suppressed [threw body]",
                         "a exited [threw body]"}));
}

TEST(observe, shows_an_enter_that_failed_and_an_exit_that_failed_after_success) {
    event_log log;
    auto watching = recording(log);
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(
                      withal::with(named{"a", verdict::propagate, true}, [] { FAIL(); }));
              }),
              "enter");
    EXPECT_EQ(log, (event_log{"a enter", "a enter_failed enter"}));
    log.clear();
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(
                      withal::with(named{"a", verdict::propagate, false, true}, [] {}));
              }),
              "exit");
    EXPECT_EQ(log, (event_log{"a enter", "a entered", "a exit [ok]", "a exited [ok] exit"}));
}

TEST(observe, changes_no_result_and_no_error) {
    struct immovable {
        explicit immovable(int n) : number(n) {}
        immovable(const immovable&) = delete;
        immovable& operator=(const immovable&) = delete;
        int number;
    };
    struct quiet {
        int& enter() noexcept { return number; }
        void exit() noexcept {}
        int number = 3;
    };
    event_log log;
    auto watching = recording(log);
    quiet m;
    int& lent = withal::with(m, [](int& n) -> int& { return n; });
    EXPECT_EQ(&lent, &m.number);
    EXPECT_EQ(withal::with(m, [](int& n) { return immovable(n); }).number, 3);
    EXPECT_EQ(withal::with(
                  m,
                  [](int& n) { return withal::null_context(n + 1); },
                  [](int& n, int& k) { return n + k; }),
              7);
    EXPECT_EQ(withal::try_with(m, [](int&) -> int { throw planned_failure("x"); }).has_value(),
              false);
    EXPECT_EQ(withal::with_or(
                  named{"a", verdict::suppress},
                  []() -> int { throw planned_failure("x"); },
                  [] { return 8; }),
              8);
    const std::string type = log.front();
    EXPECT_NE(type.find("quiet"), std::string::npos) << "the type's name stands for a label";
}

TEST(observe, tells_where_the_call_stands_and_what_the_exit_noted) {
    std::source_location where;
    std::string note;
    auto watching = withal::observe([&](const event& e) noexcept {
        where = e.where;
        if (e.kind == event_kind::exited) {
            note = e.note;
        }
    });
    static_cast<void>(withal::with(named{"a"}, [] {}));
    const auto line = std::source_location::current().line() - 1;
    EXPECT_EQ(where.line(), line);
    EXPECT_NE(std::string(where.file_name()).find("observe.test.cpp"), std::string::npos);
    EXPECT_EQ(note, "noted");
}

TEST(observe, gives_live_scopes_different_names_and_one_scope_one_name) {
    const void* outer = nullptr;
    const void* inner = nullptr;
    int of_outer = 0;
    named m{"same"};
    auto watching = withal::observe([&](const event& e) noexcept {
        if (e.kind == event_kind::entered) {
            (outer == nullptr ? outer : inner) = e.scope;
        }
        of_outer += e.scope == outer && outer != nullptr ? 1 : 0;
    });
    static_cast<void>(withal::with(m, m, [] {}));
    EXPECT_NE(outer, inner);
    EXPECT_EQ(of_outer, 3);
}

TEST(observe, gives_the_scopes_of_one_call_its_name) {
    std::vector<const void*> calls;
    auto watching = withal::observe([&](const event& e) noexcept {
        if (e.kind == event_kind::entered) {
            calls.push_back(e.call);
        }
    });
    const auto nothing = [] { return withal::null_context(); };
    withal::with(nothing(), nothing(), nothing(), nothing(), nothing, [&] {
        withal::with(nothing(), [] {});
    });
    ASSERT_EQ(calls.size(), 6U);
    EXPECT_EQ(std::count(calls.begin(), calls.end(), calls[0]), 5);
    EXPECT_NE(calls[5], calls[0]);
}

TEST(observe, shows_a_scope_that_has_no_exit) {
    std::vector<event_kind> kinds;
    {
        auto watching = withal::observe([&](const event& e) noexcept { kinds.push_back(e.kind); });
        withal::exit_stack stack;
        stack.enter(withal::null_context());
        stack.enter(withal::null_context());
        stack.release(stack.top());
        stack.close();
    }
    EXPECT_EQ(kinds,
              (std::vector<event_kind>{event_kind::enter,
                                       event_kind::entered,
                                       event_kind::enter,
                                       event_kind::entered,
                                       event_kind::abandoned,
                                       event_kind::exit,
                                       event_kind::exited}));
}

TEST(observe, does_not_show_the_scopes_of_an_observer) {
    int seen = 0;
    auto watching = withal::observe([&](const event&) noexcept {
        ++seen;
        withal::with(withal::null_context(), [] {});
    });
    withal::with(withal::null_context(), [] {});
    EXPECT_EQ(seen, 4);
}

static_assert(!std::is_move_constructible_v<
              decltype(withal::observe(std::declval<void (*)(const event&) noexcept>()))>);

TEST(observe, does_not_show_a_scope_that_began_before) {
    event_log log;
    {
        auto guard = withal::scoped(named{"early"});
        auto watching = recording(log);
        auto late = withal::scoped(named{"late"});
    }
    EXPECT_EQ(log, (event_log{"late enter", "late entered", "late exit [ok]", "late exited [ok]"}));
}

TEST(observe, does_not_show_the_end_of_a_scope_that_nobody_saw_begin) {
    using watching = decltype(recording(std::declval<event_log&>()));
    event_log first;
    event_log second;
    std::unique_ptr<watching> observer(new watching(recording(first)));
    struct stops_watching {
        std::unique_ptr<watching>* observer;
        void enter() const { observer->reset(); }
        void exit() const {}
        [[nodiscard]] static const char* label() noexcept { return "outer"; }
    };
    // the call is a watched one, but when "inner" begins nobody looks any more
    withal::with(stops_watching{&observer}, named{"inner"}, [&] {
        // NOLINTNEXTLINE(modernize-make-unique): it cannot be moved
        observer.reset(new watching(recording(second)));
    });
    EXPECT_EQ(first, (event_log{"outer enter"}));
    EXPECT_EQ(second, (event_log{"outer exit [ok]", "outer exited [ok]"}));
}

TEST(observe, does_not_call_an_exit_that_rethrows_a_failed_one) {
    struct rethrows {
        void enter() const {}
        void exit(const outcome& left) const { std::rethrow_exception(left.exception()); }
        [[nodiscard]] static const char* label() noexcept { return "again"; }
    };
    event_log log;
    const auto watching = recording(log);
    EXPECT_EQ(thrown_by([] { withal::with(rethrows(), [] { throw planned_failure("body"); }); }),
              "body");
    EXPECT_EQ(log,
              (event_log{"again enter",
                         "again entered",
                         "again exit [threw body]",
                         "again exited [threw body] body"}));
}

} // namespace

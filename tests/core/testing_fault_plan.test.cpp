// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/error.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/null_context.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/testing/allocations.hpp>
#include <withal/core/testing/fault_plan.hpp>
#include <withal/core/testing/planned_failure.hpp>
#include <withal/core/testing/recorder.hpp>
#include <withal/core/testing/words.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace {

using withal::verdict;
using withal::with;
using withal::testing::event_log;
using withal::testing::fault;
using withal::testing::fault_plan;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::thrown_by;
using withal::testing::uncounted;

static_assert(!std::is_copy_constructible_v<fault_plan> && !std::is_move_assignable_v<fault_plan>);

/// An allocation that no compiler leaves out.
void* allocate() {
    void* volatile block = ::operator new(1);
    return block;
}

/// Two managers in the plan, with their trace.
std::string run_two(fault_plan& plan, event_log& log) {
    return thrown_by([&] {
        with(plan.faulty(recorder(log, "a")), plan.faulty(recorder(log, "b")), [&](auto&, auto&) {
            log.emplace_back("body");
        });
    });
}

// --- enter and exit ---

TEST(fault_plan, changes_nothing_if_nothing_is_planned_and_counts) {
    event_log log;
    fault_plan plan;
    EXPECT_EQ(run_two(plan, log), "nothing");
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "body", "b.exit ok", "a.exit ok"}));
    EXPECT_EQ(plan.seen(fault::enter), 2U);
    EXPECT_EQ(plan.seen(fault::exit), 2U);
    EXPECT_TRUE(plan.done());
}

TEST(fault_plan, fails_the_enter_before_anything_is_acquired) {
    event_log log;
    fault_plan plan(fault::enter, 2);
    EXPECT_FALSE(plan.done());
    EXPECT_EQ(run_two(plan, log), "enter 2");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit threw enter 2"}));
    EXPECT_EQ(plan.seen(fault::enter), 2U);
    EXPECT_EQ(plan.seen(fault::exit), 1U);
    EXPECT_TRUE(plan.done());
}

TEST(fault_plan, fails_the_exit_after_the_resource_is_given_back) {
    event_log log;
    fault_plan plan(fault::exit, 1);
    EXPECT_EQ(run_two(plan, log), "exit 1");
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "body", "b.exit ok", "a.exit threw exit 1"}));
    EXPECT_TRUE(plan.done());
}

TEST(fault_plan, fails_with_a_planned_failure) {
    fault_plan plan;
    plan.fail(fault::enter, 1).fail(fault::exit, 1);
    EXPECT_THROW(with(plan.faulty(withal::null_context()), [] {}), planned_failure);
    EXPECT_THROW(with(plan.faulty(withal::null_context()), [] {}), planned_failure);
    EXPECT_NO_THROW(with(plan.faulty(withal::null_context()), [] {}));
}

TEST(fault_plan, fails_as_many_as_are_planned) {
    event_log log;
    fault_plan plan;
    plan.fail(fault::exit, 1).fail(fault::exit, 2);
    try {
        with(plan.faulty(recorder(log, "a")), plan.faulty(recorder(log, "b")), [](auto&, auto&) {
            throw planned_failure("body");
        });
        ADD_FAILURE() << "nothing was thrown";
    } catch (const planned_failure& body) {
        EXPECT_STREQ(body.what(), "body");
        EXPECT_EQ(withal::testing::texts_of(withal::secondary_errors()),
                  (event_log{"exit 1", "exit 2"}));
    }
    EXPECT_TRUE(plan.done());
}

TEST(fault_plan, counts_from_now_on) {
    event_log log;
    fault_plan plan;
    EXPECT_EQ(run_two(plan, log), "nothing");
    plan.fail(fault::enter, 1);
    EXPECT_EQ(run_two(plan, log), "enter 3");
    EXPECT_EQ(run_two(plan, log), "nothing");
    EXPECT_EQ(plan.seen(fault::enter), 5U);
}

TEST(fault_plan, is_not_done_when_its_failure_did_not_come) {
    event_log log;
    fault_plan plan(fault::enter, 3);
    EXPECT_EQ(run_two(plan, log), "nothing");
    EXPECT_FALSE(plan.done());
    plan.fail(fault::exit, 1);
    EXPECT_EQ(run_two(plan, log), "enter 3");
    EXPECT_FALSE(plan.done()) << "of two failures one has come";
}

TEST(fault_plan, refuses_the_zeroth) {
    EXPECT_EQ(thrown_by([] { fault_plan(fault::enter, 0); }),
              "withal::testing::fault_plan: the first is 1");
}

TEST(fault_plan, lets_an_exit_fail_by_itself) {
    event_log log;
    fault_plan plan(fault::exit, 1);
    EXPECT_EQ(
        thrown_by([&] { with(plan.faulty(recorder(log, "a").failing_to_exit()), [](auto&) {}); }),
        "a.exit");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok"}));
}

// --- the manager inside ---

TEST(fault_plan, keeps_the_answer_unless_the_exit_fails) {
    event_log log;
    fault_plan plan;
    const auto run = [&] {
        return with(plan.faulty(recorder(log, "a").answering(verdict::suppress)),
                    [](auto&) -> int { throw planned_failure("body"); });
    };
    static_assert(std::is_same_v<decltype(run()), std::optional<int>>);
    EXPECT_FALSE(run().has_value());
    plan.fail(fault::exit, 1);
    EXPECT_EQ(thrown_by([&] { static_cast<void>(run()); }), "body");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit threw body", "a.enter", "a.exit threw body"}));
}

TEST(fault_plan, refers_to_an_lvalue_and_moves_an_rvalue_in) {
    struct counts {
        int entered = 0;
        int exited = 0;
        void enter() { ++entered; }
        void exit() { ++exited; }
    };
    struct owns {
        std::unique_ptr<int> number;
        int& enter() { return *number; }
        void exit() {}
    };
    fault_plan plan;
    counts here;
    with(plan.faulty(here), [&] { EXPECT_EQ(here.entered, 1); });
    EXPECT_EQ(here.exited, 1);
    EXPECT_EQ(with(plan.faulty(owns{std::make_unique<int>(3)}), [](int& n) { return n; }), 3);
}

TEST(fault_plan, takes_a_lock) {
    fault_plan plan(fault::exit, 1);
    std::mutex lock;
    EXPECT_EQ(thrown_by([&] { with(plan.faulty(lock), [] {}); }), "exit 1");
    EXPECT_TRUE(lock.try_lock()) << "it was unlocked before the exit failed";
    lock.unlock();
}

TEST(fault_plan, wraps_a_single_use_manager_that_stays_fresh_when_its_enter_fails) {
    struct ticket : withal::single_use {
        void enter() {}
        void exit() {}
    };
    fault_plan plan(fault::enter, 1);
    ticket once;
    auto faulty = plan.faulty(once);
    static_assert(withal::reuse_of<decltype(faulty)> == withal::reuse::single_use);
    EXPECT_EQ(thrown_by([&] { with(faulty, [] {}); }), "enter 1");
    EXPECT_EQ(thrown_by([&] { with(faulty, [] {}); }), "nothing");
    EXPECT_THROW(with(faulty, [] {}), withal::logic_error);
}

TEST(fault_plan, shows_observers_the_manager_inside) {
    struct described {
        void enter() {}
        void exit() {}
        [[nodiscard]] const char* label() const noexcept { return "described"; }
        [[nodiscard]] const char* note() const noexcept { return "well"; }
    };
    fault_plan plan;
    event_log seen;
    {
        const auto watching = withal::observe([&](const withal::event& e) noexcept {
            if (e.kind == withal::event_kind::exited) {
                seen.emplace_back(std::string(e.manager) + " " + (e.note ? e.note : "-"));
            }
        });
        with(plan.faulty(described()), plan.faulty(withal::null_context()), [] {});
    }
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_NE(seen[0].find("null_manager"), std::string::npos) << seen[0];
    EXPECT_EQ(seen[1], "described well");
}

// --- allocations ---

TEST(fault_plan, fails_the_nth_allocation_and_no_other) {
    fault_plan plan(fault::allocation, 2);
    ::operator delete(allocate());
    EXPECT_THROW(allocate(), std::bad_alloc);
    ::operator delete(allocate());
    EXPECT_EQ(plan.seen(fault::allocation), 3U);
    EXPECT_TRUE(plan.done());
}

TEST(fault_plan, counts_every_form_of_new_once) {
    struct alignas(64) wide {
        char bytes[64];
    };
    fault_plan plan;
    auto seen = [&, before = std::size_t{0}]() mutable {
        const std::size_t now = plan.seen(fault::allocation);
        return now - std::exchange(before, now);
    };
    const std::align_val_t wide_alignment{alignof(wide)};
    ::operator delete(::operator new(1));
    EXPECT_EQ(seen(), 1U);
    ::operator delete[](::operator new[](1));
    EXPECT_EQ(seen(), 1U);
    ::operator delete(::operator new(1, std::nothrow), std::nothrow);
    EXPECT_EQ(seen(), 1U);
    ::operator delete[](::operator new[](1, std::nothrow), std::nothrow);
    EXPECT_EQ(seen(), 1U);
    ::operator delete(::operator new(1, wide_alignment), wide_alignment);
    EXPECT_EQ(seen(), 1U);
    ::operator delete[](::operator new[](1, wide_alignment), wide_alignment);
    EXPECT_EQ(seen(), 1U);
    ::operator delete(
        ::operator new(1, wide_alignment, std::nothrow), wide_alignment, std::nothrow);
    EXPECT_EQ(seen(), 1U);
    ::operator delete[](
        ::operator new[](1, wide_alignment, std::nothrow), wide_alignment, std::nothrow);
    EXPECT_EQ(seen(), 1U);
}

TEST(fault_plan, gives_null_where_new_does_not_throw) {
    fault_plan plan;
    const std::align_val_t wide{64};
    plan.fail(fault::allocation, 1);
    EXPECT_EQ(::operator new(1, std::nothrow), nullptr);
    plan.fail(fault::allocation, 1);
    EXPECT_EQ(::operator new[](1, std::nothrow), nullptr);
    plan.fail(fault::allocation, 1);
    EXPECT_EQ(::operator new(1, wide, std::nothrow), nullptr);
    plan.fail(fault::allocation, 1);
    EXPECT_EQ(::operator new[](1, wide, std::nothrow), nullptr);
    EXPECT_TRUE(plan.done());
}

TEST(fault_plan, fails_allocations_inside_the_standard_library) {
    fault_plan plan(fault::allocation, 1);
    std::unique_ptr<std::string> text;
    EXPECT_THROW(text = std::make_unique<std::string>(1000, 'x'), std::bad_alloc);
    EXPECT_TRUE(plan.done());
}

TEST(fault_plan, does_not_count_what_the_exceptions_of_the_language_need) {
    const fault_plan plan;
    try {
        throw 42;
    } catch (int) { // swallow: it is about the throw
    }
    EXPECT_EQ(plan.seen(fault::allocation), 0U);
}

TEST(fault_plan, does_not_count_before_and_after_it) {
    ::operator delete(allocate());
    {
        const fault_plan plan;
        EXPECT_EQ(plan.seen(fault::allocation), 0U);
    }
    { const fault_plan never(fault::allocation, 1); }
    ::operator delete(allocate());
}

TEST(fault_plan, does_not_count_the_uncounted_nor_its_own) {
    fault_plan plan(fault::allocation, 1);
    {
        const uncounted outer;
        {
            const uncounted inner;
            ::operator delete(allocate());
        }
        ::operator delete(allocate());
    }
    plan.fail(fault::allocation, 2).fail(fault::exit, 1).fail(fault::enter, 1);
    EXPECT_EQ(plan.seen(fault::allocation), 0U);
    EXPECT_THROW(allocate(), std::bad_alloc);
    EXPECT_THROW(allocate(), std::bad_alloc);
}

TEST(fault_plan, does_not_count_other_threads) {
    fault_plan plan(fault::allocation, 1);
    std::optional<std::thread> other;
    {
        const uncounted start; // of the thread: its state is allocated here
        other.emplace([] { ::operator delete(allocate()); });
    }
    other->join();
    EXPECT_EQ(plan.seen(fault::allocation), 0U);
    EXPECT_THROW(allocate(), std::bad_alloc);
}

TEST(fault_plan, within_another_both_count_and_both_fail) {
    fault_plan outer(fault::allocation, 3);
    ::operator delete(allocate());
    {
        fault_plan inner(fault::allocation, 1);
        EXPECT_THROW(allocate(), std::bad_alloc);
        EXPECT_TRUE(inner.done());
        EXPECT_FALSE(outer.done());
        EXPECT_THROW(allocate(), std::bad_alloc);
        EXPECT_TRUE(outer.done());
        EXPECT_EQ(inner.seen(fault::allocation), 2U);
    }
    ::operator delete(allocate());
    EXPECT_EQ(outer.seen(fault::allocation), 4U);
}

TEST(fault_plan, may_die_before_one_that_is_younger) {
    auto older = std::make_unique<fault_plan>();
    const fault_plan younger;
    older.reset();
    ::operator delete(allocate());
    EXPECT_EQ(younger.seen(fault::allocation), 1U);
}

} // namespace

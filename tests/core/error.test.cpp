// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/error.hpp>

#include <withal/core/exit_stack.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using withal::error_list;
using withal::secondary_errors;
using withal::detail::note_secondary;
using withal::detail::secondaries;
using withal::testing::event_log;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::texts_of;

static_assert(std::ranges::random_access_range<error_list>);
static_assert(std::ranges::sized_range<error_list>);
static_assert(std::is_same_v<std::ranges::range_value_t<error_list>, std::exception_ptr>);

std::exception_ptr made(const char* text) {
    return std::make_exception_ptr(planned_failure(text));
}

TEST(secondary_errors, are_empty_outside_a_handler_and_for_an_exception_without_any) {
    EXPECT_TRUE(secondary_errors().empty());
    EXPECT_TRUE(secondary_errors(nullptr).empty());
    EXPECT_TRUE(secondary_errors(made("alone")).empty());
    try {
        throw planned_failure("alone");
    } catch (...) {
        EXPECT_TRUE(secondary_errors().empty());
    }
}

TEST(secondary_errors, stay_with_the_exception_when_it_is_stored_and_thrown_again) {
    std::exception_ptr stored;
    event_log log;
    try {
        withal::with(withal::testing::recorder(log, "a").failing_to_exit(),
                     [](auto&) { throw planned_failure("body"); });
    } catch (...) {
        stored = std::current_exception();
    }
    try {
        std::rethrow_exception(stored);
    } catch (const planned_failure&) {
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"a.exit"}));
    }
    EXPECT_EQ(texts_of(secondary_errors(stored)), (event_log{"a.exit"}));
}

TEST(secondary_errors, live_exactly_as_long_as_the_primary) {
    ASSERT_EQ(secondaries.size(), 0U);
    struct tracked : planned_failure {
        explicit tracked(std::weak_ptr<int>& watch)
            : planned_failure("tracked"), alive(new int(1)) {
            watch = alive;
        }
        std::shared_ptr<int> alive;
    };
    std::weak_ptr<int> watch;
    std::exception_ptr primary = made("primary");
    note_secondary(primary, std::make_exception_ptr(tracked(watch)));
    EXPECT_FALSE(watch.expired());
    EXPECT_EQ(secondaries.size(), 2U);
    const error_list kept = secondary_errors(primary);
    primary = nullptr;
    EXPECT_EQ(texts_of(kept), (event_log{"tracked"})) << "a list owns its errors";
    EXPECT_EQ(secondaries.size(), 1U);
    const_cast<error_list&>(kept) = error_list();
    EXPECT_TRUE(watch.expired());
    EXPECT_EQ(secondaries.size(), 0U);
}

TEST(secondary_errors, belong_to_exceptions_of_types_without_destructors_too) {
    std::exception_ptr primary = std::make_exception_ptr(42);
    note_secondary(primary, made("second"));
    EXPECT_EQ(texts_of(secondary_errors(primary)), (event_log{"second"}));
    primary = nullptr;
    EXPECT_EQ(secondaries.size(), 0U);
}

TEST(secondary_errors, run_the_destructor_of_the_primary_once) {
    static int destroyed = 0;
    struct counted {
        counted() = default;
        counted(const counted&) = default;
        counted& operator=(const counted&) = default;
        ~counted() { ++destroyed; }
    };
    std::exception_ptr primary = std::make_exception_ptr(counted());
    note_secondary(primary, made("one"));
    note_secondary(primary, made("two"));
    destroyed = 0;
    primary = nullptr;
    EXPECT_EQ(destroyed, 1);
}

TEST(secondary_errors, never_name_the_primary_itself_nor_anything_twice) {
    const auto primary = made("primary");
    const auto second = made("second");
    note_secondary(primary, primary);
    note_secondary(primary, second);
    note_secondary(primary, second);
    EXPECT_EQ(texts_of(secondary_errors(primary)), (event_log{"second"}));
}

TEST(secondary_errors, of_a_secondary_error_follow_it) {
    const auto a = made("a");
    const auto b = made("b");
    const auto c = made("c");
    note_secondary(b, c);
    note_secondary(a, b);
    note_secondary(a, made("d"));
    EXPECT_EQ(texts_of(secondary_errors(a)), (event_log{"b", "c", "d"}));
    EXPECT_EQ(texts_of(secondary_errors(b)), (event_log{"c"}));
}

TEST(secondary_errors, cut_a_chain_that_would_lead_back_and_leak_nothing) {
    auto a = made("a");
    auto b = made("b");
    auto c = made("c");
    note_secondary(a, b);
    note_secondary(b, c);
    note_secondary(c, a);
    EXPECT_EQ(texts_of(secondary_errors(c)), (event_log{"a", "b"}));
    EXPECT_EQ(texts_of(secondary_errors(a)), (event_log{"b"}));
    EXPECT_TRUE(secondary_errors(b).empty());
    a = b = c = nullptr;
    EXPECT_EQ(secondaries.size(), 0U);
}

TEST(secondary_errors, of_a_hundred_thousand_in_a_row_are_read_and_freed_without_deep_recursion) {
    constexpr int length = 100000;
    std::exception_ptr newest = std::make_exception_ptr(0);
    for (int n = 1; n <= length; ++n) {
        const std::exception_ptr fresh = std::make_exception_ptr(n);
        note_secondary(fresh, newest);
        newest = fresh;
    }
    const error_list chain = secondary_errors(newest);
    ASSERT_EQ(chain.size(), static_cast<std::size_t>(length));
    EXPECT_EQ(withal::testing::text_of(chain.front()), std::to_string(length - 1));
    EXPECT_EQ(withal::testing::text_of(chain.back()), "0");
    const_cast<error_list&>(chain) = error_list();
    newest = nullptr;
    EXPECT_EQ(secondaries.size(), 0U);
}

TEST(secondary_errors, of_one_exception_keep_their_order_through_ten_thousand) {
    const auto primary = made("primary");
    for (int n = 0; n < 10000; ++n) {
        note_secondary(primary, std::make_exception_ptr(n));
    }
    const error_list all = secondary_errors(primary);
    ASSERT_EQ(all.size(), 10000U);
    int expected = 0;
    for (const auto& each : all) {
        ASSERT_EQ(withal::testing::text_of(each), std::to_string(expected++));
    }
}

TEST(error_list, is_a_snapshot) {
    const auto primary = made("primary");
    note_secondary(primary, made("one"));
    const error_list before = secondary_errors(primary);
    note_secondary(primary, made("two"));
    EXPECT_EQ(texts_of(before), (event_log{"one"}));
    EXPECT_EQ(texts_of(secondary_errors(primary)), (event_log{"one", "two"}));
    error_list copy = before;
    const error_list moved = std::move(copy);
    EXPECT_EQ(moved.size(), 1U);
    EXPECT_EQ(moved.front(), before[0]);
    EXPECT_EQ(moved.back(), *moved.begin());
    EXPECT_TRUE(copy.empty()); // NOLINT(bugprone-use-after-move): it says so of itself
    copy = secondary_errors(primary);
    EXPECT_EQ(texts_of(copy), (event_log{"one", "two"}));
    copy = error_list();
    EXPECT_EQ(copy.size(), 0U);
}

// --- the hook ---

std::vector<std::pair<std::string, std::string>> hooked;

TEST(on_secondary_error, is_told_at_once_and_gives_the_old_hook_back) {
    hooked.clear();
    const auto before = withal::on_secondary_error(
        [](const std::exception_ptr& primary, const std::exception_ptr& secondary) noexcept {
            hooked.emplace_back(withal::testing::text_of(primary),
                                withal::testing::text_of(secondary));
        });
    event_log log;
    EXPECT_EQ(withal::testing::thrown_by([&] {
                  withal::with(withal::testing::recorder(log, "a").failing_to_exit(),
                               withal::testing::recorder(log, "b").failing_to_exit(),
                               [](auto&, auto&) { throw planned_failure("body"); });
              }),
              "body");
    EXPECT_NE(withal::on_secondary_error(before), before);
    ASSERT_EQ(hooked.size(), 2U);
    EXPECT_EQ(hooked[0], std::make_pair(std::string("body"), std::string("b.exit")));
    EXPECT_EQ(hooked[1], std::make_pair(std::string("body"), std::string("a.exit")));
}

// --- groups ---

std::exception_ptr group_of(std::initializer_list<std::exception_ptr> errors) {
    withal::detail::error_block* block = nullptr;
    for (const std::exception_ptr& each : errors) {
        withal::detail::error_block::append(block, each);
    }
    return std::make_exception_ptr(
        withal::error_group(withal::detail::error_list_access::own(block)));
}

/// Answers that what it is given goes on.
struct translating {
    std::exception_ptr to;
    void enter() {}
    withal::verdict exit(const withal::outcome&) { return withal::verdict::replace(to); }
};

TEST(secondary_errors, of_a_member_of_a_group_are_the_others_and_nothing_owns_itself) {
    const std::size_t before = secondaries.size();
    {
        const auto a = std::make_exception_ptr(1);
        const auto b = std::make_exception_ptr(2);
        const auto group = group_of({a, b});
        note_secondary(group, std::make_exception_ptr(3));
        const auto result =
            withal::try_with(translating{a}, [&] { std::rethrow_exception(group); });
        EXPECT_EQ(result.error(), a);
        EXPECT_EQ(texts_of(result.secondary()), (event_log{"2", "3"}));
    }
    EXPECT_EQ(secondaries.size(), before);
}

TEST(secondary_errors, of_what_leads_to_a_group_do_not_own_it) {
    const std::size_t before = secondaries.size();
    {
        const auto a = std::make_exception_ptr(1);
        const auto b = std::make_exception_ptr(2);
        const auto c = std::make_exception_ptr(3);
        note_secondary(b, a); // a is under b, b is in the group
        note_secondary(a, group_of({b, c}));
        EXPECT_EQ(texts_of(secondary_errors(a)), (event_log{"2", "3"}));
    }
    EXPECT_EQ(secondaries.size(), before);
}

TEST(secondary_errors, of_what_a_group_further_down_owns_do_not_own_it) {
    const std::size_t before = secondaries.size();
    {
        const auto a = std::make_exception_ptr(1);
        const auto b = std::make_exception_ptr(2);
        const auto c = std::make_exception_ptr(3);
        note_secondary(c, group_of({a, b}));
        note_secondary(a, c);
        EXPECT_EQ(texts_of(secondary_errors(a)), (event_log{"3", "2"}));
    }
    EXPECT_EQ(secondaries.size(), before);
    {
        const auto a = std::make_exception_ptr(1);
        const auto b = std::make_exception_ptr(2);
        const auto c = std::make_exception_ptr(3);
        note_secondary(b, a); // a is under b, b is in the group, the group is under c
        note_secondary(c, group_of({b}));
        note_secondary(a, c);
        EXPECT_EQ(secondary_errors(a).size(), 2U);
    }
    EXPECT_EQ(secondaries.size(), before);
}

TEST(secondary_errors, keep_a_group_that_has_nothing_to_do_with_the_primary) {
    const auto a = std::make_exception_ptr(1);
    const auto group = group_of({std::make_exception_ptr(2), std::make_exception_ptr(3)});
    note_secondary(a, group);
    ASSERT_EQ(secondary_errors(a).size(), 1U);
    EXPECT_EQ(secondary_errors(a).front(), group);
}

TEST(error_group, names_each_error_once_when_groups_meet) {
    const std::size_t before = secondaries.size();
    {
        event_log log;
        try {
            withal::with<withal::both_failed::group>(
                withal::exit_stack(withal::both_failed::group), [&](auto& stack) {
                    stack.push(recorder(log, "a").failing_to_exit());
                    stack.push(recorder(log, "b").failing_to_exit());
                    throw planned_failure("body");
                });
            ADD_FAILURE();
        } catch (const withal::error_group& group) {
            EXPECT_EQ(texts_of(group.errors()), (event_log{"body", "b.exit", "a.exit"}));
        }
    }
    EXPECT_EQ(secondaries.size(), before);
}

// --- types ---

TEST(logic_error, joins_its_pieces_and_is_a_std_exception) {
    const withal::logic_error joined("one", " two");
    const withal::logic_error copy = joined; // NOLINT: the copy is the point
    EXPECT_STREQ(copy.what(), "one two");
    const std::exception& base = copy;
    EXPECT_STREQ(base.what(), "one two");
    withal::logic_error assigned("x");
    assigned = joined;
    EXPECT_STREQ(assigned.what(), "one two");
}

static_assert(std::is_nothrow_copy_constructible_v<withal::logic_error>);
static_assert(std::is_nothrow_copy_constructible_v<withal::error_group>);
static_assert(std::is_base_of_v<std::exception, withal::error_group>);

} // namespace

namespace withal::detail {

/// Reaches the table for exceptions of a runtime that is not known.
struct secondary_store_test {
    static bool attach_unknown(secondary_store& store,
                               const std::exception_ptr& primary,
                               const std::exception_ptr& secondary) {
        return store.attach(primary, secondary, nullptr);
    }
};

} // namespace withal::detail

namespace {

TEST(secondary_errors, of_an_unknown_runtime_are_kept_for_the_newest_sixteen_exceptions) {
    std::vector<std::exception_ptr> primaries;
    for (int n = 0; n < 20; ++n) {
        primaries.push_back(std::make_exception_ptr(n));
        ASSERT_TRUE(withal::detail::secondary_store_test::attach_unknown(
            secondaries, primaries.back(), std::make_exception_ptr(100 + n)));
    }
    for (int n = 0; n < 20; ++n) {
        const auto kept = secondary_errors(primaries[static_cast<std::size_t>(n)]);
        EXPECT_EQ(kept.size(), n < 4 ? 0U : 1U) << n;
    }
    for (int n = 0; n < 16; ++n) { // so that the next test finds none of them
        ASSERT_TRUE(withal::detail::secondary_store_test::attach_unknown(
            secondaries, std::make_exception_ptr(n), std::make_exception_ptr(n)));
    }
}

} // namespace

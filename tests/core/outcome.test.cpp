// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/outcome.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <utility>

namespace {

using withal::outcome;
using withal::verdict;
using withal::detail::can_fail;
using withal::detail::is_failure;
using withal::detail::outcome_access;

TEST(outcome, of_a_success_says_returned_and_nothing_else) {
    const outcome left = outcome::success();
    EXPECT_TRUE(left.returned());
    EXPECT_FALSE(left.failed());
    EXPECT_FALSE(left.threw());
    EXPECT_FALSE(left.cancelled());
    EXPECT_FALSE(left.abandoned());
    EXPECT_EQ(left.exception(), nullptr);
    EXPECT_TRUE(left.secondary().empty());
}

TEST(outcome, of_an_exception_shows_the_very_object) {
    const auto error = std::make_exception_ptr(std::runtime_error("x"));
    const outcome left = outcome::failure(error);
    EXPECT_FALSE(left.returned());
    EXPECT_TRUE(left.failed());
    EXPECT_TRUE(left.threw());
    EXPECT_EQ(left.exception(), error);
}

TEST(outcome, is_failed_or_returned_but_never_both_in_every_state) {
    for (const outcome& left : {outcome::success(),
                                outcome::failure(std::make_exception_ptr(1)),
                                outcome_access::failure_value(),
                                outcome_access::abandoned(),
                                outcome_access::unseen_exception(),
                                outcome_access::cancelled(std::make_exception_ptr(2))}) {
        EXPECT_NE(left.returned(), left.failed());
    }
}

TEST(outcome, of_a_failure_value_failed_without_a_throw) {
    const outcome left = outcome_access::failure_value();
    EXPECT_TRUE(left.failed());
    EXPECT_FALSE(left.threw());
    EXPECT_EQ(left.exception(), nullptr);
}

TEST(outcome, of_a_cancellation_is_a_throw_too) {
    const outcome left = outcome_access::cancelled(std::make_exception_ptr(1));
    EXPECT_TRUE(left.cancelled());
    EXPECT_TRUE(left.failed());
    EXPECT_TRUE(left.threw());
    EXPECT_FALSE(left.returned());
    EXPECT_NE(left.exception(), nullptr);
}

struct lifetime_tracked {
    explicit lifetime_tracked(std::weak_ptr<int>& watch) : alive(std::make_shared<int>(1)) {
        watch = alive;
    }
    std::shared_ptr<int> alive;
};

TEST(outcome, keeps_its_exception_alive_through_copies_and_assignments) {
    std::weak_ptr<int> watch;
    {
        std::optional<outcome> first(
            outcome::failure(std::make_exception_ptr(lifetime_tracked(watch))));
        outcome second = *first;
        outcome third = outcome::success();
        third = second;
        second = outcome::success();
        EXPECT_TRUE(second.returned());
        first.reset();
        EXPECT_FALSE(watch.expired());
        const outcome& same = third;
        third = same;
        EXPECT_TRUE(third.threw());
        EXPECT_FALSE(watch.expired());
    }
    EXPECT_TRUE(watch.expired());
}

struct left_base {
    virtual ~left_base() = default;
    int left = 1;
};
struct right_base {
    virtual ~right_base() = default;
    int right = 2;
};
struct both_bases : left_base, right_base {};
struct virtual_child : virtual right_base {
    int more = 3;
};
struct hidden_base : private left_base {};

TEST(outcome, inspects_exact_types_bases_and_virtual_bases) {
    const outcome both = outcome::failure(std::make_exception_ptr(both_bases()));
    int seen = 0;
    EXPECT_TRUE(both.inspect<right_base>([&](const right_base& b) { seen = b.right; }));
    EXPECT_EQ(seen, 2);
    EXPECT_TRUE(both.inspect<both_bases>([&](const both_bases& b) { seen = b.left; }));
    EXPECT_EQ(seen, 1);
    const outcome child = outcome::failure(std::make_exception_ptr(virtual_child()));
    EXPECT_TRUE(child.inspect<right_base>([&](const right_base& b) { seen = b.right * 10; }));
    EXPECT_EQ(seen, 20);
    EXPECT_FALSE(child.inspect<left_base>([&](const left_base&) { seen = -1; }));
    EXPECT_EQ(seen, 20);
}

TEST(outcome, does_not_inspect_a_private_base_as_a_handler_would_not) {
    const outcome left = outcome::failure(std::make_exception_ptr(hidden_base()));
    EXPECT_FALSE(left.inspect<left_base>([](const left_base&) { FAIL(); }));
}

TEST(outcome, inspects_exceptions_that_are_no_classes) {
    EXPECT_TRUE(outcome::failure(std::make_exception_ptr(42)).inspect<int>([](int number) {
        EXPECT_EQ(number, 42);
    }));
    static const both_bases object;
    const outcome pointer = outcome::failure(std::make_exception_ptr(&object));
    EXPECT_TRUE(pointer.inspect<const both_bases*>(
        [](const both_bases* seen) { EXPECT_EQ(seen, &object); }));
    EXPECT_FALSE(pointer.inspect<both_bases>([](const both_bases&) { FAIL(); }));
    EXPECT_FALSE(outcome::success().inspect<int>([](int) { FAIL(); }));
}

TEST(outcome, lets_what_the_inspecting_function_throws_pass) {
    const outcome left = outcome::failure(std::make_exception_ptr(std::bad_alloc()));
    EXPECT_THROW(left.inspect<std::exception>([](const std::exception&) { throw 1; }), int);
}

TEST(verdict, says_what_it_was_made_from) {
    const auto fresh = std::make_exception_ptr(1);
    EXPECT_TRUE(verdict(verdict::suppress).suppresses());
    EXPECT_FALSE(verdict(verdict::propagate).suppresses());
    EXPECT_FALSE(verdict::replace(fresh).suppresses());
    EXPECT_EQ(verdict::replace(fresh).replacement(), fresh);
    EXPECT_EQ(verdict(verdict::suppress), verdict::suppress);
    EXPECT_FALSE(verdict(verdict::suppress) == verdict::propagate);
    EXPECT_FALSE(verdict::replace(fresh) == verdict::propagate);
    EXPECT_EQ(verdict::replace(nullptr), verdict::propagate);
}

TEST(verdict, survives_copies_and_assignments) {
    verdict answer = verdict::replace(std::make_exception_ptr(1));
    const verdict copy = answer;
    answer = verdict::suppress;
    EXPECT_TRUE(answer.suppresses());
    EXPECT_NE(copy.replacement(), nullptr);
    answer = copy;
    EXPECT_EQ(answer, copy);
}

static_assert(!std::is_convertible_v<bool, verdict>, "a bool does not say what is true");

struct expected_int {
    bool has;
    [[nodiscard]] bool has_value() const { return has; }
    [[nodiscard]] int error() const { return 1; }
};
enum class status { fine, broken };

} // namespace

template <>
struct withal::failure_traits<status> {
    static bool failed(const status& s) { return s == status::broken; }
};

namespace {

TEST(failure_traits, know_expected_like_types_error_codes_and_what_users_say) {
    EXPECT_TRUE(is_failure(expected_int{false}));
    EXPECT_FALSE(is_failure(expected_int{true}));
    EXPECT_TRUE(is_failure(std::make_error_code(std::errc::io_error)));
    EXPECT_FALSE(is_failure(std::error_code()));
    EXPECT_TRUE(is_failure(status::broken));
    EXPECT_FALSE(is_failure(status::fine));
}

static_assert(!can_fail<std::optional<int>>, "an empty optional is no failure");
static_assert(!can_fail<int>);
static_assert(!can_fail<std::unique_ptr<int>>);

TEST(outcome, inspects_a_pointer_by_its_value) {
    const int number = 5;
    const outcome left = outcome::failure(std::make_exception_ptr(&number));
    const int* seen = nullptr;
    EXPECT_TRUE(left.inspect<const int*>([&](const int* pointer) { seen = pointer; }));
    EXPECT_EQ(seen, &number);
}

} // namespace

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/testing/planned_failure.hpp>
#include <withal/core/testing/throw_at_nth.hpp>
#include <withal/core/testing/words.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <type_traits>
#include <vector>

namespace {

using withal::testing::planned_failure;
using withal::testing::throw_at_nth;
using withal::testing::thrown_by;

// Copies would count apart.
static_assert(!std::is_copy_constructible_v<throw_at_nth>);

TEST(throw_at_nth, throws_at_that_step_and_at_no_other) {
    throw_at_nth failure(3);
    for (std::size_t step = 1; step <= 6; ++step) {
        EXPECT_EQ(failure.steps(), step - 1);
        EXPECT_EQ(failure.done(), step > 3);
        EXPECT_EQ(thrown_by([&] { failure.step(); }), step == 3 ? "step 3" : "nothing");
    }
    EXPECT_EQ(failure.steps(), 6U);
}

TEST(throw_at_nth, throws_a_planned_failure) {
    throw_at_nth failure(1);
    EXPECT_THROW(failure.step(), planned_failure);
}

TEST(throw_at_nth, only_counts_if_it_is_told_no_step) {
    throw_at_nth counts;
    for (int step = 0; step < 100; ++step) {
        EXPECT_NO_THROW(counts.step());
    }
    EXPECT_EQ(counts.steps(), 100U);
    EXPECT_TRUE(counts.done());
}

TEST(throw_at_nth, counts_steps_that_fail_without_throwing_with_the_others) {
    throw_at_nth failure(2);
    failure.step();
    EXPECT_TRUE(failure.due());
    EXPECT_FALSE(failure.due());
    EXPECT_EQ(failure.steps(), 3U);
}

/// What a user's instrumented type looks like.
struct fragile {
    explicit fragile(throw_at_nth& plan) : failure(&plan) {}
    fragile(const fragile& other) : failure(other.failure) { failure->step(); }
    fragile& operator=(const fragile&) = delete;
    throw_at_nth* failure;
};

TEST(throw_at_nth, makes_the_copies_of_a_container_fail) {
    throw_at_nth failure(3);
    const std::vector<fragile> source(2, fragile(failure)); // two copies
    EXPECT_EQ(thrown_by([&] { const std::vector<fragile> copy(source); }), "step 3");
}

} // namespace

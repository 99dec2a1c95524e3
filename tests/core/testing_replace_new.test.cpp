// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// This file replaces operator new for all tests of core.
#include <withal/core/testing.hpp>
#include <withal/core/testing/replace_new.hpp>

#include <gtest/gtest.h>

namespace {

TEST(replace_new, is_asked_for_every_allocation_of_the_program) {
    EXPECT_TRUE(withal::testing::allocations_are_counted());
}

} // namespace

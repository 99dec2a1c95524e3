// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/unwinding.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <map>
#include <string>
#include <vector>

namespace {

using withal::both_failed;
using withal::cpp_exceptions;
using withal::ending;
using withal::exception_model;
using withal::unwinding;
using withal::verdict;

/// A model without exceptions: an error is a number, zero is null, and what is secondary to what is
/// written down.
struct numbers {
    using handle = int;
    static inline std::map<int, std::vector<int>> secondary;
    static void replaced(int fresh, int old) { secondary[fresh].push_back(old); }
    static void attached(int current, int fresh) { secondary[current].push_back(fresh); }
};
static_assert(exception_model<numbers>);
static_assert(exception_model<cpp_exceptions>);

enum class act { returns, suppresses, replaces, raises };

/// The law once more, said plainly: what goes on after these exits, and what stands under it.
struct specification {
    int current;
    int came_in;
    bool failed_twice = false;
    std::map<int, std::vector<int>> secondary;

    void exit(act what, int fresh, both_failed policy) {
        if (what == act::suppresses) {
            current = 0;
        } else if (what == act::replaces && current != 0) {
            secondary[fresh].push_back(current);
            current = fresh;
        } else if (what == act::raises && current == 0) {
            current = fresh;
        } else if (what == act::raises) {
            failed_twice = true;
            const bool fresh_goes_on = policy == both_failed::replace;
            secondary[fresh_goes_on ? fresh : current].push_back(fresh_goes_on ? current : fresh);
            current = fresh_goes_on ? fresh : current;
        }
    }

    [[nodiscard]] ending finish(both_failed policy) const {
        if (current == 0) {
            return came_in == 0 ? ending::clean : ending::suppressed;
        }
        if (policy == both_failed::group && failed_twice) {
            return ending::raise;
        }
        return current == came_in ? ending::propagate : ending::raise;
    }
};

TEST(unwinding, obeys_its_specification_for_every_sequence_of_up_to_six_exits) {
    constexpr int body_error = 100;
    int checked = 0;
    for (const both_failed policy :
         {both_failed::keep_body, both_failed::replace, both_failed::group}) {
        for (const int came_in : {0, body_error}) {
            for (int length = 0; length <= 6; ++length) {
                for (int code = 0; code < 1 << (2 * length); ++code) {
                    numbers::secondary.clear();
                    unwinding<numbers> law(came_in, policy);
                    specification said{came_in, came_in, false, {}};
                    for (int step = 0; step < length; ++step) {
                        const auto what = static_cast<act>(code >> (2 * step) & 3);
                        const int fresh = step + 1;
                        ASSERT_EQ(law.current(), said.current);
                        switch (what) {
                        case act::returns:
                            law.returned(verdict::propagate);
                            break;
                        case act::suppresses:
                            law.returned(verdict::suppress);
                            break;
                        case act::replaces:
                            law.replaced(fresh);
                            break;
                        case act::raises:
                            law.raised(fresh);
                            break;
                        }
                        said.exit(what, fresh, policy);
                    }
                    ASSERT_EQ(law.current(), said.current);
                    ASSERT_EQ(law.finish(), said.finish(policy));
                    ASSERT_EQ(numbers::secondary, said.secondary);
                    ++checked;
                }
            }
        }
    }
    EXPECT_EQ(checked, 3 * 2 * 5461);
}

TEST(unwinding, takes_an_exit_that_raises_what_it_was_shown_for_one_that_propagates) {
    for (const both_failed policy :
         {both_failed::keep_body, both_failed::replace, both_failed::group}) {
        numbers::secondary.clear();
        unwinding<numbers> law(7, policy);
        law.raised(7);
        law.replaced(7);
        EXPECT_EQ(law.finish(), ending::propagate);
        EXPECT_TRUE(numbers::secondary.empty());
    }
}

TEST(unwinding, takes_a_null_replacement_for_propagate) {
    unwinding<cpp_exceptions> law(std::make_exception_ptr(1), both_failed::keep_body);
    law.returned(verdict::replace(nullptr));
    EXPECT_EQ(law.finish(), ending::propagate);
}

TEST(unwinding, ignores_a_replacement_after_success) {
    unwinding<cpp_exceptions> law(nullptr, both_failed::keep_body);
    law.returned(verdict::replace(std::make_exception_ptr(1)));
    EXPECT_EQ(law.finish(), ending::clean);
}

TEST(unwinding, keeps_the_replaced_exception_under_the_new_one) {
    const auto old = std::make_exception_ptr(1);
    const auto fresh = std::make_exception_ptr(2);
    unwinding<cpp_exceptions> law(old, both_failed::keep_body);
    law.returned(verdict::replace(fresh));
    EXPECT_EQ(law.current(), fresh);
    EXPECT_EQ(law.finish(), ending::raise);
    const auto kept = withal::secondary_errors(fresh);
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(kept[0], old);
}

TEST(unwinding, terminates_on_the_second_error_under_that_policy) {
    unwinding<numbers> one(0, both_failed::terminate);
    one.raised(1);
    EXPECT_EQ(one.finish(), ending::raise);
    EXPECT_DEATH(
        {
            unwinding<numbers> two(1, both_failed::terminate);
            two.raised(2);
        },
        "");
}

} // namespace

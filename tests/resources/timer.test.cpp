// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/resources/timer.hpp>

#include <withal/core/error.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace withal {
namespace {

using namespace std::chrono_literals;

// Lets the clock advance, however coarse it is.
void spend() {
    const auto start = timer::clock::now();
    while (timer::clock::now() == start) {}
}

TEST(timer, runs_on_a_clock_that_never_jumps) {
    EXPECT_TRUE(timer::clock::is_steady);
}

TEST(timer, can_be_read_inside_and_after) {
    timer t;
    EXPECT_EQ(t.elapsed(), 0ns);
    timer::duration inside{};
    with(t, [&](const timer& running) {
        EXPECT_TRUE(running.running());
        spend();
        inside = running.elapsed();
        spend();
    });
    EXPECT_FALSE(t.running());
    EXPECT_GT(inside, 0ns);
    EXPECT_GT(t.elapsed(), inside);
    const timer::duration first = t.elapsed();
    spend();
    EXPECT_EQ(t.elapsed(), first);
}

TEST(timer, remembers_how_the_body_left) {
    timer t;
    EXPECT_STREQ(t.ending(), "");
    with(t, [](const timer&) {});
    EXPECT_STREQ(t.ending(), "ok");
    EXPECT_THROW(with(t, [](const timer&) { throw std::runtime_error("body"); }),
                 std::runtime_error);
    EXPECT_STREQ(t.ending(), "failed");
    EXPECT_TRUE(std::string(t.note()).ends_with(", failed"));
}

TEST(timer, keeps_figures_over_its_runs) {
    timer t("loading");
    timer::duration sum{};
    for (int i = 0; i < 3; ++i) {
        with(t, [](const timer&) { spend(); });
        sum += t.elapsed();
    }
    EXPECT_EQ(t.runs(), 3U);
    EXPECT_EQ(t.total(), sum);
    EXPECT_LE(t.shortest(), t.longest());
    EXPECT_GE(t.total(), 3 * t.shortest());
    EXPECT_LE(t.total(), 3 * t.longest());
    EXPECT_STREQ(t.label(), "loading");
}

TEST(timer, is_not_reentrant) {
    timer t;
    EXPECT_THROW(with(t, t, [](const timer&, const timer&) {}), logic_error);
}

} // namespace
} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/error.hpp>
#include <withal/core/testing/virtual_clock.hpp>
#include <withal/core/testing/words.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <concepts>

namespace {

using namespace std::chrono_literals;
using withal::testing::virtual_clock;
using withal::testing::virtual_time;

/// The requirements of TrivialClock (std::chrono::is_clock is not in every library).
template <class C>
concept trivial_clock = requires {
    requires std::same_as<typename C::duration,
                          std::chrono::duration<typename C::rep, typename C::period>>;
    requires std::same_as<typename C::time_point::duration, typename C::duration>;
    requires std::same_as<typename C::time_point::clock, C>;
    requires std::same_as<decltype(C::is_steady), const bool>;
    { C::now() } noexcept -> std::same_as<typename C::time_point>;
};
static_assert(trivial_clock<virtual_clock> && trivial_clock<std::chrono::steady_clock>);
static_assert(virtual_clock::is_steady);

TEST(virtual_clock, stands_still_until_it_is_moved) {
    const virtual_time time;
    const auto before = virtual_clock::now();
    EXPECT_EQ(before.time_since_epoch(), 0ns);
    EXPECT_EQ(virtual_clock::now(), before);
    virtual_clock::advance(90s);
    EXPECT_EQ(virtual_clock::now() - before, 90s);
    virtual_clock::advance(1ns);
    virtual_clock::advance(0ns);
    EXPECT_EQ(virtual_clock::now() - before, 90s + 1ns);
}

TEST(virtual_clock, does_not_go_back) {
    const virtual_time time;
    virtual_clock::advance(5s);
    EXPECT_EQ(withal::testing::thrown_by([] { virtual_clock::advance(-1ns); }),
              "withal::testing::virtual_clock: a clock does not go back; begin a new virtual_time "
              "instead");
    EXPECT_THROW(virtual_clock::advance(virtual_clock::duration::min()), withal::logic_error);
    EXPECT_EQ(virtual_clock::now().time_since_epoch(), 5s);
}

TEST(virtual_clock, does_not_go_past_its_end) {
    const virtual_time time;
    virtual_clock::advance(virtual_clock::duration::max());
    EXPECT_THROW(virtual_clock::advance(1ns), withal::logic_error);
    EXPECT_EQ(virtual_clock::now(), virtual_clock::time_point::max());
}

TEST(virtual_time, begins_at_zero_and_gives_the_time_back) {
    const virtual_time outer;
    virtual_clock::advance(7s);
    {
        const virtual_time inner;
        EXPECT_EQ(virtual_clock::now().time_since_epoch(), 0s);
        virtual_clock::advance(1h);
    }
    EXPECT_EQ(virtual_clock::now().time_since_epoch(), 7s);
}

/// What a user's manager looks like that is given its clock.
template <class Clock>
struct stopwatch {
    typename Clock::duration took{};
    typename Clock::time_point started;
    void enter() { started = Clock::now(); }
    void exit() noexcept { took = Clock::now() - started; }
};

TEST(virtual_clock, stands_in_for_the_clock_of_a_manager) {
    const virtual_time time;
    stopwatch<virtual_clock> watch;
    withal::with(watch, [] { virtual_clock::advance(2min); });
    EXPECT_EQ(watch.took, 2min);
}

} // namespace

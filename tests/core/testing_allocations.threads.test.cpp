// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// This file replaces operator new for the tests of threads of core.
#include <withal/core/error.hpp>
#include <withal/core/testing/allocations.hpp>
#include <withal/core/testing/fault_plan.hpp>
#include <withal/core/testing/for_each_failure.hpp>
#include <withal/core/testing/replace_new.hpp>
#include <withal/core/testing/virtual_clock.hpp>
#include <withal/core/testing/words.hpp>

#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace {

using withal::testing::allocations_are_counted;
using withal::testing::fault;
using withal::testing::fault_plan;
using withal::testing::for_each_failure;
using withal::testing::live_blocks;
using withal::testing::virtual_clock;

constexpr int threads = 4;

template <class F>
void on_many_threads(F f) {
    std::barrier start(threads);
    std::vector<std::thread> all;
    for (int number = 0; number < threads; ++number) {
        all.emplace_back([&, number] {
            start.arrive_and_wait();
            f(number);
        });
    }
    for (std::thread& each : all) {
        each.join();
    }
}

TEST(allocations, are_failed_on_the_thread_that_planned_it_while_others_allocate) {
    if (!allocations_are_counted()) {
        GTEST_SKIP() << "operator new is the sanitizer's";
    }
    std::array<std::size_t, threads> steps{};
    on_many_threads([&](int number) {
        for (int turn = 0; turn < 20; ++turn) {
            steps[static_cast<std::size_t>(number)] +=
                for_each_failure(fault::allocation, [number] {
                    for (int block = 0; block <= number; ++block) {
                        ::operator delete(::operator new(100));
                    }
                });
        }
    });
    EXPECT_EQ(steps, (std::array<std::size_t, threads>{20, 40, 60, 80}));
}

TEST(allocations, are_counted_over_all_threads) {
    if (!allocations_are_counted()) {
        GTEST_SKIP() << "operator new is the sanitizer's";
    }
    std::array<std::vector<void*>, threads> blocks;
    for (std::vector<void*>& each : blocks) {
        each.reserve(1000);
    }
    on_many_threads([](int) {}); // what starting threads keeps
    const std::size_t before = live_blocks();
    on_many_threads([&](int number) {
        for (int block = 0; block < 1000; ++block) {
            blocks[static_cast<std::size_t>(number)].push_back(::operator new(8));
        }
    });
    EXPECT_EQ(live_blocks(), before + static_cast<std::size_t>(1000 * threads));
    on_many_threads([&](int number) {
        for (void* block : blocks[static_cast<std::size_t>((number + 1) % threads)]) {
            ::operator delete(block);
        }
    });
    EXPECT_EQ(live_blocks(), before);
}

TEST(allocations, that_nobody_counts_are_not_planned_for) {
    if (allocations_are_counted()) {
        GTEST_SKIP() << "the program counts them";
    }
    const std::string cure =
        "withal::testing: this program does not count its allocations; include "
        "<withal/core/testing/replace_new.hpp> in one of its source files";
    EXPECT_EQ(withal::testing::thrown_by([] { static_cast<void>(live_blocks()); }), cure);
    EXPECT_EQ(withal::testing::thrown_by([] { fault_plan(fault::allocation, 1); }), cure);
    EXPECT_EQ(
        withal::testing::thrown_by([] { static_cast<void>(fault_plan().seen(fault::allocation)); }),
        cure);
    EXPECT_EQ(withal::testing::thrown_by(
                  [] { static_cast<void>(for_each_failure(fault::allocation, [] {})); }),
              cure);
}

TEST(virtual_clock, is_one_for_all_threads_and_loses_no_move) {
    const withal::testing::virtual_time time;
    on_many_threads([](int) {
        auto last = virtual_clock::now();
        for (int turn = 0; turn < 1000; ++turn) {
            virtual_clock::advance(std::chrono::nanoseconds(1));
            const auto now = virtual_clock::now();
            EXPECT_GT(now, last);
            last = now;
        }
    });
    EXPECT_EQ(virtual_clock::now().time_since_epoch(), std::chrono::nanoseconds(1000 * threads));
}

} // namespace

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/observe.hpp>

#include <withal/core/adapt.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

TEST(observe, may_begin_and_end_while_events_fly) {
    std::atomic<bool> stop = false;
    std::vector<std::thread> workers;
    for (int t = 0; t < 3; ++t) {
        workers.emplace_back([&stop] {
            while (!stop) {
                withal::with(withal::null_context(), withal::on_exit([](const auto&) {}), [] {});
            }
        });
    }
    std::atomic<int> seen = 0;
    for (int round = 0; round < 300; ++round) {
        std::atomic<bool> alive = true;
        {
            auto first = withal::observe([&](const withal::event&) noexcept {
                EXPECT_TRUE(alive);
                ++seen;
            });
            auto second = withal::observe([&](const withal::event&) noexcept { ++seen; });
            withal::with(withal::null_context(), [] {});
        }
        alive = false;
    }
    stop = true;
    for (std::thread& each : workers) {
        each.join();
    }
    EXPECT_GE(seen, 300 * 2 * 4);
}

} // namespace

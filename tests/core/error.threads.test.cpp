// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/error.hpp>

#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <exception>
#include <string>
#include <thread>
#include <vector>

namespace {

using withal::testing::event_log;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::texts_of;

TEST(secondary_errors, of_failures_on_many_threads_neither_get_lost_nor_mix) {
    constexpr int threads = 4;
    constexpr int rounds = 400;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([&wrong, t] {
            const std::string name = std::to_string(t);
            for (int round = 0; round < rounds; ++round) {
                event_log log;
                try {
                    withal::with(recorder(log, name + "a").failing_to_exit(),
                                 recorder(log, name + "b").failing_to_exit(),
                                 [&](auto&, auto&) { throw planned_failure(name); });
                } catch (const planned_failure& e) {
                    if (e.what() != name || texts_of(withal::secondary_errors()) !=
                                                event_log{name + "b.exit", name + "a.exit"}) {
                        ++wrong;
                    }
                }
            }
        });
    }
    for (std::thread& each : all) {
        each.join();
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(withal::detail::secondaries.size(), 0U);
}

TEST(secondary_errors, of_one_exception_shared_by_threads_are_all_kept) {
    const auto primary = std::make_exception_ptr(planned_failure("shared"));
    constexpr int threads = 4;
    constexpr int each_adds = 200;
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([&primary, t] {
            for (int n = 0; n < each_adds; ++n) {
                withal::detail::note_secondary(primary, std::make_exception_ptr(t * each_adds + n));
                static_cast<void>(withal::secondary_errors(primary).size());
            }
        });
    }
    for (std::thread& each : all) {
        each.join();
    }
    EXPECT_EQ(withal::secondary_errors(primary).size(),
              static_cast<std::size_t>(threads * each_adds));
}

TEST(secondary_errors, follow_an_exception_to_another_thread) {
    std::exception_ptr carried;
    std::thread([&carried] {
        event_log log;
        try {
            withal::with(recorder(log, "a").failing_to_exit(),
                         [](auto&) { throw planned_failure("body"); });
        } catch (...) {
            carried = std::current_exception();
        }
    }).join();
    try {
        std::rethrow_exception(carried);
    } catch (const planned_failure&) {
        EXPECT_EQ(texts_of(withal::secondary_errors()), (event_log{"a.exit"}));
    }
}

} // namespace

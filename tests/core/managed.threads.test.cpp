// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/managed.hpp>

#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using withal::managed;
using withal::outcome;
using withal::with;
using withal::testing::planned_failure;

managed<std::string> text(std::string value) {
    co_yield value;
    value += " done";
}

TEST(managed, of_many_threads_do_not_disturb_each_other) {
    std::atomic<int> wrong = 0;
    std::vector<std::thread> all;
    for (int t = 0; t < 4; ++t) {
        all.emplace_back([&wrong, t] {
            const std::string name = std::to_string(t) + " of many threads, each with its own";
            for (int round = 0; round < 500; ++round) {
                with(text(name), text(name), [&](std::string& a, std::string& b) {
                    wrong += a == name && b == name ? 0 : 1;
                });
                try {
                    with(text(name), [&](std::string& a) { throw planned_failure(a); });
                } catch (const planned_failure& e) {
                    wrong += e.what() == name ? 0 : 1;
                }
            }
        });
    }
    for (std::thread& each : all) {
        each.join();
    }
    EXPECT_EQ(wrong, 0);
}

/// Hands generators from one thread to another.
class channel {
public:
    void put(managed<std::string> one) {
        const std::scoped_lock held(lock_);
        waiting_.push_back(std::move(one));
        more_.notify_one();
    }
    managed<std::string> get() {
        std::unique_lock held(lock_);
        more_.wait(held, [this] { return !waiting_.empty(); });
        managed<std::string> one = std::move(waiting_.front());
        waiting_.pop_front();
        return one;
    }

private:
    std::mutex lock_;
    std::condition_variable more_;
    std::deque<managed<std::string>> waiting_;
};

TEST(managed, may_be_made_entered_and_exited_on_three_threads) {
    constexpr int rounds = 400;
    channel made;
    channel entered;
    std::atomic<int> wrong = 0;
    std::thread enters([&] {
        for (int i = 0; i < rounds; ++i) {
            managed<std::string> one = made.get();
            wrong += one.enter() == std::to_string(i) ? 0 : 1;
            entered.put(std::move(one));
        }
    });
    std::thread exits([&] {
        for (int i = 0; i < rounds; ++i) {
            managed<std::string> one = entered.get();
            switch (i % 3) {
            case 0:
                one.exit(outcome::success());
                break;
            case 1:
                one.exit(outcome::failure(std::make_exception_ptr(planned_failure("body"))));
                break;
            default: // dropped while it is entered
                break;
            }
        }
    });
    for (int i = 0; i < rounds; ++i) {
        made.put(text(std::to_string(i)));
    }
    enters.join();
    exits.join();
    EXPECT_EQ(wrong, 0);
}

TEST(managed, frames_travel_in_a_ring_of_threads_and_none_is_lost) {
    constexpr int threads = 3;
    std::array<channel, threads> ring;
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([&ring, t] {
            for (int i = 0; i < 300; ++i) {
                ring[static_cast<std::size_t>((t + 1) % threads)].put(text(std::to_string(i)));
                with(ring[static_cast<std::size_t>(t)].get(),
                     [](std::string& value) { value += "!"; });
            }
        });
    }
    for (std::thread& each : all) {
        each.join();
    }
}

} // namespace

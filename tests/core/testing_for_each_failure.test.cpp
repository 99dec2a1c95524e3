// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/error.hpp>
#include <withal/core/on_exit.hpp>
#include <withal/core/testing/allocations.hpp>
#include <withal/core/testing/fault_plan.hpp>
#include <withal/core/testing/for_each_failure.hpp>
#include <withal/core/testing/planned_failure.hpp>
#include <withal/core/testing/recorder.hpp>
#include <withal/core/testing/throw_at_nth.hpp>
#include <withal/core/testing/words.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using withal::with;
using withal::testing::event_log;
using withal::testing::fault;
using withal::testing::fault_plan;
using withal::testing::for_each_failure;
using withal::testing::live_blocks;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::throw_at_nth;
using withal::testing::thrown_by;

// --- steps ---

TEST(for_each_failure, fails_every_step_once_and_then_none) {
    event_log log;
    const std::size_t steps = for_each_failure([&](throw_at_nth& failure) {
        log.emplace_back("run");
        for (const char* step : {"a", "b", "c"}) {
            failure.step();
            log.emplace_back(step);
        }
    });
    EXPECT_EQ(steps, 3U);
    EXPECT_EQ(log, (event_log{"run", "run", "a", "run", "a", "b", "run", "a", "b", "c"}));
}

TEST(for_each_failure, of_nothing_is_one_run) {
    int runs = 0;
    EXPECT_EQ(for_each_failure([&](throw_at_nth&) { ++runs; }), 0U);
    EXPECT_EQ(for_each_failure(fault::enter, [&] { ++runs; }), 0U);
    EXPECT_EQ(for_each_failure(fault::exit, [&] { ++runs; }), 0U);
    EXPECT_EQ(for_each_failure(fault::allocation, [&] { ++runs; }), 0U);
    EXPECT_EQ(runs, 4);
}

TEST(for_each_failure, goes_on_when_the_scenario_swallows_the_failure) {
    int runs = 0;
    EXPECT_EQ(for_each_failure([&](throw_at_nth& failure) {
                  ++runs;
                  try {
                      failure.step();
                  } catch (const planned_failure&) { // swallow: on purpose
                  }
                  static_cast<void>(failure.due());
              }),
              2U);
    EXPECT_EQ(runs, 3);
}

TEST(for_each_failure, checks_after_every_run_and_knows_which_failed) {
    event_log log;
    EXPECT_EQ(for_each_failure(
                  [&](throw_at_nth& failure) {
                      failure.step();
                      failure.step();
                  },
                  [&](const throw_at_nth& failure) {
                      log.push_back(std::to_string(failure.steps()) +
                                    (failure.done() ? " failed" : " went well"));
                  }),
              2U);
    EXPECT_EQ(log, (event_log{"1 failed", "2 failed", "2 went well"}));
    int checks = 0;
    EXPECT_EQ(for_each_failure([](throw_at_nth& failure) { failure.step(); }, [&] { ++checks; }),
              1U);
    EXPECT_EQ(checks, 2);
}

TEST(for_each_failure, lets_go_what_is_not_its_failure) {
    int runs = 0;
    const auto sweep = [&](auto scenario) {
        runs = 0;
        return thrown_by([&] {
            static_cast<void>(for_each_failure([&](throw_at_nth& failure) {
                ++runs;
                scenario(failure);
            }));
        });
    };
    EXPECT_EQ(sweep([](throw_at_nth&) { throw planned_failure("another's"); }), "another's");
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(sweep([](throw_at_nth& failure) {
                  failure.step();
                  throw std::runtime_error("a bug");
              }),
              "a bug");
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(sweep([](throw_at_nth& failure) {
                  try {
                      failure.step();
                  } catch (const planned_failure&) {
                      throw std::runtime_error("translated");
                  }
              }),
              "translated");
    EXPECT_EQ(runs, 1);
}

TEST(for_each_failure, lets_go_what_the_check_throws) {
    EXPECT_EQ(thrown_by([] {
                  static_cast<void>(for_each_failure([](throw_at_nth& failure) { failure.step(); },
                                                     [] { throw planned_failure("check"); }));
              }),
              "check");
}

TEST(for_each_failure, gives_up_on_a_scenario_without_an_end) {
    const auto tries_for_ever = [](throw_at_nth& failure) {
        while (!failure.done()) {
            failure.step();
        }
    };
    EXPECT_EQ(thrown_by([&] { static_cast<void>(for_each_failure(tries_for_ever)); }),
              "withal::testing::for_each_failure: 10000 runs failed and there is no end; does the "
              "scenario try again for ever?");
}

// --- enter and exit ---

TEST(for_each_failure, fails_every_enter) {
    event_log log;
    EXPECT_EQ(for_each_failure(fault::enter,
                               [&](fault_plan& plan) {
                                   with(plan.faulty(recorder(log, "a")),
                                        plan.faulty(recorder(log, "b")),
                                        [](auto&, auto&) {});
                               }),
              2U);
    EXPECT_EQ(
        log,
        (event_log{
            "a.enter", "a.exit threw enter 2", "a.enter", "b.enter", "b.exit ok", "a.exit ok"}));
}

TEST(for_each_failure, fails_every_exit) {
    event_log log;
    EXPECT_EQ(for_each_failure(
                  fault::exit,
                  [&](fault_plan& plan) {
                      with(plan.faulty(recorder(log, "a")),
                           plan.faulty(recorder(log, "b")),
                           [](auto&, auto&) {});
                  },
                  [&](const fault_plan& plan) { log.emplace_back(plan.done() ? "-" : "end"); }),
              2U);
    EXPECT_EQ(log,
              (event_log{"a.enter",
                         "b.enter",
                         "b.exit ok",
                         "a.exit threw exit 1",
                         "-",
                         "a.enter",
                         "b.enter",
                         "b.exit ok",
                         "a.exit ok",
                         "-",
                         "a.enter",
                         "b.enter",
                         "b.exit ok",
                         "a.exit ok",
                         "end"}));
}

// --- allocations ---

/// Three allocations, of three forms.
void allocate_three_times() {
    struct alignas(64) wide {
        char bytes[64];
    };
    const auto a = std::make_unique<std::string>();
    const auto b = std::make_unique<std::string[]>(3);
    const auto c = std::make_unique<wide>();
    void* volatile kept[] = {a.get(), b.get(), c.get()}; // so that no compiler leaves them out
    static_cast<void>(kept);
}

TEST(for_each_failure, fails_every_allocation_and_sees_that_none_is_lost) {
    const std::size_t before = live_blocks();
    std::size_t checks = 0;
    EXPECT_EQ(for_each_failure(fault::allocation,
                               allocate_three_times,
                               [&] {
                                   ++checks;
                                   EXPECT_EQ(live_blocks(), before) << "in run " << checks;
                               }),
              3U);
    EXPECT_EQ(checks, 4U);
}

TEST(for_each_failure, finds_a_leak_that_only_a_failure_shows) {
    std::vector<void*> lost;
    lost.reserve(8);
    const auto leaks_when_the_second_fails = [&] {
        void* const first = ::operator new(1);
        lost.push_back(first);
        void* const second = ::operator new(1); // if it throws, nobody frees the first
        ::operator delete(second);
        ::operator delete(first);
        lost.pop_back();
    };
    const std::size_t before = live_blocks();
    std::vector<std::size_t> leaked;
    EXPECT_EQ(for_each_failure(fault::allocation,
                               leaks_when_the_second_fails,
                               [&] { leaked.push_back(live_blocks() - before); }),
              2U);
    EXPECT_EQ(leaked, (std::vector<std::size_t>{0, 1, 1}));
    for (void* block : lost) {
        ::operator delete(block);
    }
}

TEST(for_each_failure, lets_go_a_bad_alloc_of_another_origin) {
    EXPECT_THROW(
        static_cast<void>(for_each_failure(fault::allocation, [] { throw std::bad_alloc(); })),
        std::bad_alloc);
}

TEST(for_each_failure, lets_the_check_allocate) {
    std::vector<std::string> notes;
    EXPECT_EQ(for_each_failure(
                  fault::allocation,
                  [] { ::operator delete(::operator new(1)); },
                  [&] { notes.emplace_back(1000, 'n'); }),
              1U);
    EXPECT_EQ(notes.size(), 2U);
}

} // namespace

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/manager.hpp>
#include <withal/core/testing/allocations.hpp>
#include <withal/core/testing/fault_plan.hpp>
#include <withal/core/testing/planned_failure.hpp>
#include <withal/core/testing/recorder.hpp>
#include <withal/core/testing/words.hpp>
#include <withal/core/verdict.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <exception>
#include <new>
#include <string>
#include <utility>

namespace {

using withal::outcome;
using withal::verdict;
using withal::with;
using withal::testing::answering_recorder;
using withal::testing::event_log;
using withal::testing::fault;
using withal::testing::fault_plan;
using withal::testing::live_blocks;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::thrown_by;

static_assert(withal::context_manager<recorder> && !withal::may_suppress<recorder>);
static_assert(withal::context_manager<answering_recorder> &&
              withal::may_suppress<answering_recorder>);

TEST(recorder, writes_down_every_call_and_lends_its_name) {
    event_log log;
    with(recorder(log, "a"), [&](std::string& name) { log.push_back("body of " + name); });
    EXPECT_EQ(log, (event_log{"a.enter", "body of a", "a.exit ok"}));
}

TEST(recorder, writes_down_calls_that_no_driver_should_make) {
    event_log log;
    recorder a(log, "a");
    a.exit(outcome::success());
    a.enter();
    a.exit(outcome::failure(std::make_exception_ptr(42)));
    a.exit(outcome::success());
    EXPECT_EQ(log, (event_log{"a.exit ok", "a.enter", "a.exit threw 42", "a.exit ok"}));
}

TEST(recorder, fails_to_enter_after_writing_it_down) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(recorder(log, "a"),
                       recorder(log, "b").failing_to_enter(),
                       [&](auto&, auto&) { log.emplace_back("body"); });
              }),
              "b.enter");
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "a.exit threw b.enter"}));
}

TEST(recorder, fails_to_exit_after_writing_it_down) {
    event_log log;
    EXPECT_EQ(
        thrown_by([&] {
            with(recorder(log, "a"), recorder(log, "b").failing_to_exit(), [](auto&, auto&) {});
        }),
        "b.exit");
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "b.exit ok", "a.exit threw b.exit"}));
}

TEST(recorder, fails_with_a_planned_failure_each_time) {
    event_log log;
    recorder a = recorder(log, "a").failing_to_enter().failing_to_exit();
    EXPECT_THROW(a.enter(), planned_failure);
    EXPECT_THROW(a.enter(), planned_failure);
    EXPECT_THROW(a.exit(outcome::success()), planned_failure);
    EXPECT_EQ(log, (event_log{"a.enter", "a.enter", "a.exit ok"}));
}

TEST(recorder, answers_what_it_is_told_to) {
    event_log log;
    EXPECT_FALSE(with(recorder(log, "a").answering(verdict::suppress),
                      [](const std::string&) { throw planned_failure("body"); }));
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(with(recorder(log, "b").answering(verdict::replace(
                                             std::make_exception_ptr(planned_failure("new")))),
                                         [](auto&) { throw planned_failure("body"); }));
              }),
              "new");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit threw body", "b.enter", "b.exit threw body"}));
}

TEST(recorder, fails_instead_of_answering) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(
                      with(recorder(log, "a").failing_to_exit().answering(verdict::suppress),
                           [](auto&) {}));
              }),
              "a.exit");
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(
                      with(recorder(log, "b").failing_to_enter().answering(verdict::suppress),
                           [](auto&) {}));
              }),
              "b.enter");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok", "b.enter"}));
}

TEST(recorder, works_while_every_allocation_of_the_others_is_counted_and_the_first_fails) {
    event_log log;
    recorder a = recorder(log, std::string(100, 'a')).failing_to_exit();
    const std::size_t before = live_blocks();
    {
        fault_plan plan(fault::allocation, 1);
        EXPECT_THROW(with(a, [](auto&) {}), planned_failure);
        EXPECT_EQ(plan.seen(fault::allocation), 0U);
        EXPECT_THROW(static_cast<void>(::operator new(1)), std::bad_alloc);
    }
    EXPECT_EQ(live_blocks(), before);
    EXPECT_EQ(log,
              (event_log{std::string(100, 'a') + ".enter", std::string(100, 'a') + ".exit ok"}));
}

} // namespace

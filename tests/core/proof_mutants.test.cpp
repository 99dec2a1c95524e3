// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a run of tools/mutate.py found that no other test noticed.
#include <withal/core/exit_stack.hpp>
#include <withal/core/testing.hpp>

#include <gtest/gtest.h>

namespace {

using withal::exit_stack;
using withal::testing::event_log;

TEST(proof_mutants, keys_that_two_stacks_gave_after_a_move_name_nothing_on_the_other) {
    event_log log;
    const auto noting = [&log](const char* name) {
        return [&log, name] { log.emplace_back(name); };
    };
    exit_stack first;
    first.defer(noting("moved"));
    exit_stack second = first.pop_all();
    const exit_stack::key on_first = first.defer(noting("first"));
    const exit_stack::key on_second = second.defer(noting("second"));
    second.close(on_first);
    first.close(on_second);
    EXPECT_EQ(log, event_log());
    first.close(on_first);
    second.close(on_second);
    EXPECT_EQ(log, (event_log{"first", "second"}));
    second.close();
    EXPECT_EQ(log, (event_log{"first", "second", "moved"}));
}

} // namespace

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// In every scene the first operator new fails, then the second, and so on until none is left; then
// all from the first on, from the second on. Whether the scene, withal or the standard library
// asked for the memory: what was entered is exited once and in order, every object ends, nothing
// leaks.
#include <withal/core/adapt.hpp>
#include <withal/core/error.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <support/scenes.hpp>
#include <support/trial.hpp>

namespace {

using withal::testing::fault;
using withal::testing::fault_plan;
using withal_test::scene;

/// A step needs memory.
class allocating_trial : public withal_test::trial {
public:
    void step() override { ::operator delete(::operator new(1)); }
};

class proof_allocations : public testing::TestWithParam<scene> {
protected:
    void SetUp() override {
        if (!withal::testing::allocations_are_counted()) {
            GTEST_SKIP() << "this sanitizer has an operator new of its own";
        }
    }
};

/// Plays the scene while so many allocations fail, from the first on; returns how many there were.
std::size_t play(const scene& one, std::size_t first, std::size_t failing) {
    const std::size_t before = withal::testing::live_blocks();
    const std::size_t known = withal::detail::secondaries.size();
    std::size_t asked = 0;
    std::vector<std::string> faults;
    {
        fault_plan plan;
        for (std::size_t n = 0; n < failing; ++n) {
            plan.fail(fault::allocation, first + n);
        }
        allocating_trial in;
        try {
            one.play(in);
        } catch (const std::exception&) { // swallow: std::bad_alloc, or what the scene ends by
        } catch (int) {                   // swallow: the same
        }
        const withal::testing::uncounted notes;
        asked = plan.seen(fault::allocation);
        faults = in.faults();
    }
    const withal::testing::uncounted notes;
    if (withal::testing::live_blocks() != before) {
        faults.push_back("blocks before: " + std::to_string(before) +
                         ", after: " + std::to_string(withal::testing::live_blocks()));
    }
    if (withal::detail::secondaries.size() != known) {
        faults.emplace_back("secondary errors outlive their primaries");
    }
    if (!faults.empty()) {
        ADD_FAILURE() << one.name << ", " << failing << " allocations fail from number " << first
                      << " on: " << testing::PrintToString(faults);
    }
    return asked;
}

TEST_P(proof_allocations, that_fail_leave_nothing_open_and_leak_nothing) {
    constexpr std::size_t all = 1000;
    allocating_trial in;
    try {
        GetParam().play(in);          // what is kept for the next time is kept from here on
    } catch (const std::exception&) { // swallow: what the scene ends by
    }
    const std::size_t most = play(GetParam(), 1, 0);
    EXPECT_GE(most, 4U) << "a scene that needs no memory proves nothing";
    std::size_t first = 1;
    while (play(GetParam(), first, 1) >= first && !HasFailure()) {
        play(GetParam(), first, all);
        ++first;
    }
    EXPECT_GT(first, most);
}

/// So many errors that their group has to grow.
void many_errors_in_a_group(withal_test::trial& in) {
    const auto failing = [&in] { return withal::on_exit([&in] { in.step(), throw 1; }); };
    withal::with<withal::both_failed::group>(
        failing(), failing(), failing(), failing(), failing(), [] { throw 2; });
}

constexpr scene own_scenes[] = {{"many_errors_in_a_group", many_errors_in_a_group}};

INSTANTIATE_TEST_SUITE_P(own_scene,
                         proof_allocations,
                         testing::ValuesIn(own_scenes),
                         [](const auto& one) { return std::string(one.param.name); });

INSTANTIATE_TEST_SUITE_P(scene,
                         proof_allocations,
                         testing::ValuesIn(withal_test::scenes),
                         [](const auto& one) { return std::string(one.param.name); });

} // namespace

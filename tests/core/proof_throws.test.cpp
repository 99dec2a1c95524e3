// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every operation of the user's in every scene throws once: enter, exit, a copy, a move, a body, a
// callback, a factory, a fallback, a predicate. Then two of them do. Whatever happens, what was
// entered is exited once and in order, every object ends, and no error is lost: it is what goes on,
// or is secondary to it, or in its group, or was suppressed by somebody who saw it.
#include <withal/core/error.hpp>
#include <withal/core/testing.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string>
#include <vector>

#include <support/scenes.hpp>
#include <support/trial.hpp>

namespace {

using withal::testing::planned_failure;
using withal_test::scene;

/// The first and the second step that throw; 0: none.
class throwing_trial : public withal_test::trial {
public:
    throwing_trial(std::size_t first, std::size_t second) : failing_{first, second} {
        current = this;
        hook_ = withal::on_secondary_error(
            [](const std::exception_ptr&, const std::exception_ptr& error) noexcept {
                current->ends_here(error);
            });
    }
    ~throwing_trial() override { withal::on_secondary_error(hook_); }

    void step() override {
        ++steps_;
        if (std::ranges::count(failing_, steps_) != 0) {
            thrown_.push_back("step " + std::to_string(steps_));
            throw planned_failure(thrown_.back());
        }
    }

    /// It is known to somebody, and so is everything under it.
    void ends_here(const std::exception_ptr& error) override {
        if (error == nullptr) {
            return;
        }
        seen_.push_back(withal::testing::text_of(error));
        for (const std::exception_ptr& each : withal::secondary_errors(error)) {
            seen_.push_back(withal::testing::text_of(each));
        }
        outcome_of(error).inspect<withal::error_group>([&](const withal::error_group& group) {
            for (const std::exception_ptr& each : group.errors()) {
                seen_.push_back(withal::testing::text_of(each));
            }
        });
    }

    [[nodiscard]] std::size_t steps() const { return steps_; }

    [[nodiscard]] std::vector<std::string> all_faults() const {
        std::vector<std::string> all = faults();
        for (const std::string& each : thrown_) {
            if (std::ranges::find(seen_, each) == seen_.end()) {
                all.push_back("the error of " + each + " was lost");
            }
        }
        return all;
    }

private:
    static inline throwing_trial* current = nullptr;

    static withal::outcome outcome_of(const std::exception_ptr& error) {
        return withal::outcome::failure(error);
    }

    std::size_t failing_[2]; // NOLINT(modernize-use-default-member-init): the constructor gives it
    std::size_t steps_ = 0;
    std::vector<std::string> thrown_;
    std::vector<std::string> seen_;
    withal::secondary_error_hook hook_ = nullptr;
};

class proof_throws : public testing::TestWithParam<scene> {};

/// Plays the scene, and returns how many steps it came to.
std::size_t play(const scene& one, std::size_t first, std::size_t second) {
    const std::size_t known = withal::detail::secondaries.size();
    std::vector<std::string> faults;
    std::size_t steps = 0;
    {
        throwing_trial in(first, second);
        try {
            one.play(in);
        } catch (...) {
            in.ends_here(std::current_exception());
        }
        faults = in.all_faults();
        steps = in.steps();
    }
    if (withal::detail::secondaries.size() != known) {
        faults.emplace_back("secondary errors outlive their primaries");
    }
    if (!faults.empty()) {
        ADD_FAILURE() << one.name << ", steps " << first << " and " << second
                      << " fail: " << testing::PrintToString(faults);
    }
    return steps;
}

TEST_P(proof_throws, at_each_step_leave_nothing_open_and_lose_no_error) {
    std::size_t steps = play(GetParam(), 0, 0);
    EXPECT_GE(steps, 4U) << "a scene in which nothing can fail proves nothing";
    for (std::size_t first = 1; first <= steps && !HasFailure(); ++first) {
        std::size_t further = play(GetParam(), first, 0);
        for (std::size_t second = first + 1; second <= further && !HasFailure(); ++second) {
            further = std::max(further, play(GetParam(), first, second));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(scene,
                         proof_throws,
                         testing::ValuesIn(withal_test::scenes),
                         [](const auto& one) { return std::string(one.param.name); });

} // namespace

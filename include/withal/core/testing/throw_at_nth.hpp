// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/testing/allocations.hpp>
#include <withal/core/testing/planned_failure.hpp>

#include <cstddef>
#include <string>

namespace withal::testing {

/// Counts steps, and throws at the n-th of them.
///
///     testing::throw_at_nth failure(2);
///     failure.step();
///     const std::string text = testing::thrown_by([&] { failure.step(); }); // "step 2"
///     failure.step(); // the third is well again
///
/// Called in every operation of an instrumented type (its copy, its move, its call), it makes each
/// of them fail in turn: for_each_failure tries all n.
///
/// **Threads.** One at a time.
class throw_at_nth {
public:
    /// Throws never, and only counts.
    throw_at_nth() = default;
    /// The first step is 1; 0 is never.
    explicit throw_at_nth(std::size_t nth) noexcept : nth_(nth) {}
    throw_at_nth(const throw_at_nth&) = delete;
    throw_at_nth& operator=(const throw_at_nth&) = delete;

    /// **Throws.** planned_failure("step n") at the n-th call.
    void step();
    /// The same step for what fails without throwing.
    ///
    /// **Returns.** Whether it is the one that fails.
    [[nodiscard]] bool due() noexcept { return ++steps_ == nth_; }

    /// Steps so far.
    [[nodiscard]] std::size_t steps() const noexcept { return steps_; }
    /// Has the failure happened? A test whose failure never came has tested nothing.
    [[nodiscard]] bool done() const noexcept { return steps_ >= nth_; }

private:
    std::size_t steps_ = 0;
    std::size_t nth_ = 0;
};

//
// Implementation
//

inline void throw_at_nth::step() {
    if (due()) {
        const uncounted words;
        throw planned_failure("step " + std::to_string(steps_));
    }
}

} // namespace withal::testing

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>

#include <chrono>
#include <cstddef>
#include <string>

namespace withal {

/// Measures how long the body takes, on a clock that never jumps, and remembers it.
///
///     timer loading("loading");
///     with(loading, [](const timer& t) {
///         static_cast<void>(t.elapsed()); // so far
///     });
///     const std::chrono::nanoseconds took = loading.elapsed();
///
/// It never prints; label() and note() ("1.53ms", "1.53ms, failed") are there for who does. Used
/// again it measures anew; runs(), total(), shortest() and longest() are about all runs.
///
/// **Throws.** enter withal::logic_error while it is entered already.
/// **Threads.** One at a time.
/// **Python.** The timer everybody writes, with `time.monotonic()`.
class timer {
public:
    using clock = std::chrono::steady_clock;
    using duration = std::chrono::nanoseconds;
    static constexpr reuse reuse_category = reuse::reusable;

    /// `name` is the label.
    explicit timer(std::string name = "timer");

    /// **Lifetime.** The body gets the timer itself.
    const timer& enter();
    void exit(const outcome& left);

    /// Whether it is entered.
    [[nodiscard]] bool running() const noexcept { return running_; }
    /// Of the run that is on, so far; else of the last one; 0 before the first.
    [[nodiscard]] duration elapsed() const noexcept {
        return running_ ? duration(clock::now() - started_) : last_;
    }
    /// How the last body left: "ok", "failed", "cancelled" or "abandoned"; "" before the first end.
    ///
    /// **Lifetime.** A literal.
    [[nodiscard]] const char* ending() const noexcept { return ending_; }

    /// Runs that have ended, and figures over them; 0 before the first end. A run counts however
    /// its body left.
    [[nodiscard]] std::size_t runs() const noexcept { return runs_; }
    [[nodiscard]] duration total() const noexcept { return total_; }
    [[nodiscard]] duration shortest() const noexcept { return shortest_; }
    [[nodiscard]] duration longest() const noexcept { return longest_; }

    [[nodiscard]] const char* label() const noexcept { return name_.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return note_.c_str(); }

private:
    std::string name_;
    std::string note_;
    clock::time_point started_;
    const char* ending_ = "";
    duration last_{};
    duration total_{};
    duration shortest_{};
    duration longest_{};
    std::size_t runs_ = 0;
    bool running_ = false;
};

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>

#include <atomic>
#include <chrono>

namespace withal::testing {

/// A clock that stands still until a test moves it: what is written for any clock is tested without
/// sleeping.
///
///     using testing::virtual_clock;
///     const testing::virtual_time time; // begins at zero, ends with the block
///     const auto started = virtual_clock::now();
///     virtual_clock::advance(std::chrono::seconds(90));
///     const bool late = virtual_clock::now() - started > std::chrono::minutes(1);
///
/// It meets TrivialClock of the standard, so that it stands wherever std::chrono::steady_clock does
/// if the clock is a template parameter. Nothing wakes when it is advanced: what waits must be told
/// to look again.
///
/// **Threads.** Any; there is one time for all.
class virtual_clock {
public:
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<virtual_clock>;
    /// Only a virtual_time that begins or ends sets it back.
    static constexpr bool is_steady = true;

    [[nodiscard]] static time_point now() noexcept;

    /// Moves it on.
    ///
    /// **Throws.** logic_error for a negative time, and past the end of its range.
    static void advance(duration by);

private:
    friend class virtual_time;

    static inline constinit std::atomic<rep> since_start = 0;
};

/// The time of one test: sets the virtual_clock to zero, and back when it dies.
///
/// **Threads.** One lives at a time, or one within another.
class [[nodiscard]] virtual_time {
public:
    virtual_time() noexcept : before_(virtual_clock::since_start.exchange(0)) {}
    ~virtual_time() { virtual_clock::since_start = before_; }
    virtual_time(const virtual_time&) = delete;
    virtual_time& operator=(const virtual_time&) = delete;

private:
    virtual_clock::rep before_;
};

//
// Implementation
//

inline virtual_clock::time_point virtual_clock::now() noexcept {
    return time_point(duration(since_start));
}

inline void virtual_clock::advance(duration by) {
    if (by < duration::zero()) {
        throw logic_error("withal::testing::virtual_clock: a clock does not go back; begin a new "
                          "virtual_time instead");
    }
    rep now = since_start;
    do {
        if (by.count() > duration::max().count() - now) {
            throw logic_error("withal::testing::virtual_clock: that is past the end of its range");
        }
    } while (!since_start.compare_exchange_weak(now, now + by.count()));
}

} // namespace withal::testing

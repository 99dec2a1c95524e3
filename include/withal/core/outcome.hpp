// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/exception_type.hpp>
#include <withal/core/detail/held_exception.hpp>
#include <withal/core/error.hpp>
#include <withal/core/error_list.hpp>
#include <withal/core/failure_traits.hpp>
#include <withal/core/verdict.hpp>

#include <exception>
#include <type_traits>

namespace withal {

namespace detail {
struct outcome_access;
} // namespace detail

/// How the part inside a manager left: what exit() is told.
///
///     struct transaction {
///         void enter() {}
///         void exit(const outcome& left) { left.failed() ? roll_back() : commit(); }
///         void commit() {}
///         void roll_back() {}
///     };
///
/// Exactly one of returned() and failed() holds. A body that *returns* a failure (failure_traits)
/// has failed() without threw().
///
/// **Lifetime.** Owns the exception it shows, and can be kept. On success it owns nothing.
/// **Python.** The three arguments of `__exit__`; returned() is `exc_type is None`.
class outcome {
public:
    static constexpr outcome success() noexcept { return outcome(state::returned); }
    static outcome failure(std::exception_ptr error) noexcept {
        return {state::threw, static_cast<std::exception_ptr&&>(error)};
    }

    /// The body ran to its end, and what it returned is no failure.
    [[nodiscard]] constexpr bool returned() const noexcept { return state_ == state::returned; }
    /// Anything but success: a transaction that asks only this is right in every case.
    [[nodiscard]] constexpr bool failed() const noexcept { return state_ != state::returned; }
    /// It left by an exception, a cancellation among them.
    [[nodiscard]] bool threw() const noexcept {
        return state_ == state::threw || state_ == state::cancelled;
    }
    /// Somebody asked the work to stop, and it did.
    [[nodiscard]] bool cancelled() const noexcept { return state_ == state::cancelled; }
    /// It will never end: its frame is destroyed, or its thread cancelled.
    [[nodiscard]] bool abandoned() const noexcept { return state_ == state::abandoned; }

    /// The exception itself, the same object that goes on. Null unless threw(), and null under
    /// `scoped`, which knows that there is one but cannot see it.
    [[nodiscard]] const std::exception_ptr& exception() const noexcept { return exception_.get(); }

    /// Calls `look(const E&)` if the exception is an E or derives from it; costs no rethrow where
    /// the runtime can be asked (libstdc++, E a class).
    ///
    ///     outcome left = outcome::failure(std::make_exception_ptr(std::bad_alloc()));
    ///     bool memory = left.inspect<std::exception>([](const std::exception& e) { e.what(); });
    ///
    /// **Returns.** Whether it was.
    template <class E, class F>
    bool inspect(F&& look) const {
        static_assert(std::is_invocable_v<F, const E&>,
                      "withal::outcome: inspect<E>(f) calls f(const E&)");
        return exception() != nullptr &&
               detail::inspect_exception<E>(exception(), static_cast<F&&>(look));
    }

    /// The errors that are secondary to exception() so far: exits further in that failed.
    [[nodiscard]] error_list secondary() const { return secondary_errors(exception()); }

private:
    friend struct detail::outcome_access;

    enum class state : unsigned char { returned, failure_value, threw, cancelled, abandoned };

    explicit constexpr outcome(state how) noexcept : state_(how) {}
    outcome(state how, std::exception_ptr&& error) noexcept
        : exception_(static_cast<std::exception_ptr&&>(error)), state_(how) {}

    detail::held_exception exception_;
    state state_;
};

//
// Implementation
//

namespace detail {

/// What every exit is shown after a success: one object, so that it costs no instruction to make.
inline constexpr outcome success_outcome = outcome::success();

/// Makes the outcomes that only drivers know of.
struct outcome_access {
    static outcome failure_value() noexcept { return outcome(outcome::state::failure_value); }
    static outcome unseen_exception() noexcept { return outcome(outcome::state::threw); }
    static outcome abandoned() noexcept { return outcome(outcome::state::abandoned); }
    static outcome cancelled(std::exception_ptr request) noexcept {
        return {outcome::state::cancelled, static_cast<std::exception_ptr&&>(request)};
    }
};

} // namespace detail

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <concepts>
#include <type_traits>

namespace withal {

/// When the action of an exit_action runs.
enum class run_on : unsigned char { every_exit, failure, success };

template <run_on When, class F>
class exit_action;

/// Calls f() or f(const outcome&) when the body has left.
///
///     int calls = 0;
///     with(on_exit([&] { ++calls; }), on_fail([](const outcome&) {}), [] { /* ... */ });
///
/// `dismiss()` calls it off until the next enter:
///
///     auto undo = on_fail([] { /* roll back */ });
///     with(undo, [&] { undo.dismiss(); });
///
/// **Effects.** Nothing at enter. What f throws is the failure of the exit.
/// **Python.** `ExitStack.callback`, with a condition.
template <class F>
[[nodiscard]] exit_action<run_on::every_exit, F> on_exit(F f) {
    return exit_action<run_on::every_exit, F>(static_cast<F&&>(f));
}

/// The same, but only if the body failed: it threw, was cancelled, or returned a failure.
template <class F>
[[nodiscard]] exit_action<run_on::failure, F> on_fail(F f) {
    return exit_action<run_on::failure, F>(static_cast<F&&>(f));
}

/// The same, but only if the body succeeded.
template <class F>
[[nodiscard]] exit_action<run_on::success, F> on_success(F f) {
    return exit_action<run_on::success, F>(static_cast<F&&>(f));
}

//
// Implementation
//

template <run_on When, class F>
class [[nodiscard]] exit_action {
    static constexpr bool asks = std::is_invocable_v<F&, const outcome&>;
    static_assert(asks || std::is_invocable_v<F&>,
                  "withal::on_exit: the action must be callable as f() or as f(const outcome&)");
    template <class Action>
    static constexpr bool answers = requires(Action& a, const outcome& left) {
        { a(left) } -> std::same_as<verdict>;
    } || requires(Action& a) {
        { a() } -> std::same_as<verdict>;
    };
    static_assert(!answers<F>,
                  "withal::on_exit: an action cannot suppress; write a manager whose "
                  "exit() returns the verdict");
    static constexpr bool quiet =
        asks ? std::is_nothrow_invocable_v<F&, const outcome&> : std::is_nothrow_invocable_v<F&>;

public:
    explicit exit_action(F f) : action_(static_cast<F&&>(f)) {}

    void enter() noexcept { armed_ = true; }
    void exit(const outcome& left) noexcept(quiet) {
        if (!armed_ || (When == run_on::failure && !left.failed()) ||
            (When == run_on::success && !left.returned())) {
            return;
        }
        if constexpr (asks) {
            action_(left);
        } else {
            action_();
        }
    }

    /// The action will not run at the end of this body.
    void dismiss() noexcept { armed_ = false; }

private:
    F action_;
    bool armed_ = true;
};

} // namespace withal

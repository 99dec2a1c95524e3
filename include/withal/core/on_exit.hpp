// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/exit_action.hpp>

namespace withal {

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

} // namespace withal

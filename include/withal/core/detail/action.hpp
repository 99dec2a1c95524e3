// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <concepts>
#include <type_traits>

namespace withal::detail {

template <class F>
concept asking_action = std::is_invocable_v<F&, const outcome&>;

/// Something to do at an exit: f() or f(const outcome&).
template <class F>
concept exit_callable = asking_action<F> || std::is_invocable_v<F&>;

template <class F>
inline constexpr bool action_is_noexcept =
    asking_action<F> ? std::is_nothrow_invocable_v<F&, const outcome&>
                     : std::is_nothrow_invocable_v<F&>;

template <exit_callable F>
[[gnu::always_inline]] inline decltype(auto)
run_action(F& action, const outcome& left) noexcept(action_is_noexcept<F>) {
    if constexpr (asking_action<F>) {
        return action(left);
    } else {
        return action();
    }
}

/// One that seems to want to suppress, which an action cannot.
template <class F>
concept answering_action = exit_callable<F> && requires(F& action, const outcome& left) {
    { detail::run_action(action, left) } -> std::convertible_to<verdict>;
};

} // namespace withal::detail

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <concepts>
#include <type_traits>

namespace withal {

/// When the action of an exit_action runs.
enum class run_on : unsigned char { every_exit, failure, success };

/// What on_exit(), on_fail() and on_success() return.
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

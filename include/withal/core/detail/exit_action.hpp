// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/action.hpp>
#include <withal/core/outcome.hpp>

namespace withal {

/// When the action of an exit_action runs.
enum class run_on : unsigned char { every_exit, failure, success };

/// What on_exit(), on_fail() and on_success() return.
template <run_on When, class F>
class [[nodiscard]] exit_action {
    static_assert(detail::exit_callable<F>,
                  "withal::on_exit: the action must be callable as f() or as f(const outcome&)");
    static_assert(!detail::answering_action<F>,
                  "withal::on_exit: an action cannot suppress; write a manager whose "
                  "exit() returns the verdict");

public:
    explicit exit_action(F f) : action_(static_cast<F&&>(f)) {}

    void enter() noexcept { armed_ = true; }
    void exit(const outcome& left) noexcept(detail::action_is_noexcept<F>) {
        if (!armed_ || (When == run_on::failure && !left.failed()) ||
            (When == run_on::success && !left.returned())) {
            return;
        }
        detail::run_action(action_, left);
    }

    /// The action will not run at the end of this body.
    void dismiss() noexcept { armed_ = false; }

private:
    F action_;
    bool armed_ = true;
};

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/unwinding.hpp>
#include <withal/core/verdict.hpp>

#include <exception>

namespace withal::detail {

/// The law for exits that run on behalf of one manager, which was told an outcome and must answer
/// for all of them. They are shown that outcome, whatever it was, until another exception takes its
/// place (never that of an abandoned scope), and success after a suppression.
class outcome_law {
public:
    outcome_law(const outcome& left, both_failed policy) noexcept
        : left_(left), rules_(left.exception(), policy) {}

    [[nodiscard]] const std::exception_ptr& current() const noexcept { return rules_.current(); }
    [[nodiscard]] outcome shown() const {
        return left_.abandoned() || current() == left_.exception() ? left_
               : current() == nullptr                              ? detail::success_outcome
                                                                   : outcome::failure(current());
    }
    void returned(const verdict& said) noexcept {
        if (current() != nullptr && said.suppresses()) {
            forgiven_ = forgiven_ || left_.exception() != nullptr;
        } else if (current() != nullptr && said.replacement() != nullptr) {
            translated_ = true;
        }
        rules_.returned(said);
    }
    void raised(std::exception_ptr fresh) noexcept {
        const std::exception_ptr before = current();
        rules_.raised(static_cast<std::exception_ptr&&>(fresh));
        translated_ = translated_ && current() == before;
    }

    /// What one manager answers that stands for all of them. Throws what an exit raised, if that
    /// goes on; but answers with it once the outcome's own exception is suppressed: for whoever
    /// asks, that one is still on its way.
    [[nodiscard]] verdict answer() const {
        const bool fresh = current() != nullptr && current() != left_.exception();
        return forgiven_ && (fresh || raised()) ? verdict_access::suppress_then(error())
                                                : final_answer();
    }
    /// The same for whoever has no exception on its way: what was raised is always thrown.
    [[nodiscard]] verdict final_answer() const {
        if (raised()) {
            std::rethrow_exception(error());
        }
        if (current() == left_.exception()) {
            return verdict::propagate;
        }
        return current() == nullptr ? verdict(verdict::suppress) : verdict::replace(current());
    }

private:
    [[nodiscard]] bool raised() const noexcept {
        // after success a verdict translates nothing for whoever asks
        return rules_.grouped() || (current() != nullptr && current() != left_.exception() &&
                                    (!translated_ || left_.exception() == nullptr));
    }
    [[nodiscard]] std::exception_ptr error() const {
        return rules_.grouped() ? detail::grouped(current()) : current();
    }

    const outcome left_;
    unwinding<cpp_exceptions> rules_;
    bool translated_ = false; // current() was put there by a verdict
    bool forgiven_ = false;   // the outcome's exception was suppressed
};

} // namespace withal::detail

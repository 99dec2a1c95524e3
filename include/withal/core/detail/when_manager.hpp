// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace withal {

/// What when() returns: a manager that is entered, or not.
template <class M>
class [[nodiscard]] when_manager {
    using manager = std::remove_reference_t<M>;
    using protocol = detail::protocol<manager>;
    using entered = entered_t<manager>;

public:
    static constexpr reuse reuse_category = reuse_of<manager>;

    when_manager(bool condition, M&& wrapped)
        : manager_(static_cast<M&&>(wrapped)), condition_(condition) {}

    auto enter() {
        if constexpr (std::is_void_v<entered>) {
            if (condition_) {
                detail::enter_manager(manager_);
            }
        } else if constexpr (std::is_reference_v<entered>) {
            using pointer = std::remove_reference_t<entered>*;
            return condition_ ? __builtin_addressof(detail::enter_manager(manager_))
                              : static_cast<pointer>(nullptr);
        } else {
            using optional = std::optional<std::remove_cv_t<entered>>;
            return condition_ ? optional(std::in_place, entering{manager_}) : optional();
        }
    }

    auto exit(const outcome& left) noexcept(detail::exit_is_noexcept<manager>) {
        if constexpr (may_suppress<manager>) {
            return condition_ ? verdict(protocol::exit(manager_, left))
                              : verdict(verdict::propagate);
        } else if (condition_) {
            protocol::exit(manager_, left);
        }
    }

private:
    /// Converts to what enter() returns, so that it is made where it is to be and never moved.
    struct entering {
        manager& from;
        operator entered() const { // NOLINT(google-explicit-constructor)
            return detail::enter_manager(from);
        }
    };

    M manager_;
    bool condition_;
};

} // namespace withal

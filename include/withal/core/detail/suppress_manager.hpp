// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace withal {

namespace detail {
struct accept_all {
    template <class E>
    constexpr bool operator()(const E&) const noexcept {
        return true;
    }
};
} // namespace detail

/// What suppress() returns.
template <class Predicate, class... E>
class [[nodiscard]] suppress_manager {
    static_assert(sizeof...(E) > 0,
                  "withal::suppress: name the types of exceptions to suppress, as "
                  "in suppress<std::system_error>()");
    static_assert((std::is_invocable_r_v<bool, Predicate&, const E&> && ...),
                  "withal::suppress: the predicate must be callable as f(const E&) for each of the "
                  "types, and return bool");

public:
    static constexpr reuse reuse_category = reuse::reentrant;

    explicit suppress_manager(Predicate accepts) : accepts_(static_cast<Predicate&&>(accepts)) {}

    void enter() noexcept {}
    verdict exit(const outcome& left) noexcept((noexcept(accept<E>(left)) && ...)) {
        if (left.threw() && (accept<E>(left) || ...)) {
            swallowed_ = left.exception();
            return verdict::suppress;
        }
        return verdict::propagate;
    }

    /// The exception suppressed last, null if none was.
    [[nodiscard]] const std::exception_ptr& swallowed() const noexcept { return swallowed_; }

private:
    template <class Type>
    bool accept(const outcome& left) noexcept(noexcept(accepts_(std::declval<const Type&>()))) {
        bool accepted = false;
        left.inspect<Type>([&](const Type& error) { accepted = accepts_(error); });
        return accepted;
    }

    Predicate accepts_;
    std::exception_ptr swallowed_;
};

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>

#include <exception>
#include <utility>

namespace withal {

template <class Predicate, class... E>
class suppress_manager;

/// Lets exceptions of the types E, and of types derived from them, end here. `with` then returns a
/// value that may be missing.
///
///     struct not_found {};
///     bool removed = static_cast<bool>(with(suppress<not_found>(), [] { throw not_found(); }));
///
/// With a predicate, only those it accepts, as `const E&`:
///
///     with(suppress<int>([](int code) { return code == 2; }), [] { throw 2; });
///
/// One statement in the body is best: the statements after the one that threw do not run.
///
/// **Suppresses.** What it says; a predicate that throws is a failed exit.
/// **Python.** `contextlib.suppress` (U3). `swallowed()` says what it was.
template <class... E>
[[nodiscard]] auto suppress() noexcept;

template <class... E, class Predicate>
[[nodiscard]] auto suppress(Predicate accepts);

//
// Implementation
//

namespace detail {
struct accept_all {
    template <class E>
    constexpr bool operator()(const E&) const noexcept {
        return true;
    }
};
} // namespace detail

template <class Predicate, class... E>
class [[nodiscard]] suppress_manager {
    static_assert(sizeof...(E) > 0,
                  "withal::suppress: name the types of exceptions to suppress, as "
                  "in suppress<std::system_error>()");

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

template <class... E>
auto suppress() noexcept {
    return suppress_manager<detail::accept_all, E...>(detail::accept_all());
}

template <class... E, class Predicate>
auto suppress(Predicate accepts) {
    return suppress_manager<Predicate, E...>(static_cast<Predicate&&>(accepts));
}

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/when_manager.hpp>
#include <withal/core/manager.hpp>

namespace withal {

/// The manager if `condition` holds, and nothing otherwise: the same code with and without.
///
///     struct gate {
///         void enter() {}
///         void exit() {}
///     };
///     gate shared; // owned outside: a lock made here would guard nothing
///     bool many_threads = true;
///     with(when(many_threads, shared), [] { /* ... */ });
///
/// **Returns.** A manager whose resource may be missing: none for a manager that enters to void,
/// `T*` for one that enters to `T&`, `std::optional<T>&` for one that enters to a T.
/// **Lifetime.** An lvalue manager is referred to, an rvalue is moved in, also if unused.
template <context_manager M>
[[nodiscard]] when_manager<M> when(bool condition, M&& manager) {
    return when_manager<M>(condition, static_cast<M&&>(manager));
}

} // namespace withal

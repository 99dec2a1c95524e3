// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>

namespace withal {

/// A manager that does nothing, for code that has one only sometimes.
class [[nodiscard]] null_manager {
public:
    static constexpr reuse reuse_category = reuse::reentrant;
    void enter() noexcept {}
    void exit() noexcept {}
};

/// The same with a value for the body: `X&` refers, an X is kept.
///
/// **Lifetime.** A kept value lives as long as the manager, across several uses.
template <class X>
class [[nodiscard]] null_value_manager {
public:
    static constexpr reuse reuse_category = reuse::reentrant;
    explicit null_value_manager(X&& value) : value_(static_cast<X&&>(value)) {}
    auto& enter() noexcept { return value_; }
    void exit() noexcept {}

private:
    X value_;
};

/// Enters to nothing, or to `value`, and has nothing to give back.
///
///     int doubled = with(null_context(21), [](int& n) { return 2 * n; });
///
/// **Python.** `contextlib.nullcontext` (U2).
[[nodiscard]] inline null_manager null_context() noexcept {
    return {};
}

template <class X>
[[nodiscard]] null_value_manager<X> null_context(X&& value) {
    return null_value_manager<X>(static_cast<X&&>(value));
}

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/raii_manager.hpp>

namespace withal {

/// A manager from a callable that makes an RAII object: enter makes it, exit destroys it.
///
///     struct guard {
///         ~guard() {}
///     };
///     with(as_manager([] { return guard(); }), [](guard& held) { static_cast<void>(held); });
///
/// The object need not be movable. Reusable; entered again before its exit it throws logic_error.
///
/// An object whose destructor asks std::uncaught_exceptions() whether to roll back is answered as
/// it would be without withal.
///
/// **Throws.** From exit nothing, unless the destructor says noexcept(false).
template <class Make>
[[nodiscard]] raii_manager<Make> as_manager(Make make) {
    return raii_manager<Make>(static_cast<Make&&>(make));
}

} // namespace withal

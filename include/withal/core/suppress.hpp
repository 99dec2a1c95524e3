// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/suppress_manager.hpp>

namespace withal {

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

template <class... E>
auto suppress() noexcept {
    return suppress_manager<detail::accept_all, E...>(detail::accept_all());
}

template <class... E, class Predicate>
auto suppress(Predicate accepts) {
    return suppress_manager<Predicate, E...>(static_cast<Predicate&&>(accepts));
}

} // namespace withal

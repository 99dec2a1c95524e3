// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/all_manager.hpp>
#include <withal/core/manager.hpp>

namespace withal {

/// Several managers as one: entered from left to right, exited from right to left.
///
///     auto workplace = all(null_context(1), null_context(2));
///     int sum = with(workplace, [](auto& both) {
///         auto& [a, b] = both;
///         return a + b;
///     });
///
/// A value to be made in one place and entered in another, as `with(a, b, body)` cannot be. The
/// rules are those of with(): each is exited once, whatever the others do, and keep_body decides.
///
/// **Returns.** A manager that enters to a std::tuple of references to the resources, those of void
/// managers left out; to void if all are. It may suppress if one of them may; but an error from the
/// enter() of a later one is thrown also where an earlier one would suppress it: there is no body
/// to skip.
/// **Lifetime.** Lvalues are referred to, rvalues are moved in.
template <context_manager... M>
[[nodiscard]] all_manager<M...> all(M&&... managers) {
    return all_manager<M...>(static_cast<M&&>(managers)...);
}

} // namespace withal

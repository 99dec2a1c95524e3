// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/decorated.hpp>
#include <withal/core/error.hpp>
#include <withal/core/manager.hpp>

#include <source_location>
#include <type_traits>

namespace withal {

/// A function that runs inside a manager at each call.
///
///     struct gate {
///         void enter() {}
///         void exit() {}
///     };
///     gate shared;
///     auto twice = decorate(shared, [](int n) { return 2 * n; });
///     int number = twice(21);
///
/// A callable without parameters in place of the manager is a factory: it makes a new one for each
/// call. A single-use manager needs one, and so does a recursive function, unless its manager is
/// reentrant.
///
///     auto counted = decorate([] { return null_context(); }, [](int n) { return n; });
///
/// **Effects.** Each call enters, calls f with the arguments, exits, as with() does; f is not given
/// the resource. An f that returns a coroutine is refused: it would run after the exit.
/// **Returns.** A callable; its calls return what with() returns: the result of f, or, if the
/// manager may suppress, std::optional<T>, T* or `completed`. It is const and copyable as far as
/// its parts are.
/// **Threads.** As f and the manager.
/// **Lifetime.** An lvalue manager is referred to, an rvalue moved in; a factory and f are kept.
/// **Python.** ContextDecorator (D1, D2), and a suppressed call is empty, not None.
template <both_failed Policy = both_failed::keep_body, class Around, class F>
[[nodiscard]] auto
decorate(Around&& around, F f, std::source_location where = std::source_location::current());

//
// Implementation
//

template <both_failed Policy, class Around, class F>
auto decorate(Around&& around, F f, std::source_location where) {
    static_assert(context_manager<Around> || detail::manager_factory<Around>,
                  "withal::decorate: the first argument is neither a context manager nor a "
                  "callable without parameters that makes one");
    if constexpr (context_manager<Around>) {
        static_assert(reuse_of<Around> != reuse::single_use,
                      "withal::decorate: this manager can be entered only once; pass a factory, a "
                      "callable that makes a new one for each call");
        return decorated<Policy, Around, F>(
            static_cast<Around&&>(around), static_cast<F&&>(f), where);
    } else {
        return decorated<Policy, std::decay_t<Around>, F>(
            static_cast<Around&&>(around), static_cast<F&&>(f), where);
    }
}

} // namespace withal

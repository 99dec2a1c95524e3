// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/run.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/result.hpp>
#include <withal/core/scoped.hpp>

#include <source_location>

namespace withal {

/// Enters the managers from left to right, runs the body, the last argument, with what they
/// returned, and exits them from right to left, however the body leaves.
///
///     struct door {
///         int enter() { return 7; }
///         void exit(const outcome& left) noexcept { closed_well = left.returned(); }
///         bool closed_well = false;
///     };
///     door front;
///     int number = with(front, door{}, [](int& a, int& b) { return a + b; });
///
/// A callable before the body is a factory: it makes the next manager from the resources so far.
///
///     int sum = with(door{}, [](int& n) { return null_context(n + 1); },
///                    [](int& n, int& m) { return n + m; });
///
/// **Effects.** Every manager that was entered is exited exactly once. One whose enter() throws is
/// not; those before it are, and see that error. A later exit runs though one failed. Resources go
/// to the body as lvalues; those of managers that return void are left out. An lvalue manager is
/// used in place. One that a factory made dies after its own exit and before the next one's.
/// **Returns.** What the body returns (T, T&, void). If a manager may suppress: std::optional<T>,
/// T* or `completed`, empty if it did.
/// **Throws.** What the body throws, the same object; errors of exits are secondary to it
/// (secondary_errors). If the body succeeded, the first error of an exit.
/// An exit must not put the exception it is shown into the one it throws (std::throw_with_nested):
/// the two would own each other, and never end.
/// **Cost.** On success the instructions of hand-written code.
/// **Lifetime.** Until the exits have run, for everything: managers, resources, the body's result.
/// **Python.** `with a as x, b as y:` (W1 to W12), but by default the body's error goes on, not the
/// exit's; `with<both_failed::replace>` is Python's rule.
template <both_failed Policy = both_failed::keep_body, class M, class Body>
[[gnu::always_inline]] inline decltype(auto)
with(M&& manager, Body&& body, std::source_location where = std::source_location::current()) {
    return detail::run_with<Policy>(where, static_cast<Body&&>(body), static_cast<M&&>(manager));
}

template <both_failed Policy = both_failed::keep_body, class M1, class M2, class Body>
[[gnu::always_inline]] inline decltype(auto)
with(M1&& m1, M2&& m2, Body&& body, std::source_location where = std::source_location::current()) {
    return detail::run_with<Policy>(
        where, static_cast<Body&&>(body), static_cast<M1&&>(m1), static_cast<M2&&>(m2));
}

template <both_failed Policy = both_failed::keep_body, class M1, class M2, class M3, class Body>
[[gnu::always_inline]] inline decltype(auto)
with(M1&& m1,
     M2&& m2,
     M3&& m3,
     Body&& body,
     std::source_location where = std::source_location::current()) {
    return detail::run_with<Policy>(where,
                                    static_cast<Body&&>(body),
                                    static_cast<M1&&>(m1),
                                    static_cast<M2&&>(m2),
                                    static_cast<M3&&>(m3));
}

/// Four managers and more: as above, but observers are not told where the call stands.
template <both_failed Policy = both_failed::keep_body, class... Arguments>
    requires(sizeof...(Arguments) > 4)
[[gnu::always_inline]] inline decltype(auto) with(Arguments&&... arguments) {
    return detail::last_first<1, detail::use_with<Policy>>::call(
        static_cast<Arguments&&>(arguments)...);
}

/// with(), but nothing is thrown: the error is in the result.
///
///     result<int> tried = try_with(null_context(), []() -> int { throw 42; });
///     bool failed = tried.error() != nullptr;
///
/// **Throws.** Nothing; but the cancellation of a POSIX thread (abi::__forced_unwind) passes
/// through, as it must.
template <both_failed Policy = both_failed::keep_body, class M, class Body>
auto try_with(M&& manager,
              Body&& body,
              std::source_location where = std::source_location::current()) {
    return detail::run_try<Policy>(where, static_cast<Body&&>(body), static_cast<M&&>(manager));
}

template <both_failed Policy = both_failed::keep_body, class M1, class M2, class Body>
auto try_with(M1&& m1,
              M2&& m2,
              Body&& body,
              std::source_location where = std::source_location::current()) {
    return detail::run_try<Policy>(
        where, static_cast<Body&&>(body), static_cast<M1&&>(m1), static_cast<M2&&>(m2));
}

template <both_failed Policy = both_failed::keep_body, class... Arguments>
    requires(sizeof...(Arguments) > 3)
auto try_with(Arguments&&... arguments) {
    return detail::last_first<1, detail::use_try<Policy>>::call(
        static_cast<Arguments&&>(arguments)...);
}

/// with(), and if a manager suppressed the error, the value of the last argument, a callable.
///
///     int n = with_or(suppress<int>(), []() -> int { throw 42; }, [] { return -1; });
///
/// **Returns.** What the body returns, always. The fallback runs after every exit.
template <both_failed Policy = both_failed::keep_body, class M, class Body, class Fallback>
decltype(auto) with_or(M&& manager,
                       Body&& body,
                       Fallback&& fallback,
                       std::source_location where = std::source_location::current()) {
    return detail::run_or<Policy>(where,
                                  static_cast<Fallback&&>(fallback),
                                  static_cast<Body&&>(body),
                                  static_cast<M&&>(manager));
}

template <both_failed Policy = both_failed::keep_body, class... Arguments>
    requires(sizeof...(Arguments) > 3)
decltype(auto) with_or(Arguments&&... arguments) {
    return detail::last_first<2, detail::use_or<Policy>>::call(
        static_cast<Arguments&&>(arguments)...);
}

} // namespace withal

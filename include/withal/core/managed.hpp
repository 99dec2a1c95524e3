// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/generator.hpp>
#include <withal/core/generator_error.hpp> // IWYU pragma: export
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <coroutine>
#include <type_traits>

namespace withal {

/// A manager written as a generator: a coroutine that acquires, yields what it has exactly once,
/// and releases.
///
///     struct table {
///         managed<int> change(int row) { // commits, or rolls back
///             int working_copy = row;
///             try {
///                 co_yield working_copy;
///             } catch (...) {
///                 // roll back
///                 throw;
///             }
///             // commit: reached after success only
///         }
///     };
///     table prices;
///     with(prices.change(7), [](int& row) { ++row; });
///
/// The body runs at the co_yield. Its exception is thrown there, the very object, so that `try`
/// around the co_yield and destructors of locals see it. A body that fails without an exception is
/// a body_failed there. What the generator does with it does not matter: a managed never
/// suppresses, and the body's exception goes on.
///
/// T is any type: a reference (the resource is elsewhere), move-only or immovable (it stays in the
/// generator), or void, with `co_yield withal::nothing`. A temporary may be yielded, and lives
/// until the exit; but name the resource first unless it is made by one constructor call: GCC 12
/// destroys temporaries twice in a co_yield with a `?:`, an aggregate or a capturing lambda in it.
///
/// **Throws.** At enter what the generator throws before its co_yield. At exit what it throws, if
/// that is another exception than it was shown; generator_error if it does not co_yield exactly
/// once. logic_error if it is entered a second time, or after a move from it.
/// std::bad_alloc from the call of the generator function, before anything of it has run.
/// **Lifetime.** The call only copies or moves the arguments into the frame; the first line runs at
/// enter. So a parameter that is a reference, the object of a member function and the captures of a
/// lambda must live until the exit: a generator is best a function that takes what it keeps by
/// value. (A parameter `T&&` is refused: take T.) The frame dies inside the exit. A managed that is
/// dropped runs nothing before its enter, and no more than its destructors after it. It can be
/// moved, also while it is entered: the resource stays where it is.
/// **Threads.** Enter, exit and end may happen on different threads, one after another.
/// **Cost.** Two resumptions. The frame is recycled by the thread: no allocation but the first.
/// **Python.** `@contextmanager` (G5 to G12). There a generator that catches also suppresses: that
/// is suppressing_managed. Code behind the yield does not run in either when the body failed (G12).
template <class T>
class [[nodiscard]] managed {
    using generator = detail::generator<managed, T>;

public:
    static constexpr reuse reuse_category = reuse::single_use;
    using promise_type = typename generator::promise_type;

    std::add_lvalue_reference_t<T> enter() { return generator_.enter(); }
    void exit(const outcome& left) { generator_.exit(left); }

private:
    friend promise_type;
    explicit managed(std::coroutine_handle<promise_type> frame) noexcept : generator_(frame) {}

    generator generator_;
};

/// The same, but a generator that catches the body's exception and finishes suppresses it.
///
///     struct tools {
///         static suppressing_managed<void> ignore_numbers() {
///             try {
///                 co_yield nothing;
///             } catch (int) {
///             }
///         }
///     };
///     bool ran_to_its_end = bool(with(tools::ignore_numbers(), [] { throw 42; }));
///
/// A cancellation is not suppressed: whoever asked for it decides. Nor is a body_failed: a failure
/// that the body returned goes to its caller.
///
/// **Python.** `@contextmanager`; suppressing is to finish, not to return something (G9).
template <class T>
class [[nodiscard]] suppressing_managed {
    using generator = detail::generator<suppressing_managed, T>;

public:
    static constexpr reuse reuse_category = reuse::single_use;
    using promise_type = typename generator::promise_type;

    std::add_lvalue_reference_t<T> enter() { return generator_.enter(); }
    verdict exit(const outcome& left) {
        return generator_.exit(left) ? verdict::suppress : verdict::propagate;
    }

private:
    friend promise_type;
    explicit suppressing_managed(std::coroutine_handle<promise_type> frame) noexcept
        : generator_(frame) {}

    generator generator_;
};

} // namespace withal

//
// Implementation
//

/// Sees the types of a generator's parameters.
template <class T, class... Parameters>
struct std::coroutine_traits<withal::managed<T>, Parameters...>
    : withal::detail::generator_traits<withal::managed<T>, Parameters...> {};

template <class T, class... Parameters>
struct std::coroutine_traits<withal::suppressing_managed<T>, Parameters...>
    : withal::detail::generator_traits<withal::suppressing_managed<T>, Parameters...> {};

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <type_traits>

namespace withal {

template <class X, class Close>
class closing_manager;

/// Closes an object when the body has left: any object with close(), or with something like it.
///
///     struct connection {
///         void close() {}
///         void hang_up(int) {}
///     };
///     connection line;
///     with(closing(line), [](connection& c) { static_cast<void>(c); });
///     with(closing(line, [](connection& c) { c.hang_up(3); }), [](connection&) {});
///
/// It only closes: what was written must be flushed or committed by the body, or by a manager that
/// knows how (sqlite_transaction).
///
/// **Effects.** At exit `x.close()`, `f(x)`, or `(x.*f)()` for a member; what it returns is
/// dropped, what it throws is the failure of the exit.
/// **Lifetime.** An lvalue is referred to, an rvalue is moved in. Reusable, if the object is.
/// **Python.** `contextlib.closing` (U1), and the method may have another name.
template <class X>
[[nodiscard]] auto closing(X&& object);

template <class X, class Close>
[[nodiscard]] auto closing(X&& object, Close close);

//
// Implementation
//

namespace detail {

template <class X>
concept has_close = requires(X& object) { object.close(); };
template <class Close, class X>
concept closes = requires(X& object, Close& close) { close(object); } ||
                 requires(X& object, Close& close) { (object.*close)(); };

} // namespace detail

template <class X, class Close>
class [[nodiscard]] closing_manager {
public:
    closing_manager(X&& object, Close close)
        : object_(static_cast<X&&>(object)), close_(static_cast<Close&&>(close)) {}

    auto& enter() noexcept { return object_; }
    void exit() noexcept(noexcept(call(close_, object_))) { call(close_, object_); }

private:
    template <class F, class Object>
    static auto call(F& close, Object& object) noexcept(noexcept(close(object)))
        -> decltype(static_cast<void>(close(object))) {
        static_cast<void>(close(object));
    }
    template <class F, class Object>
    static auto call(F close, Object& object) noexcept(noexcept((object.*close)()))
        -> decltype(static_cast<void>((object.*close)())) {
        static_cast<void>((object.*close)());
    }

    X object_;
    Close close_;
};

template <class X, class Close>
auto closing(X&& object, Close close) {
    static_assert(detail::closes<Close, std::remove_reference_t<X>>,
                  "withal::closing: this does not close the object; give closing() a callable "
                  "f(object&) or a member function without parameters");
    return closing_manager<X, Close>(static_cast<X&&>(object), static_cast<Close&&>(close));
}

template <class X>
auto closing(X&& object) {
    static_assert(detail::has_close<std::remove_reference_t<X>>,
                  "withal::closing: the object has no close(); name what closes it, as in "
                  "closing(x, &T::hang_up)");
    return closing(static_cast<X&&>(object),
                   [](auto& open) noexcept(noexcept(open.close())) { open.close(); });
}

} // namespace withal

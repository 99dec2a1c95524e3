// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/type_name.hpp>
#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>

#include <concepts>
#include <type_traits>

namespace withal {

/// Adapts a type that has no enter() and exit() of its own.
///
///     // template <> struct withal::manager_traits<semaphore> {
///     //     static void enter(semaphore& s) { s.acquire(); }
///     //     static void exit(semaphore& s) noexcept { s.release(); }  // or exit(s, const outcome&)
///     // };
///
/// Anything with lock() and unlock() is adapted already: enter locks, exit unlocks.
template <class T>
struct manager_traits;

/// How often a manager may be entered. A manager says so with
/// `static constexpr reuse reuse_category = reuse::...;`.
enum class reuse : unsigned char {
    single_use, ///< Once.
    reusable,   ///< Again, after its exit. What a manager is if it does not say.
    reentrant,  ///< Again, also while it is entered.
};

/// Makes a manager single-use: every driver then refuses to enter the same object twice, with a
/// logic_error that names its type.
///
///     struct ticket : single_use {
///         void enter() {}
///         void exit() {}
///     };
///
/// **Python.** R1; a generator manager entered twice is an AttributeError there (G11).
class single_use {
public:
    static constexpr reuse reuse_category = reuse::single_use;

    /// Throws logic_error if the object was used. Drivers call it before enter().
    void use_once(const char* manager);

private:
    bool used_ = false;
};

//
// Implementation
//

inline void single_use::use_once(const char* manager) {
    if (used_) {
        throw logic_error(manager,
                          ": this manager can be entered only once; make a new one for each use");
    }
    used_ = true;
}

namespace detail {

template <class M>
concept own_enter = requires(M& m) { m.enter(); };

template <class M>
concept own_exit = requires(M& m, const outcome& left) { m.exit(left); } ||
                   requires(M& m) { m.exit(); };

template <class T>
concept lockable = requires(T& lock) {
    lock.lock();
    lock.unlock();
};

} // namespace detail

template <detail::lockable T>
    requires(!detail::own_enter<T>)
struct manager_traits<T> {
    static void enter(T& lock) { lock.lock(); }
    static void exit(T& lock) noexcept { lock.unlock(); }
};

namespace detail {

/// The calls of one manager type, own members or traits: `enter(m)`, `exit(m, left)`.
template <class M>
struct protocol {
    static constexpr bool asks = requires(M& m, const outcome& left) {
        manager_traits<M>::exit(m, left);
    };
    static decltype(auto) enter(M& m)
        requires requires { manager_traits<M>::enter(m); }
    {
        return manager_traits<M>::enter(m);
    }
    [[gnu::always_inline]] static decltype(auto)
    exit(M& m, const outcome& left) noexcept(noexcept(manager_traits<M>::exit(m, left)))
        requires asks
    {
        return manager_traits<M>::exit(m, left);
    }
    [[gnu::always_inline]] static decltype(auto)
    exit(M& m, const outcome&) noexcept(noexcept(manager_traits<M>::exit(m)))
        requires(!asks && requires { manager_traits<M>::exit(m); })
    {
        return manager_traits<M>::exit(m);
    }
};

template <class M>
    requires(own_enter<M> || own_exit<M>)
struct protocol<M> {
    static constexpr bool asks = requires(M& m, const outcome& left) { m.exit(left); };

    [[gnu::always_inline]] static decltype(auto) enter(M& m) noexcept(noexcept(m.enter()))
        requires own_enter<M>
    {
        return m.enter();
    }
    [[gnu::always_inline]] static decltype(auto)
    exit(M& m, const outcome& left) noexcept(noexcept(m.exit(left)))
        requires asks
    {
        return m.exit(left);
    }
    [[gnu::always_inline]] static decltype(auto)
    exit(M& m, const outcome&) noexcept(noexcept(m.exit()))
        requires(!asks && own_exit<M>)
    {
        return m.exit();
    }
};

template <class M>
using exit_result_t =
    decltype(protocol<M>::exit(std::declval<M&>(), std::declval<const outcome&>()));

template <class R>
concept exit_answer =
    std::is_void_v<R> || std::same_as<R, verdict> || std::same_as<R, verdict::plain>;

template <class M>
concept enterable = requires(M& m) { protocol<M>::enter(m); };
template <class M>
concept exitable = requires(M& m, const outcome& left) { protocol<M>::exit(m, left); };

} // namespace detail

/// A type that `with` can enter: `enter()`, and `exit()` or `exit(const outcome&)` returning void or
/// verdict, its own or by manager_traits.
template <class M>
concept context_manager =
    // acquires; what it returns is what the body gets
    detail::enterable<std::remove_reference_t<M>> &&
    // releases; may ask how the body left
    detail::exitable<std::remove_reference_t<M>> &&
    // answers nothing, or in words: a bool would not say what is true
    detail::exit_answer<detail::exit_result_t<std::remove_reference_t<M>>>;

/// What enter() returns: void, a value, or a reference.
template <context_manager M>
using entered_t = decltype(detail::protocol<std::remove_reference_t<M>>::enter(
    std::declval<std::remove_reference_t<M>&>()));

/// Can this manager suppress the body's exception? If so, `with` has a result that can be empty.
template <context_manager M>
inline constexpr bool may_suppress =
    !std::is_void_v<detail::exit_result_t<std::remove_reference_t<M>>>;

/// How often it may be entered; reusable if it does not say.
template <class M>
inline constexpr reuse reuse_of = [] {
    if constexpr (requires { std::remove_reference_t<M>::reuse_category; }) {
        return std::remove_reference_t<M>::reuse_category;
    } else {
        return reuse::reusable;
    }
}();

namespace detail {

template <class M>
inline constexpr bool exit_is_noexcept =
    noexcept(protocol<M>::exit(std::declval<M&>(), std::declval<const outcome&>()));

/// Enters m, after asking a single-use one whether it is fresh.
template <class M>
[[gnu::always_inline]] inline decltype(auto) enter_manager(M& m) {
    if constexpr (std::derived_from<M, single_use>) {
        m.use_once(type_name<std::remove_cv_t<M>>());
    }
    return protocol<M>::enter(m);
}

template <class M>
concept labelled = requires(const M& m) {
    { m.label() } noexcept -> std::same_as<const char*>;
};
template <class M>
concept noted = requires(const M& m) {
    { m.note() } noexcept -> std::same_as<const char*>;
};

template <class M>
[[nodiscard]] const char* label_of(const M& m) noexcept {
    if constexpr (labelled<M>) {
        return m.label();
    } else {
        return type_name<M>();
    }
}

template <class M>
[[nodiscard]] const char* note_of(const M& m) noexcept {
    if constexpr (noted<M>) {
        return m.note();
    } else {
        return nullptr;
    }
}

} // namespace detail

} // namespace withal

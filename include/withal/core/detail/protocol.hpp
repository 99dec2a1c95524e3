// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace withal {

template <class T>
struct manager_traits;

} // namespace withal

namespace withal::detail {

template <class M>
concept own_enter = requires(M& m) { m.enter(); };

template <class M>
concept own_exit =
    requires(M& m, const outcome& left) { m.exit(left); } || requires(M& m) { m.exit(); };

template <class T>
concept lockable = requires(T& lock) {
    lock.lock();
    lock.unlock();
};

/// Is there a usable specialization? It is preferred: members called enter or exit may mean other
/// things in a foreign type.
template <class M>
concept adapted = requires(M& m) { manager_traits<M>::enter(m); };

/// The calls of one manager type, own members or traits: `enter(m)`, `exit(m, left)`.
template <class M>
struct protocol {
    static constexpr bool asks =
        requires(M& m, const outcome& left) { manager_traits<M>::exit(m, left); };
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
    requires((own_enter<M> || own_exit<M>) && !adapted<M>)
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
    [[gnu::always_inline]] static decltype(auto) exit(M& m,
                                                      const outcome&) noexcept(noexcept(m.exit()))
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

template <class M>
inline constexpr bool exit_is_noexcept =
    noexcept(protocol<M>::exit(std::declval<M&>(), std::declval<const outcome&>()));

} // namespace withal::detail

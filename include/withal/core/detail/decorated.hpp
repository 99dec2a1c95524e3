// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/frame.hpp>
#include <withal/core/detail/run.hpp>
#include <withal/core/error.hpp>
#include <withal/core/manager.hpp>

#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

// What a decorated function asks before a call, and how it makes one.
namespace withal::detail {

template <class Make>
concept manager_factory = requires(Make& make) {
    { make() } -> context_manager;
};

/// Work that only begins, or goes on, after the call is back: a coroutine, or what can be awaited.
template <class R>
concept finishes_later = requires { typename std::remove_cvref_t<R>::promise_type; } ||
                         requires(R (&call)()) { call().operator co_await(); } ||
                         requires(R (&call)()) { operator co_await(call()); } ||
                         requires(R (&call)()) { call().await_ready(); };

/// Can F be called with these arguments inside Around, a manager or what makes one?
template <class Around, class F, class... Arguments>
concept callable_inside =
    (context_manager<Around> || manager_factory<Around>) && std::is_invocable_v<F&, Arguments...>;

template <class Around, class F, class... Arguments>
struct decorated_call {};

template <class Around, class F, class... Arguments>
    requires callable_inside<Around, F, Arguments...>
struct decorated_call<Around, F, Arguments...> {
    using returned = std::invoke_result_t<F&, Arguments...>;
    using result = typename plain_ends<returned, frame_of<Around&>::some_may_suppress>::type;

    [[gnu::always_inline]] static returned run(F& f, Arguments&&... arguments) {
        if constexpr (std::is_member_pointer_v<std::remove_cv_t<F>>) {
            return std::apply(f,
                              std::tuple<Arguments&&...>(static_cast<Arguments&&>(arguments)...));
        } else {
            return f(static_cast<Arguments&&>(arguments)...);
        }
    }
};

} // namespace withal::detail

namespace withal {

/// What decorate() returns.
template <both_failed Policy, class Around, class F>
class [[nodiscard]] decorated {
    template <class Held, class Function, class... Arguments>
    using result_of = typename detail::decorated_call<Held, Function, Arguments...>::result;

public:
    template <class From>
    decorated(From&& around, F&& f, std::source_location where)
        : around_(static_cast<From&&>(around)), f_(static_cast<F&&>(f)), where_(where) {}

    template <class... Arguments>
    auto operator()(Arguments&&... arguments) -> result_of<Around, F, Arguments...> {
        return call(where_, around_, f_, static_cast<Arguments&&>(arguments)...);
    }
    template <class... Arguments>
    auto operator()(Arguments&&... arguments) const
        -> result_of<const Around, const F, Arguments...> {
        return call(where_, around_, f_, static_cast<Arguments&&>(arguments)...);
    }

private:
    template <class Held, class Function, class... Arguments>
    static auto
    call(std::source_location where, Held& around, Function& f, Arguments&&... arguments)
        -> result_of<Held, Function, Arguments...> {
        using inside = detail::decorated_call<Held, Function, Arguments...>;
        using returned = typename inside::returned;
        static_assert(!detail::finishes_later<returned>,
                      "withal::decorate: this function returns a coroutine or something to await, "
                      "which would run after the exit; enter the manager inside the coroutine");
        return detail::run_with<Policy>(
            where,
            [&](auto&...) -> returned {
                return inside::run(f, static_cast<Arguments&&>(arguments)...);
            },
            around);
    }

    Around around_;
    F f_;
    std::source_location where_;
};

} // namespace withal

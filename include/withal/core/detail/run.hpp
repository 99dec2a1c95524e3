// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/detail/frame.hpp>
#include <withal/core/detail/result_access.hpp>
#include <withal/core/detail/watched.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/result.hpp>

#include <exception>
#include <new>
#include <optional>

// How a call of with() runs: which code it is given, and what it ends in.
namespace withal::detail {

/// A T that may be missing, for with() when a manager may suppress.
template <class T>
struct maybe_missing {
    using type = std::optional<std::remove_cv_t<T>>;
    static type made(T&& value) { return type(std::in_place, static_cast<T&&>(value)); }
    static type missing() noexcept { return {}; }
};
template <class T>
struct maybe_missing<T&> {
    using type = T*;
    static type made(T& value) noexcept { return __builtin_addressof(value); }
    static type missing() noexcept { return nullptr; }
};
template <>
struct maybe_missing<void> {
    using type = completed;
    static type made() noexcept { return completed(true); }
    static type missing() noexcept { return completed(false); }
};

/// The ends of with() where a manager may suppress.
template <class T, bool MaySuppress>
struct plain_ends {
    using type = typename maybe_missing<T>::type;
    static constexpr bool throws = true;
    static constexpr bool may_suppress = true;
    template <class... Value>
    [[gnu::always_inline]] static type value(Value&&... value) {
        return maybe_missing<T>::made(static_cast<Value&&>(value)...);
    }
    [[gnu::always_inline]] static type suppressed() { return maybe_missing<T>::missing(); }
};

/// The ends of with() where none may: exactly T.
template <class T>
struct plain_ends<T, false> {
    using type = T;
    static constexpr bool throws = true;
    static constexpr bool may_suppress = false;
    static void value() noexcept {}
    template <class Value>
    [[gnu::always_inline]] static T value(Value&& value) {
        return static_cast<T>(static_cast<Value&&>(value));
    }
};

/// The ends of try_with(): nothing is thrown.
template <class T>
struct result_ends {
    using type = result<T>;
    static constexpr bool throws = false;
    static constexpr bool may_suppress = true;
    template <class... Value>
    static type value(Value&&... value) {
        return result_access::value<T>(static_cast<Value&&>(value)...);
    }
    static type failed(const unwinding<cpp_exceptions>& law) noexcept {
        if (law.current() == nullptr) {
            return result_access::suppressed<T>();
        }
        return result_access::error<T>(law.grouped() ? detail::grouped(law.current())
                                                     : law.current());
    }
};

template <class Frame, class Body>
struct body_of {
    static_assert(
        Frame::resources::template accepted_by<Body>,
        "withal::with: the body cannot be called with what the managers' enter() returned, "
        "as lvalues, in their order, those that return void left out");
    using result = typename Frame::resources::template result<Body>;
};

/// Every exit is noexcept and asks nothing: guards, and no handler at all.
template <class Outer, class Frame, class Body, class First, class... Rest>
[[gnu::always_inline]] inline decltype(auto)
run_guarded(Frame& frame, Body&& body, First&& first, Rest&&... rest) {
    using here = level<Outer, First>;
    here& one = static_cast<here&>(frame);
    one.enter(static_cast<First&&>(first));
    const at_end guard([&one]() noexcept { one.leave_one(); });
    if constexpr (sizeof...(Rest) > 0) {
        return detail::run_guarded<here>(
            frame, static_cast<Body&&>(body), static_cast<Rest&&>(rest)...);
    } else {
        return frame.apply(static_cast<Body&&>(body));
    }
}

/// The exception that a handler has caught. A cancelled thread, or an exception that is not C++'s,
/// cannot be held: the exits run at once, and it goes on.
template <class Exits>
[[gnu::always_inline]] inline std::exception_ptr caught(const Exits& exits, unsigned live) {
    std::exception_ptr error = std::current_exception();
    if (error == nullptr) {
        exits.abandon(live);
        throw;
    }
    return error;
}

/// Runs the exits that are left; one function for all calls with the same managers. It runs inside
/// the handler, which can then rethrow at once: from outside, throwing through five managers costs
/// a third more. Returns true if the exception was suppressed, false if the handler is to rethrow
/// it, and throws what goes on instead.
template <both_failed Policy, class Exits>
[[gnu::cold]] [[gnu::noinline]] bool run_exits_of_with(const Exits exits, unsigned live) {
    unwinding<cpp_exceptions> law(detail::caught(exits, live), Policy);
    exits.unwind(law, live);
    switch (law.finish()) {
    case ending::propagate:
        return false;
    case ending::raise:
        if (law.grouped()) {
            std::rethrow_exception(detail::grouped(law.current()));
        }
        std::rethrow_exception(law.current());
    default:
        return true;
    }
}

/// The same for try_with().
template <class Ends, both_failed Policy, class Exits>
[[gnu::cold]] [[gnu::noinline]] typename Ends::type run_exits_of_try(const Exits exits,
                                                                     unsigned live) {
    unwinding<cpp_exceptions> law(detail::caught(exits, live), Policy);
    exits.unwind(law, live);
    return Ends::failed(law);
}

/// What a handler ends in.
template <class Ends, both_failed Policy, class Frame>
[[gnu::always_inline]] inline typename Ends::type run_failed(Frame& frame) {
    if constexpr (!Ends::throws) {
        return detail::run_exits_of_try<Ends, Policy>(frame.all_exits(), frame.live());
    } else if (frame.live() == 0) {
        throw;
    } else if constexpr (Ends::may_suppress) {
        if (detail::run_exits_of_with<Policy>(frame.all_exits(), frame.live())) {
            return Ends::suppressed();
        }
        throw;
    } else {
        detail::run_exits_of_with<Policy>(frame.all_exits(), frame.live());
        throw;
    }
}

/// The exits are noexcept, so the body's result can be made where the caller wants it.
template <class Ends, both_failed Policy, class Frame, class Body, class... Arguments>
[[gnu::always_inline]] inline typename Ends::type
run_in_place(Frame& frame, Body&& body, Arguments&&... arguments) {
    bool succeeded = true;
    const at_end guard([&]() noexcept {
        if (succeeded) {
            frame.leave(success_outcome);
        }
    });
    try {
        detail::enter_all<frame_root>(frame, static_cast<Arguments&&>(arguments)...);
        return frame.apply(static_cast<Body&&>(body));
    } catch (...) {
        succeeded = false;
        return detail::run_failed<Ends, Policy>(frame);
    }
}

/// The rest of a call of with() once the outermost manager is entered, or is about to be: whatever
/// throws, the exits run. The result waits in this frame until they have.
template <class Ends, both_failed Policy, class Outer, class Frame, class Body, class... Arguments>
[[gnu::always_inline]] inline typename Ends::type
run_checked(Frame& frame, Body&& body, Arguments&&... arguments) {
    using result_type = typename body_of<Frame, Body>::result;
    try {
        detail::enter_all<Outer>(frame, static_cast<Arguments&&>(arguments)...);
        if constexpr (std::is_void_v<result_type>) {
            frame.apply(static_cast<Body&&>(body));
            frame.leave(success_outcome);
            return Ends::value();
        } else {
            static_assert(
                std::is_reference_v<result_type> || std::is_move_constructible_v<result_type>,
                "withal::with: the body's result cannot be moved, and an exit may throw or "
                "suppress after it is made; make every exit noexcept and void, or return "
                "something movable");
            result_type value = frame.apply(static_cast<Body&&>(body));
            if constexpr (can_fail<std::remove_cvref_t<result_type>>) {
                const outcome left =
                    detail::is_failure(value) ? outcome_access::failure_value() : success_outcome;
                frame.leave(left);
            } else {
                frame.leave(success_outcome);
            }
            return Ends::value(static_cast<result_type&&>(value));
        }
    } catch (...) {
        return detail::run_failed<Ends, Policy>(frame);
    }
}

/// Any exits. Where the outermost enter() throws there is nothing to undo, and no handler to pay
/// for.
template <class Ends, both_failed Policy, class Frame, class Body, class First, class... Rest>
[[gnu::always_inline]] inline typename Ends::type
run_any(Frame& frame, Body&& body, First&& first, Rest&&... rest) {
    if constexpr (Ends::throws) {
        using outermost = level<frame_root, First>;
        static_cast<outermost&>(frame).enter(static_cast<First&&>(first));
        return detail::run_checked<Ends, Policy, outermost>(
            frame, static_cast<Body&&>(body), static_cast<Rest&&>(rest)...);
    } else {
        return detail::run_checked<Ends, Policy, frame_root>(frame,
                                                             static_cast<Body&&>(body),
                                                             static_cast<First&&>(first),
                                                             static_cast<Rest&&>(rest)...);
    }
}

/// One call of with().
template <class Ends, both_failed Policy, class Body, class... Arguments>
[[gnu::always_inline]] inline typename Ends::type run(Body&& body, Arguments&&... arguments) {
    using frame_type = frame_of<Arguments...>;
    using result_type = typename body_of<frame_type, Body>::result;
    constexpr bool quiet = Ends::throws && !Ends::may_suppress && frame_type::exits_are_noexcept;
    frame_type frame;
    detail::bind_all<frame_root>(frame, static_cast<Arguments&&>(arguments)...);
    if constexpr (quiet && !frame_type::some_exit_asks) {
        return detail::run_guarded<frame_root>(
            frame, static_cast<Body&&>(body), static_cast<Arguments&&>(arguments)...);
    } else if constexpr (quiet && !can_fail<std::remove_cvref_t<result_type>>) {
        return detail::run_in_place<Ends, Policy>(
            frame, static_cast<Body&&>(body), static_cast<Arguments&&>(arguments)...);
    } else {
        return detail::run_any<Ends, Policy>(
            frame, static_cast<Body&&>(body), static_cast<Arguments&&>(arguments)...);
    }
}

template <class T>
concept small_value = std::is_trivially_copyable_v<T> && std::is_move_constructible_v<T> &&
                      sizeof(T) <= 2 * sizeof(void*);

/// How an argument goes on: a small temporary as a copy, made before it is entered. Each of the two
/// paths below then has its own, and the one that is rarely taken does not keep the other's in
/// memory.
template <class Argument>
struct carried {
    using type = Argument&&;
};
template <small_value Argument>
    requires(!std::is_reference_v<Argument>)
struct carried<Argument> {
    using type = Argument;
};
template <class Argument>
using carried_t = typename carried<Argument>::type;

/// The path that nobody watches.
template <class Ends, both_failed Policy, class Body, class... Arguments>
[[gnu::always_inline]] inline typename Ends::type run_unwatched(carried_t<Body> body,
                                                                carried_t<Arguments>... arguments) {
    return run<Ends, Policy>(static_cast<Body&&>(body), static_cast<Arguments&&>(arguments)...);
}

/// The path with events, one function for all calls with the same types of managers and results.
template <class Ends, both_failed Policy, class Body, class... Arguments>
[[gnu::cold]] [[gnu::noinline]] typename Ends::type run_watched(
    std::source_location where, Body& body, std::remove_reference_t<Arguments>&... arguments) {
    const watched_call call{where};
    return run<Ends, Policy>(body, detail::watch<Arguments>(call, arguments)...);
}

/// What a call adds to it: out of line, so that a scope nobody watches pays a load and a branch.
template <class Ends, both_failed Policy, class Body, class... Arguments>
[[gnu::cold]] [[gnu::noinline]] typename Ends::type run_watched_body(
    std::source_location where, carried_t<Body> body, carried_t<Arguments>... arguments) {
    const auto reference = frame_of<Arguments...>::resources::template refer_to<Body>(body);
    return detail::run_watched<Ends, Policy, decltype(reference), Arguments...>(
        where, reference, arguments...);
}

template <class Ends, both_failed Policy, class Body, class... Arguments>
[[gnu::always_inline]] inline typename Ends::type
run_either(std::source_location where, Body&& body, Arguments&&... arguments) {
    if (observers.listening()) [[unlikely]] {
        return detail::run_watched_body<Ends, Policy, Body, Arguments...>(
            where, static_cast<Body&&>(body), static_cast<Arguments&&>(arguments)...);
    }
    return detail::run_unwatched<Ends, Policy, Body, Arguments...>(
        static_cast<Body&&>(body), static_cast<Arguments&&>(arguments)...);
}

/// with() after its overloads: the body first.
template <both_failed Policy, class Body, class... Arguments>
[[gnu::always_inline]] inline decltype(auto)
run_with(std::source_location where, Body&& body, Arguments&&... arguments) {
    using frame = frame_of<Arguments...>;
    using result_type = typename body_of<frame, Body>::result;
    return detail::run_either<plain_ends<result_type, frame::some_may_suppress>, Policy>(
        where, static_cast<Body&&>(body), static_cast<Arguments&&>(arguments)...);
}

/// try_with() after its overloads.
template <both_failed Policy, class Body, class... Arguments>
auto run_try(std::source_location where, Body&& body, Arguments&&... arguments) {
    using result_type = typename body_of<frame_of<Arguments...>, Body>::result;
    return detail::run_either<result_ends<result_type>, Policy>(
        where, static_cast<Body&&>(body), static_cast<Arguments&&>(arguments)...);
}

/// with_or() after its overloads. The fallback runs outside the handler and after every exit.
template <both_failed Policy, class Fallback, class Body, class... Arguments>
[[gnu::always_inline]] inline decltype(auto)
run_or(std::source_location where, Fallback&& fallback, Body&& body, Arguments&&... arguments) {
    using frame = frame_of<Arguments...>;
    using result_type = typename body_of<frame, Body>::result;
    static_assert(std::is_invocable_r_v<result_type, Fallback>,
                  "withal::with_or: the fallback, the last argument, must be a callable without "
                  "parameters whose result converts to the body's");
    if constexpr (frame::some_may_suppress) {
        auto ran = detail::run_with<Policy>(
            where, static_cast<Body&&>(body), static_cast<Arguments&&>(arguments)...);
        if constexpr (std::is_void_v<result_type>) {
            if (!ran) {
                static_cast<Fallback&&>(fallback)();
            }
        } else if constexpr (std::is_reference_v<result_type>) {
            return ran ? static_cast<result_type>(*ran)
                       : static_cast<result_type>(static_cast<Fallback&&>(fallback)());
        } else {
            return ran ? result_type(*std::move(ran))
                       : result_type(static_cast<Fallback&&>(fallback)());
        }
    } else {
        return detail::run_with<Policy>(
            where, static_cast<Body&&>(body), static_cast<Arguments&&>(arguments)...);
    }
}

/// The arguments of a call of any length, the body first: only a template that walks to the end can
/// tell it from the managers. Taken arguments go to the front, rearmost first.
template <unsigned Taken, class Use, class... Passed>
struct last_first {
    template <class Next, class... Rest>
    [[gnu::always_inline]] static decltype(auto)
    call(Passed&&... passed, Next&& next, Rest&&... rest) {
        if constexpr (sizeof...(Rest) + 1 == Taken) {
            return Use::call(static_cast<Rest&&>(rest)...,
                             static_cast<Next&&>(next),
                             static_cast<Passed&&>(passed)...);
        } else {
            return last_first<Taken, Use, Passed..., Next>::call(static_cast<Passed&&>(passed)...,
                                                                 static_cast<Next&&>(next),
                                                                 static_cast<Rest&&>(rest)...);
        }
    }
};

template <both_failed Policy>
struct use_with {
    template <class... Sorted>
    [[gnu::always_inline]] static decltype(auto) call(Sorted&&... sorted) {
        return detail::run_with<Policy>(std::source_location(), static_cast<Sorted&&>(sorted)...);
    }
};

template <both_failed Policy>
struct use_try {
    template <class... Sorted>
    static auto call(Sorted&&... sorted) {
        return run_try<Policy>(std::source_location(), static_cast<Sorted&&>(sorted)...);
    }
};

template <both_failed Policy>
struct use_or {
    template <class... Sorted>
    [[gnu::always_inline]] static decltype(auto) call(Sorted&&... sorted) {
        return run_or<Policy>(std::source_location(), static_cast<Sorted&&>(sorted)...);
    }
};

} // namespace withal::detail

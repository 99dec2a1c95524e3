// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/unwinding.hpp>

#include <exception>
#include <new>
#include <type_traits>
#include <utility>

// The managers of one call of with(), as one object: a chain of levels, each derived from the one
// outside it. A level keeps what its manager's enter() returned, and the manager itself if a
// factory made it. All of them live in the frame of the call, so that one handler can run every
// exit: five nested handlers that rethrow cost more than twice as much.
//
// The success path is force-inlined, and the frame itself is never seen by a function that is not:
// only then do compilers keep it in registers. The failure path is out of line and is given the few
// pointers that it needs (exits); it is shared by all calls with the same types of managers.
namespace withal::detail {

/// A body without its type, called as the Body it is.
template <class Result, class... Resources>
class body_reference {
public:
    template <class Body>
    static body_reference to(std::remove_reference_t<Body>& body) noexcept {
        using object = std::remove_reference_t<Body>;
        body_reference made;
        if constexpr (std::is_function_v<object>) {
            made.body_ = reinterpret_cast<void*>(&body);
            made.call_ = [](void* at, Resources... resources) -> Result {
                return reinterpret_cast<object*>(at)(resources...);
            };
        } else {
            made.body_ = const_cast<void*>(static_cast<const void*>(__builtin_addressof(body)));
            made.call_ = [](void* at, Resources... resources) -> Result {
                return static_cast<Body&&>(*static_cast<object*>(at))(resources...);
            };
        }
        return made;
    }

    Result operator()(Resources... resources) const { return call_(body_, resources...); }

private:
    void* body_ = nullptr;
    Result (*call_)(void* body, Resources... resources) = nullptr;
};

template <class... Resources>
struct resource_types {
    template <class More>
    using with = resource_types<Resources..., More>;
    template <class F>
    static constexpr bool accepted_by =
        requires(F&& f, Resources... each) { static_cast<F&&>(f)(each...); };
    template <class F>
    using result = decltype(std::declval<F>()(std::declval<Resources>()...));
    template <class Body>
    static auto refer_to(std::remove_reference_t<Body>& body) noexcept {
        return body_reference<result<Body>, Resources...>::template to<Body>(body);
    }
};

/// Resources, and one more behind them unless it is void.
template <class Resources, class Entered>
struct resources_after {
    using type = typename Resources::template with<std::remove_cvref_t<Entered>&>;
};
template <class Resources, class Entered>
    requires std::is_reference_v<Entered>
struct resources_after<Resources, Entered> {
    using type = typename Resources::template with<std::remove_reference_t<Entered>&>;
};
template <class Resources>
struct resources_after<Resources, void> {
    using type = Resources;
};

/// Room for an object that is made and destroyed by hand.
template <class T>
union slot {
    slot() noexcept {} // NOLINT(modernize-use-equals-default): the object is not made here
    slot(const slot&) = delete;
    slot& operator=(const slot&) = delete;
    ~slot() {} // NOLINT(modernize-use-equals-default): nor destroyed
    T value;
};

/// What enter() returned, to be handed to the body as an lvalue.
template <class Entered>
class resource_slot {
public:
    using value_type = std::remove_cv_t<Entered>;
    using type = value_type&;
    template <class M>
    [[gnu::always_inline]] void enter(M& manager) {
        ::new (static_cast<void*>(__builtin_addressof(room_.value)))
            value_type(detail::enter_manager(manager));
    }
    static constexpr bool trivial = std::is_trivially_destructible_v<value_type>;
    [[nodiscard]] type get() noexcept { return room_.value; }
    [[gnu::always_inline]] void destroy() noexcept { room_.value.~value_type(); }

private:
    slot<value_type> room_;
};

template <>
class resource_slot<void> {
public:
    static constexpr bool trivial = true;
    void destroy() noexcept {}
};

template <class Entered>
    requires std::is_reference_v<Entered>
class resource_slot<Entered> {
public:
    using type = std::remove_reference_t<Entered>&;
    static constexpr bool trivial = true;
    template <class M>
    [[gnu::always_inline]] void enter(M& manager) {
        Entered entered = detail::enter_manager(manager);
        at_ = __builtin_addressof(entered);
    }
    [[nodiscard]] type get() noexcept { return *at_; }
    void destroy() noexcept {}

private:
    std::remove_reference_t<Entered>* at_ = nullptr;
};

/// What stands at one place of a call of with(): a manager, or a factory that makes it from the
/// resources of the levels outside.
template <class Argument, class Resources>
struct place {
    static_assert(!(std::is_const_v<std::remove_reference_t<Argument>> &&
                    context_manager<std::remove_const_t<std::remove_reference_t<Argument>>>),
                  "withal::with: this manager is const, and its enter() or exit() is not; pass one "
                  "that is not const");
    static_assert(
        Resources::template accepted_by<Argument>,
        "withal::with: this argument is neither a context manager (enter(), and exit() or "
        "exit(const outcome&) returning void or withal::verdict) nor a callable that makes "
        "one from the resources before it");
    using made = typename Resources::template result<Argument>;
    static_assert(context_manager<made>,
                  "withal::with: the factory must return a context manager, or a reference to one");
    static constexpr bool stored = !std::is_reference_v<made>;
    using manager =
        std::conditional_t<stored, std::remove_cv_t<made>, std::remove_reference_t<made>>;
    static constexpr bool factory = true;
};

template <class Argument, class Resources>
    requires(own_enter<std::remove_reference_t<Argument>> ||
             own_exit<std::remove_reference_t<Argument>> || context_manager<Argument>)
struct place<Argument, Resources> {
    using manager = std::remove_reference_t<Argument>;
    static_assert(enterable<manager>, "withal::with: this manager has exit() but no enter()");
    static_assert(exitable<manager>,
                  "withal::with: this manager has enter() but no exit() or exit(const outcome&)");
    static_assert(
        context_manager<manager>,
        "withal::with: exit() must return void or withal::verdict; a bool or a number does "
        "not say whether it suppresses");
    static_assert(
        std::is_lvalue_reference_v<Argument> || !lockable<manager> || own_enter<manager> ||
            std::is_move_constructible_v<manager>,
        "withal::with: a lock made for this call guards nothing; pass one that others can "
        "lock too");
    static constexpr bool stored = false;
    static constexpr bool factory = false;
};

/// How a resource ends when the frame is not at hand: not at all, if it is trivial.
template <class Resource>
class resource_end {
public:
    explicit resource_end(Resource& resource) noexcept : resource_(&resource) {}
    void destroy() const noexcept { resource_->destroy(); }

private:
    Resource* resource_;
};
template <class Resource>
    requires Resource::trivial
class resource_end<Resource> {
public:
    explicit resource_end(Resource&) noexcept {}
    void destroy() const noexcept {}
};

/// What the next exit is to be told.
template <class Law>
outcome shown_by(const Law& law) {
    if constexpr (requires { law.shown(); }) {
        return law.shown();
    } else {
        const auto& error = law.current();
        return error ? outcome::failure(error) : success_outcome;
    }
}

/// The exits of the levels from the outermost to one, as a failure needs them: pointers, by value.
/// `live` counts the levels that are entered and not yet exited.
class no_exits {
public:
    static constexpr unsigned depth = 0;
    template <class Law>
    void unwind(Law&, unsigned) const noexcept {}
    void abandon(unsigned) const noexcept {}
    void drop(unsigned) const noexcept {}
};

template <class Outer, class M, class Resource, bool Stored>
class exits : public Outer {
public:
    static constexpr unsigned depth = Outer::depth + 1;

    /// `manager` is null where the level was not reached.
    exits(const Outer& outer, M* manager, Resource& resource) noexcept
        : Outer(outer), manager_(manager), resource_(resource) {}

    /// Every exit that is left, innermost first; the law learns of each. Throws nothing but the
    /// cancellation of the thread, and that not inside a handler: there the runtimes end the
    /// process when it reaches another catch (...), whoever wrote it.
    template <class Law>
    void unwind(Law& law, unsigned live) const {
        if (live >= depth) {
            try {
                run(law);
            } catch (...) {
                std::exception_ptr fresh = std::current_exception();
                if (fresh == nullptr) {
                    Outer::abandon(live);
                    throw;
                }
                law.raised(static_cast<std::exception_ptr&&>(fresh));
            }
        }
        Outer::unwind(law, live);
    }

    /// The same when nothing can be caught for good any more: the thread is being cancelled.
    void abandon(unsigned live) const noexcept {
        if (live >= depth) {
            try {
                const at_end guard([this]() noexcept { end(); });
                static_cast<void>(protocol<M>::exit(*manager_, outcome_access::abandoned()));
            } catch (...) {
                detail::note_secondary(nullptr, std::current_exception());
            }
        }
        Outer::abandon(live);
    }

    /// Ends the levels without their exits.
    void drop(unsigned live) const noexcept {
        if (live >= depth) {
            end();
        }
        Outer::drop(live);
    }

private:
    void end() const noexcept {
        resource_.destroy();
        if constexpr (Stored) {
            manager_->~M();
        }
    }

    template <class Law>
    void run(Law& law) const {
        const at_end guard([this]() noexcept { end(); });
        const outcome left = detail::shown_by(law);
        if constexpr (may_suppress<M>) {
            law.returned(protocol<M>::exit(*manager_, left));
        } else {
            protocol<M>::exit(*manager_, left);
        }
    }

    M* manager_;
    [[no_unique_address]] resource_end<Resource> resource_;
};

/// The outermost part of a frame.
class frame_root {
public:
    using resources = resource_types<>;
    using exits_type = no_exits;
    static constexpr unsigned depth = 0;
    static constexpr bool exits_are_noexcept = true;
    static constexpr bool some_exit_asks = false;
    static constexpr bool some_may_suppress = false;

    template <class F, class... Inner>
    [[gnu::always_inline]] decltype(auto) apply(F&& f, Inner&... inner) {
        return static_cast<F&&>(f)(inner...);
    }
    [[gnu::always_inline]] void leave(const outcome&) noexcept {}
    [[gnu::always_inline]] no_exits all_exits() noexcept { return {}; }
    [[gnu::always_inline]] [[nodiscard]] unsigned live() const noexcept { return live_; }
    /// All exits have run elsewhere.
    void forget() noexcept { live_ = 0; }

protected:
    unsigned live_ = 0;
};

template <class Outer, class Argument>
class level : public Outer {
    using here = place<Argument, typename Outer::resources>;
    using manager_type = typename here::manager;
    using entered = entered_t<manager_type>;
    using resource = resource_slot<entered>;
    static constexpr bool stored = here::stored;

public:
    using resources = typename resources_after<typename Outer::resources, entered>::type;
    using exits_type = exits<typename Outer::exits_type, manager_type, resource, stored>;
    static constexpr unsigned depth = Outer::depth + 1;
    static constexpr bool exits_are_noexcept =
        Outer::exits_are_noexcept && exit_is_noexcept<manager_type>;
    static constexpr bool some_exit_asks = Outer::some_exit_asks || protocol<manager_type>::asks;
    static constexpr bool some_may_suppress =
        Outer::some_may_suppress || may_suppress<manager_type>;

    /// Notes where the manager is, before anything is entered: known at every point of the frame,
    /// it costs nothing to know.
    [[gnu::always_inline]] void bind(std::remove_reference_t<Argument>& argument) noexcept {
        if constexpr (!here::factory) {
            made_ = __builtin_addressof(argument);
        }
    }

    [[gnu::always_inline]] void enter(Argument&& argument) {
        if constexpr (stored) {
            ::new (static_cast<void*>(__builtin_addressof(made_.value)))
                manager_type(Outer::apply(static_cast<Argument&&>(argument)));
            bool entering = true;
            const at_end guard([&]() noexcept {
                if (entering) {
                    made_.value.~manager_type();
                }
            });
            enter_made();
            entering = false;
        } else {
            if constexpr (here::factory) {
                manager_type& manager = Outer::apply(static_cast<Argument&&>(argument));
                made_ = __builtin_addressof(manager);
            }
            enter_made();
        }
        this->live_ = depth;
    }

    /// Calls f with the resources from the outermost to this level's, then `inner`.
    template <class F, class... Inner>
    [[gnu::always_inline]] decltype(auto) apply(F&& f, Inner&... inner) {
        if constexpr (std::is_void_v<entered>) {
            return Outer::apply(static_cast<F&&>(f), inner...);
        } else {
            return Outer::apply(static_cast<F&&>(f), resource_.get(), inner...);
        }
    }

    /// The exit of this level alone, for frames whose exits neither throw nor ask.
    [[gnu::always_inline]] void leave_one() noexcept {
        protocol<manager_type>::exit(manager(), success_outcome);
        destroy();
    }

    /// The exits after a body that threw nothing, from here outwards. One that throws has been run,
    /// and the rest are left to all_exits().
    [[gnu::always_inline]] void leave(const outcome& left) noexcept(exits_are_noexcept) {
        this->live_ = Outer::depth;
        {
            const at_end guard([this]() noexcept { destroy(); });
            static_cast<void>(protocol<manager_type>::exit(manager(), left));
        }
        Outer::leave(left);
    }

    [[gnu::always_inline]] exits_type all_exits() noexcept {
        if constexpr (stored) {
            return {Outer::all_exits(), __builtin_addressof(made_.value), resource_};
        } else {
            return {Outer::all_exits(), made_, resource_};
        }
    }

private:
    [[gnu::always_inline]] manager_type& manager() noexcept {
        if constexpr (stored) {
            return made_.value;
        } else {
            return *made_;
        }
    }

    [[gnu::always_inline]] void enter_made() {
        if constexpr (std::is_void_v<entered>) {
            detail::enter_manager(manager());
        } else {
            resource_.enter(manager());
        }
    }

    [[gnu::always_inline]] void destroy() noexcept {
        resource_.destroy();
        if constexpr (stored) {
            made_.value.~manager_type();
        }
    }

    std::conditional_t<stored, slot<manager_type>, manager_type*> made_{};
    [[no_unique_address]] resource resource_;
};

/// The frame type for these arguments, outermost first.
template <class Outer, class... Arguments>
struct chain {
    using type = Outer;
};
template <class Outer, class First, class... Rest>
struct chain<Outer, First, Rest...> : chain<level<Outer, First>, Rest...> {};

template <class... Arguments>
using frame_of = typename chain<frame_root, Arguments...>::type;

/// Tells every level of a frame its argument.
template <class Outer, class Frame, class First, class... Rest>
[[gnu::always_inline]] inline void bind_all(Frame& frame, First&& first, Rest&&... rest) noexcept {
    using here = level<Outer, First>;
    static_cast<here&>(frame).bind(first);
    if constexpr (sizeof...(Rest) > 0) {
        detail::bind_all<here>(frame, static_cast<Rest&&>(rest)...);
    }
}

/// Enters the levels of a frame inside Outer, outermost first.
template <class Outer, class Frame>
void enter_all(Frame&) noexcept {}

template <class Outer, class Frame, class First, class... Rest>
[[gnu::always_inline]] inline void enter_all(Frame& frame, First&& first, Rest&&... rest) {
    using here = level<Outer, First>;
    static_cast<here&>(frame).enter(static_cast<First&&>(first));
    detail::enter_all<here>(frame, static_cast<Rest&&>(rest)...);
}

} // namespace withal::detail

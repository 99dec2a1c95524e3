// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/unwinding.hpp>

#include <exception>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

// The managers of one call of with(), as one object: a chain of levels, each derived from the one
// outside it. A level keeps what its manager's enter() returned, and the manager itself if a factory
// made it. All of them live in the frame of the call, so that one handler can run every exit: five
// nested handlers that rethrow cost more than twice as much.
//
// Everything here is force-inlined: only then do compilers keep the levels in registers, which is
// what makes the success path the same as hand-written code.
namespace withal::detail {

template <class... Resources>
struct resource_types {
    template <class More>
    using with = resource_types<Resources..., More>;
    template <class F>
    static constexpr bool accepted_by = std::is_invocable_v<F, Resources...>;
    template <class F>
    using result = std::invoke_result_t<F, Resources...>;
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
    using T = std::remove_cv_t<Entered>;
    using type = T&;
    template <class M>
    [[gnu::always_inline]] void enter(M& manager) {
        ::new (static_cast<void*>(__builtin_addressof(room_.value))) T(enter_manager(manager));
    }
    [[nodiscard]] type get() noexcept { return room_.value; }
    [[gnu::always_inline]] void destroy() noexcept { room_.value.~T(); }

private:
    slot<T> room_;
};

template <class Entered>
    requires std::is_reference_v<Entered>
class resource_slot<Entered> {
public:
    using type = std::remove_reference_t<Entered>&;
    template <class M>
    [[gnu::always_inline]] void enter(M& manager) {
        Entered entered = enter_manager(manager);
        at_ = __builtin_addressof(entered);
    }
    [[nodiscard]] type get() noexcept { return *at_; }
    void destroy() noexcept {}

private:
    std::remove_reference_t<Entered>* at_ = nullptr;
};

/// The part of a frame that all levels share, and the end of their chain.
template <bool Observed>
class frame_root {
public:
    using resources = resource_types<>;
    static constexpr bool observed = Observed;
    static constexpr unsigned depth = 0;
    static constexpr bool exits_are_noexcept = true;
    static constexpr bool some_exit_asks = false;
    static constexpr bool some_may_suppress = false;

    explicit frame_root(const std::source_location& where) noexcept : where_(where) {}

    template <class F, class... Inner>
    [[gnu::always_inline]] decltype(auto) apply(F&& f, Inner&... inner) {
        return static_cast<F&&>(f)(inner...);
    }

    [[gnu::always_inline]] void leave(const outcome&) noexcept {}
    template <class Law>
    [[gnu::always_inline]] void unwind(Law&) noexcept {}
    void abandon() noexcept {}

protected:
    const std::source_location& where_;
    unsigned live_ = 0; // how many levels are entered and not yet exited
};

/// What stands at one place of a call of with(): a manager, or a factory that makes it from the
/// resources of the levels outside.
template <class Argument, class Resources>
struct place {
    static_assert(Resources::template accepted_by<Argument>,
                  "withal::with: this argument is neither a context manager (enter(), and exit() or "
                  "exit(const outcome&) returning void or withal::verdict) nor a callable that makes "
                  "one from the resources before it");
    using made = typename Resources::template result<Argument>;
    static_assert(context_manager<made>,
                  "withal::with: the factory must return a context manager, or a reference to one");
    using manager = std::remove_reference_t<made>;
    static constexpr bool stored = !std::is_reference_v<made>;
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
    static_assert(context_manager<manager>,
                  "withal::with: exit() must return void or withal::verdict; a bool or a number does "
                  "not say whether it suppresses");
    static_assert(std::is_lvalue_reference_v<Argument> || !lockable<manager> ||
                      own_enter<manager> || std::is_move_constructible_v<manager>,
                  "withal::with: a lock made for this call guards nothing; pass one that others can "
                  "lock too");
    static constexpr bool stored = false;
    static constexpr bool factory = false;
};

template <class Outer, class Argument>
class level : public Outer {
    using here = place<Argument, typename Outer::resources>;
    using M = typename here::manager;
    using entered = entered_t<M>;
    static constexpr bool is_void = std::is_void_v<entered>;
    static constexpr bool stored = here::stored;
    struct nothing {};
    using resource = std::conditional_t<is_void, std::type_identity<nothing>,
                                        std::type_identity<resource_slot<entered>>>;
    template <class S>
    struct added {
        using type = typename Outer::resources::template with<typename S::type>;
    };

public:
    using resources = typename std::conditional_t<
        is_void, std::type_identity<typename Outer::resources>,
        added<typename std::conditional_t<is_void, std::type_identity<std::type_identity<void*>>,
                                          resource>::type>>::type;
    static constexpr unsigned depth = Outer::depth + 1;
    static constexpr bool exits_are_noexcept = Outer::exits_are_noexcept && exit_is_noexcept<M>;
    static constexpr bool some_exit_asks = Outer::some_exit_asks || protocol<M>::asks;
    static constexpr bool some_may_suppress = Outer::some_may_suppress || may_suppress<M>;

    using Outer::Outer;

    [[gnu::always_inline]] void enter(Argument&& argument) {
        if constexpr (stored) {
            ::new (static_cast<void*>(__builtin_addressof(made_.value)))
                M(Outer::apply(static_cast<Argument&&>(argument)));
            unmake guard{this};
            enter_made();
            guard.of = nullptr;
        } else {
            if constexpr (here::factory) {
                M& manager = Outer::apply(static_cast<Argument&&>(argument));
                made_ = __builtin_addressof(manager);
            } else {
                made_ = __builtin_addressof(argument);
            }
            enter_made();
        }
        this->live_ = depth;
    }

    template <class F, class... Inner>
    [[gnu::always_inline]] decltype(auto) apply(F&& f, Inner&... inner) {
        if constexpr (is_void) {
            return Outer::apply(static_cast<F&&>(f), inner...);
        } else {
            return Outer::apply(static_cast<F&&>(f), resource_.get(), inner...);
        }
    }

    /// The exit of this level alone, for frames whose exits neither throw nor ask.
    [[gnu::always_inline]] void leave_one() noexcept {
        protocol<M>::exit(manager(), outcome::success());
        destroy();
    }

    /// The exits after a body that threw nothing, from here outwards. One that throws has been run.
    [[gnu::always_inline]] void leave(const outcome& left) noexcept(exits_are_noexcept) {
        this->live_ = Outer::depth;
        {
            const end_of_level at_end{*this};
            if constexpr (Outer::observed) {
                leave_observed(left);
            } else {
                static_cast<void>(protocol<M>::exit(manager(), left));
            }
        }
        Outer::leave(left);
    }

    /// The exits that are still to run after something threw.
    template <class Law>
    [[gnu::always_inline]] void unwind(Law& law) {
        if (this->live_ == depth) {
            this->live_ = Outer::depth;
            const end_of_level at_end{*this};
            try {
                if constexpr (Outer::observed) {
                    exit_observed(law);
                } else if (const auto& error = law.current()) {
                    answer(law, outcome::failure(error));
                } else {
                    answer(law, outcome::success());
                }
            } catch (...) {
                std::exception_ptr fresh = std::current_exception();
                if (fresh == nullptr) { // a thread is being cancelled
                    Outer::abandon();
                    throw;
                }
                law.raised(static_cast<std::exception_ptr&&>(fresh));
            }
        }
        Outer::unwind(law);
    }

    /// The exits that are still to run when nothing can be caught any more: a cancelled thread.
    [[gnu::cold]] [[gnu::noinline]] void abandon() noexcept {
        if (this->live_ == depth) {
            this->live_ = Outer::depth;
            const end_of_level at_end{*this};
            try {
                if constexpr (Outer::observed) {
                    tell(event_kind::abandoned, nullptr, nullptr);
                }
                static_cast<void>(protocol<M>::exit(manager(), outcome_access::abandoned()));
            } catch (...) {
                note_secondary(nullptr, std::current_exception());
            }
        }
        Outer::abandon();
    }

private:
    struct unmake {
        level* of;
        [[gnu::always_inline]] ~unmake() {
            if (of != nullptr) {
                of->made_.value.~M();
            }
        }
    };
    struct end_of_level {
        level& of;
        [[gnu::always_inline]] ~end_of_level() { of.destroy(); }
    };

    [[gnu::always_inline]] M& manager() noexcept {
        if constexpr (stored) {
            return made_.value;
        } else {
            return *made_;
        }
    }

    [[gnu::always_inline]] void destroy() noexcept {
        if constexpr (!is_void) {
            resource_.destroy();
        }
        if constexpr (stored) {
            made_.value.~M();
        }
    }

    [[gnu::always_inline]] void enter_made() {
        if constexpr (Outer::observed) {
            enter_observed();
        } else {
            enter_plain();
        }
    }

    [[gnu::always_inline]] void enter_plain() {
        if constexpr (is_void) {
            enter_manager(manager());
        } else {
            resource_.enter(manager());
        }
    }

    template <class Law>
    [[gnu::always_inline]] void answer(Law& law, const outcome& left) {
        if constexpr (may_suppress<M>) {
            law.returned(protocol<M>::exit(manager(), left));
        } else {
            protocol<M>::exit(manager(), left);
        }
    }

    void tell(event_kind kind, const outcome* left, const std::exception_ptr& error) noexcept {
        observers.tell({kind, this, label_of(manager()),
                        kind == event_kind::exited ? note_of(manager()) : nullptr, this->where_,
                        left, error});
    }

    void enter_observed() {
        tell(event_kind::enter, nullptr, nullptr);
        try {
            enter_plain();
        } catch (...) {
            tell(event_kind::enter_failed, nullptr, std::current_exception());
            throw;
        }
        tell(event_kind::entered, nullptr, nullptr);
    }

    void leave_observed(const outcome& left) noexcept(exits_are_noexcept) {
        tell(event_kind::exit, &left, nullptr);
        try {
            static_cast<void>(protocol<M>::exit(manager(), left));
        } catch (...) {
            if constexpr (!exit_is_noexcept<M>) {
                tell(event_kind::exited, &left, std::current_exception());
                throw;
            }
        }
        tell(event_kind::exited, &left, nullptr);
    }

    template <class Law>
    void exit_observed(Law& law) {
        const std::exception_ptr before = law.current();
        const outcome left = before == nullptr ? outcome::success() : outcome::failure(before);
        tell(event_kind::exit, &left, nullptr);
        std::exception_ptr thrown;
        try {
            answer(law, left);
        } catch (...) {
            thrown = std::current_exception();
            if (thrown == nullptr) {
                throw;
            }
            law.raised(thrown);
        }
        if (before != nullptr && thrown != nullptr && thrown != before) {
            tell(event_kind::secondary, &left, thrown);
        } else if (before != nullptr && law.current() == nullptr) {
            tell(event_kind::suppressed, &left, nullptr);
        } else if (before != nullptr && law.current() != before) {
            tell(event_kind::replaced, &left, law.current());
        }
        tell(event_kind::exited, &left, thrown);
    }

    std::conditional_t<stored, slot<M>, M*> made_;
    [[no_unique_address]] typename resource::type resource_;
};

/// The frame type for these arguments, outermost first.
template <class Outer, class... Arguments>
struct chain {
    using type = Outer;
};
template <class Outer, class First, class... Rest>
struct chain<Outer, First, Rest...> : chain<level<Outer, First>, Rest...> {};

template <bool Observed, class... Arguments>
using frame_of = typename chain<frame_root<Observed>, Arguments...>::type;

/// Enters every level of a frame, outermost first.
template <class Outer, class Frame, class First, class... Rest>
[[gnu::always_inline]] inline void enter_all(Frame& frame, First&& first, Rest&&... rest) {
    using here = level<Outer, First>;
    static_cast<here&>(frame).enter(static_cast<First&&>(first));
    if constexpr (sizeof...(Rest) > 0) {
        enter_all<here>(frame, static_cast<Rest&&>(rest)...);
    }
}

} // namespace withal::detail

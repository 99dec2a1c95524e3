// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/detail/length_error.hpp>
#include <withal/core/detail/observers.hpp>
#include <withal/core/detail/stack_entry.hpp>
#include <withal/core/detail/stack_payload.hpp>
#include <withal/core/detail/stack_unwind.hpp>
#include <withal/core/error.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>

#include <cstdint>
#include <exception>
#include <new>
#include <source_location>
#include <type_traits>

namespace withal::detail {

/// How entries come on an exit stack.
template <class Room>
class stack_enter : protected stack_unwind<Room> {
    using base = stack_unwind<Room>;

protected:
    using typename base::answer;
    using hold = typename Room::hold;
    using base::base;
    using base::room_;
    using base::suppresses;

    static constexpr const char* name() noexcept {
        return !Room::grows ? "inplace_exit_stack"
               : suppresses ? "suppressing_exit_stack"
                            : "exit_stack";
    }

    template <class M>
    static constexpr void check_manager() noexcept {
        static_assert(context_manager<M>,
                      "withal::exit_stack: this is no context manager (enter(), and exit() or "
                      "exit(const outcome&) returning void or withal::verdict)");
        static_assert(suppresses || !may_suppress<M>,
                      "withal::exit_stack: this manager may suppress; use suppressing_exit_stack");
        static_assert(std::is_lvalue_reference_v<M> ||
                          std::is_move_constructible_v<std::remove_reference_t<M>>,
                      "withal::exit_stack: this manager cannot be moved to the stack; make it an "
                      "lvalue that outlives the stack");
    }

    template <class M>
    decltype(auto) enter_manager(M&& manager, std::source_location where) {
        using manager_type = std::remove_reference_t<M>;
        using entered = entered_t<manager_type>;
        using kept = std::conditional_t<std::is_lvalue_reference_v<M>, manager_type&, manager_type>;
        if (room_.closed()) {
            refuse_to_enter(type_name<manager_type>());
        }
        const auto running = room_.running();
        const auto given = [&manager]() -> M&& { return static_cast<M&&>(manager); };
        if constexpr (Room::grows) {
            if (observers.listening()) {
                return enter_standing<entered_watched<kept>, false>(
                    [&] { return entered_watched<kept>(where, given); });
            }
        }
        if constexpr (!std::is_lvalue_reference_v<M> || is_value<entered>) {
            using payload = entered_manager<kept>;
            constexpr bool movable = std::is_nothrow_move_constructible_v<payload>;
            static_assert(Room::grows || movable,
                          "withal::inplace_exit_stack: this manager, or the value that its enter() "
                          "returns, cannot be moved with the stack without throwing; use "
                          "exit_stack");
            return enter_standing < payload,
                   !Room::grows ||
                       (movable && std::is_void_v<entered>) > ([&given] { return payload(given); });
        } else {
            if (room_.template place<moving<kept_manager<M>>>() == nullptr) {
                std::rethrow_exception(no_room());
            }
            if constexpr (std::is_void_v<entered>) {
                detail::enter_manager(manager);
                push_entered(manager);
            } else {
                entered resource = detail::enter_manager(manager);
                push_entered(manager);
                return static_cast<std::remove_reference_t<entered>&>(resource);
            }
        }
    }

    template <class M>
    std::uint64_t push_manager(M&& manager) {
        return push<kept_manager, M>(manager);
    }

    template <class F>
    [[gnu::always_inline]] std::uint64_t push_action(F& action) {
        static_assert(exit_callable<F>,
                      "withal::exit_stack: the action must be callable as f() or as "
                      "f(const outcome&)");
        static_assert(!answering_action<F>,
                      "withal::exit_stack: an action cannot suppress; write a manager whose "
                      "exit() returns the verdict");
        return push<kept_action, F>(action);
    }

private:
    template <class T>
    static constexpr bool is_value = !std::is_void_v<T> && !std::is_reference_v<T>;
    template <class Payload>
    using moving = moving_entry<answer, Payload>;
    template <class Payload>
    using standing = standing_entry<answer, Payload, hold>;

    /// A place for an entry that may be moved.
    template <class Entry>
    [[gnu::always_inline]] void* place() {
        if constexpr (alignof(Entry) <= Room::largest_alignment) {
            return room_.template place<Entry>();
        } else {
            static_assert(Room::grows,
                          "withal::inplace_exit_stack: this needs more than an alignment of 64 "
                          "bytes; use exit_stack");
            return room_.template standing_place<Entry>();
        }
    }

    /// Puts `from` on top, kept as a Kept: an object or a reference. Where that cannot be had, its
    /// exit runs at once.
    template <template <class> class Keep, class Kept>
    [[gnu::always_inline]] std::uint64_t push(std::remove_reference_t<Kept>& from) {
        using payload_type = Keep<Kept>;
        if constexpr (std::is_nothrow_move_constructible_v<payload_type>) {
            payload_type payload(static_cast<Kept&&>(from));
            void* const at = place<moving<payload_type>>();
            if (at == nullptr) [[unlikely]] {
                return exit_at_once(static_cast<payload_type&&>(payload));
            }
            auto* const made =
                ::new (at) moving<payload_type>(static_cast<payload_type&&>(payload));
            room_.take(made);
            return room_.link(made);
        } else {
            static_assert(Room::grows,
                          "withal::inplace_exit_stack: this cannot be moved with the stack "
                          "without throwing; use exit_stack");
            using kept = standing<payload_type>;
            auto* const at = static_cast<kept*>(room_.template standing_place<kept>());
            if (at == nullptr) {
                return exit_at_once(Keep<Kept&>(from));
            }
            room_.take(at);
            try {
                return room_.link_late(::new (at) kept(
                    room_.hold_end(), [&from] { return payload_type(static_cast<Kept&&>(from)); }));
            } catch (...) {
                room_.give_back(at);
                base::exit_and_throw(Keep<Kept&>(from), std::current_exception());
            }
        }
    }

    /// Makes a manager where it is to stand, enters it, and puts it on top. Movable: it may stand
    /// in the stack object, and move with it.
    template <class Payload, bool Movable, class Make>
    decltype(auto) enter_standing(const Make& make) {
        using kept = standing<Payload>;
        auto* const at =
            static_cast<kept*>(Movable ? place<kept>() : room_.template standing_place<kept>());
        if (at == nullptr) {
            std::rethrow_exception(no_room());
        }
        room_.take(at);
        bool made = false;
        bool entered = false;
        const at_end guard([&]() noexcept {
            if (!entered) {
                if (made) {
                    kept::abort(*at);
                }
                room_.give_back(at);
            }
        });
        ::new (at) kept(room_.hold_end(), make);
        made = true;
        if constexpr (std::is_void_v<decltype(at->payload.enter())>) {
            at->payload.enter();
            entered = true;
            link_entered(at);
        } else {
            auto& resource = at->payload.enter();
            entered = true;
            link_entered(at);
            return resource;
        }
    }

    template <class Kept>
    void link_entered(Kept* at) {
        if (room_.closed()) {
            static_cast<void>(Kept::exit(*at, success_outcome));
            refuse_closed_inside();
        }
        room_.link_late(at);
    }

    template <class M>
    void push_entered(M& manager) {
        if (push_manager(manager) == 0) {
            refuse_closed_inside();
        }
    }

    /// For push() and defer() where no entry can be made.
    template <class Payload>
    [[gnu::cold]] [[gnu::noinline]] std::uint64_t exit_at_once(Payload payload) {
        if (!room_.closed()) {
            base::exit_and_throw(payload, no_room());
        }
        static_cast<void>(payload.exit(success_outcome));
        return 0;
    }

    [[gnu::cold]] static std::exception_ptr no_room() noexcept {
        if constexpr (Room::grows) {
            return std::make_exception_ptr(std::bad_alloc());
        } else {
            try {
                detail::throw_length_error(
                    "withal::inplace_exit_stack: no room for another entry; give it more bytes");
            } catch (...) {
                return std::current_exception();
            }
        }
    }

    [[noreturn]] [[gnu::cold]] static void refuse_to_enter(const char* manager) {
        throw logic_error("withal::",
                          name(),
                          ": the stack is closed, ",
                          manager,
                          " was not entered; use a new stack");
    }
    [[noreturn]] [[gnu::cold]] static void refuse_closed_inside() {
        throw logic_error("withal::",
                          name(),
                          ": the stack was closed by the enter() of a manager that was to come "
                          "on it; that manager was exited");
    }
};

} // namespace withal::detail

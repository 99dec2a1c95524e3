// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/stack_enter.hpp>
#include <withal/core/detail/stack_room.hpp>
#include <withal/core/error.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/unwinding.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <source_location>
#include <type_traits>

namespace withal {

/// Names one entry of an exit stack, for as long as the entry is on it or on the stack it was moved
/// to. A key whose entry is gone does nothing, also where another entry has taken its place.
class stack_key {
public:
    /// No entry's key.
    constexpr stack_key() noexcept = default;
    friend constexpr bool operator==(stack_key, stack_key) noexcept = default;

private:
    template <class>
    friend class basic_exit_stack;
    explicit constexpr stack_key(std::uint64_t number) noexcept : number_(number) {}

    std::uint64_t number_ = 0;
};

/// Managers and actions whose number is known only at run time, exited in reverse order.
///
///     int closed = 0;
///     with(exit_stack{}, [&](auto& stack) {
///         for (int n = 0; n < 3; ++n) {
///             int& resource = stack.enter(null_context(n));
///             stack.defer([&] { ++closed; });
///             static_cast<void>(resource);
///         }
///     });
///
/// A stack that is a member undoes what a constructor began, if the constructor fails:
///
///     struct server {
///         server() {
///             with(exit_stack{}, [&](auto& begun) {
///                 begun.enter(null_context()); // ... and more, each of which may throw
///                 parts.emplace(begun.pop_all()); // all there: they live as long as the server
///             });
///         }
///         ~server() { parts->close(); }
///         std::optional<exit_stack> parts;
///     };
///
/// exit_stack takes managers that never suppress, suppressing_exit_stack takes all;
/// inplace_exit_stack<N> never allocates.
///
/// **Effects.** The rules are those of nested with(): each entry is exited once, whatever the
/// others do, and is shown how those above it left. Entries pushed while the stack unwinds run too.
/// **Throws.** From closing it, what an exit threw, with the errors of the others secondary to it
/// as the policy says.
/// **Lifetime.** What enter() returned stays where it is until its exit, also when pop_all() or a
/// move takes the entry to another stack; in an inplace_exit_stack it moves with the stack. A stack
/// that dies open exits its entries as abandoned(): success is never guessed.
/// **Cost.** No allocation for the first eight actions of one pointer; entered managers that are
/// moved in or return a value take one allocation for many.
/// **Threads.** One at a time.
/// **Python.** ExitStack (E1 to E14); closing for good is ours, as are close(key) and release(key).
template <class Room>
class [[nodiscard]] basic_exit_stack : private detail::stack_enter<Room> {
    using answer = typename Room::answer;
    using base = detail::stack_enter<Room>;
    using base::room_;

public:
    using key = stack_key;
    static constexpr reuse reuse_category = reuse::single_use;

    basic_exit_stack() noexcept : basic_exit_stack(both_failed::keep_body) {}
    /// What goes on when entries fail while an error is on its way.
    explicit basic_exit_stack(both_failed policy) noexcept : base(policy) {}
    /// Takes the entries. The other stack is empty, and as open as it was; this one is open.
    basic_exit_stack(basic_exit_stack&& other) noexcept = default;
    basic_exit_stack(const basic_exit_stack&) = delete;
    basic_exit_stack& operator=(const basic_exit_stack&) = delete;
    basic_exit_stack& operator=(basic_exit_stack&&) = delete;
    /// Exits what is still there as abandoned(); errors go to on_secondary_error.
    ~basic_exit_stack() = default;

    /// Enters a manager and keeps it for its exit; an lvalue is referred to, an rvalue moved in.
    ///
    /// **Returns.** What with() would give the body: an lvalue, or nothing.
    /// **Throws.** What its enter() throws; it is not on the stack then. Before entering it,
    /// std::bad_alloc without memory (inplace_exit_stack: std::length_error without room), and
    /// logic_error on a closed stack.
    template <class M>
    decltype(auto) enter(M&& manager,
                         std::source_location where = std::source_location::current()) {
        base::template check_manager<M>();
        return base::enter_manager(static_cast<M&&>(manager), where);
    }

    /// Keeps a manager that is entered already.
    ///
    /// On a closed stack it is exited at once, with success; without memory at once, with
    /// failure(std::bad_alloc), which is then thrown. The same holds for defer().
    template <class M>
    key push(M&& manager) {
        base::template check_manager<M>();
        return key(base::push_manager(static_cast<M&&>(manager)));
    }

    /// Keeps an action, f() or f(const outcome&).
    template <class F>
    [[gnu::always_inline]] key defer(F action) {
        return key(base::push_action(action));
    }

    /// The key of the newest entry.
    [[nodiscard]] key top() const noexcept { return key(room_.newest()); }

    /// Exits one entry now, with success. Throws what its exit throws.
    template <std::same_as<key> Key> // no braces: close({}) would close nothing
    void close(Key one) {
        base::close_one(one.number_);
    }
    /// Forgets one entry without its exit.
    void release(key one) noexcept { base::release_one(one.number_); }

    /// Moves everything out; this stack stays open. Keys hold for the stack that is returned.
    [[nodiscard]] basic_exit_stack pop_all() noexcept {
        return static_cast<basic_exit_stack&&>(*this);
    }

    /// Exits everything, newest first, and closes the stack for good.
    void close() { close(detail::success_outcome); }
    /// The same after an outcome that the exits are shown.
    ///
    /// **Returns.** Nothing; on a suppressing stack the verdict on the outcome.
    /// **Throws.** What an exit threw, if that goes on; never the exception of the outcome.
    answer close(const outcome& left) { return base::close_all(left); }

    /// The stack as a manager: it enters to itself, once.
    basic_exit_stack& enter() {
        if (room_.used()) {
            throw logic_error("withal::",
                              base::name(),
                              ": this stack was entered or closed before; make a new one");
        }
        room_.use();
        return *this;
    }
    [[gnu::always_inline]] answer exit(const outcome& left) { return base::exit_all(left); }
    [[nodiscard]] const char* label() const noexcept { return base::name(); }
};

using exit_stack = basic_exit_stack<detail::stack_room<void, 256, true>>;
using suppressing_exit_stack = basic_exit_stack<detail::stack_room<verdict, 256, true>>;
/// N bytes, and never more: an action of one pointer takes 32.
template <std::size_t N>
using inplace_exit_stack = basic_exit_stack<detail::stack_room<void, N, false>>;

} // namespace withal

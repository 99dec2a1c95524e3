// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

// What stands on an exit stack: a header and, behind it, what is kept for the exit. Answer is what
// exits give back: void, or a verdict on a stack whose entries may suppress.
namespace withal::detail {

template <class Answer>
struct stack_entry;

/// What can be done with an entry; one constant for each type of entry.
template <class Answer>
struct entry_operations {
    /// Runs the exit. The entry has ended when it is back, however it comes back.
    Answer (*exit)(stack_entry<Answer>& self, const outcome& left);
    /// Ends the entry without its exit.
    void (*drop)(stack_entry<Answer>& self) noexcept;
    /// Ends the entry, and makes the same one at another place. Null where it must stay.
    stack_entry<Answer>* (*move)(stack_entry<Answer>& self, void* to) noexcept;
    /// Bytes, header and all.
    std::size_t size;
};

template <class Answer>
struct stack_entry {
    // The rest is set when the entry is linked: set here too, it would be stored twice.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    explicit stack_entry(const entry_operations<Answer>* what) noexcept : operations(what) {}

    const entry_operations<Answer>* operations;
    stack_entry* below;
    std::uint64_t number; // grows from the bottom to the top
};

/// What the stack wants to know from an exit that may have nothing to say.
template <class Answer, class Payload>
[[gnu::always_inline]] inline Answer answer_of(Payload& payload, const outcome& left) {
    if constexpr (std::is_void_v<Answer>) {
        payload.exit(left);
    } else if constexpr (std::is_void_v<decltype(payload.exit(left))>) {
        payload.exit(left);
        return verdict::propagate;
    } else {
        return payload.exit(left);
    }
}

template <class Entry>
[[nodiscard]] Entry* move_entry(Entry& from, void* to) noexcept {
    static_assert(std::is_nothrow_move_constructible_v<Entry>);
    auto* const moved = ::new (to) Entry(static_cast<Entry&&>(from));
    from.~Entry();
    return moved;
}

/// An action, or a manager that was entered elsewhere. It is moved out before its exit runs:
/// whatever that does to the stack, it does not pull the ground from under itself.
template <class Answer, class Payload>
struct moving_entry : stack_entry<Answer> {
    static_assert(std::is_nothrow_move_constructible_v<Payload>);

    explicit moving_entry(Payload&& from) noexcept
        : stack_entry<Answer>(&table), payload(static_cast<Payload&&>(from)) {}

    static Answer exit(stack_entry<Answer>& self, const outcome& left) {
        Payload here(take(self));
        return detail::answer_of<Answer>(here, left);
    }
    static void drop(stack_entry<Answer>& self) noexcept { take(self); }
    static stack_entry<Answer>* move(stack_entry<Answer>& self, void* to) noexcept {
        return detail::move_entry(static_cast<moving_entry&>(self), to);
    }
    static const entry_operations<Answer> table;

    Payload payload;

private:
    static Payload take(stack_entry<Answer>& self) noexcept {
        Payload& payload = static_cast<moving_entry&>(self).payload;
        const at_end guard([&payload]() noexcept { payload.~Payload(); });
        return static_cast<Payload&&>(payload);
    }
};

template <class Answer, class Payload>
constexpr entry_operations<Answer> moving_entry<Answer, Payload>::table{
    &moving_entry::exit, &moving_entry::drop, &moving_entry::move, sizeof(moving_entry)};

/// A payload that others may hold references to, so that it stays where it was made for as long as
/// it can. Hold keeps the memory under it.
template <class Answer, class Payload, class Hold>
struct standing_entry : stack_entry<Answer> {
    template <class Make>
    standing_entry(Hold memory, const Make& make)
        : stack_entry<Answer>(&table), hold(static_cast<Hold&&>(memory)), payload(make()) {}

    static Answer exit(stack_entry<Answer>& self, const outcome& left) {
        auto& here = static_cast<standing_entry&>(self);
        const at_end guard([&here]() noexcept { end(here); });
        return detail::answer_of<Answer>(here.payload, left);
    }
    static void drop(stack_entry<Answer>& self) noexcept {
        end(static_cast<standing_entry&>(self));
    }
    static stack_entry<Answer>* move(stack_entry<Answer>& self, void* to) noexcept {
        if constexpr (std::is_nothrow_move_constructible_v<Payload>) {
            return detail::move_entry(static_cast<standing_entry&>(self), to);
        } else {
            return nullptr;
        }
    }
    /// Ends an entry whose manager was not entered after all.
    static void abort(standing_entry& here) noexcept {
        const Hold until_the_end(static_cast<Hold&&>(here.hold));
        here.~standing_entry();
    }
    static const entry_operations<Answer> table;

    Hold hold;
    Payload payload;

private:
    static void end(standing_entry& here) noexcept {
        if constexpr (requires { here.payload.end(); }) {
            here.payload.end();
        }
        abort(here);
    }
};

template <class Answer, class Payload, class Hold>
constexpr entry_operations<Answer> standing_entry<Answer, Payload, Hold>::table{
    &standing_entry::exit, &standing_entry::drop, &standing_entry::move, sizeof(standing_entry)};

} // namespace withal::detail

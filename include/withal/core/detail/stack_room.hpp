// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/detail/atomic.hpp>
#include <withal/core/detail/stack_chunk.hpp>
#include <withal/core/detail/stack_entry.hpp>
#include <withal/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace withal::detail {

[[gnu::visibility("default")]] inline constinit std::uint64_t numbers_given = 0;

/// The first number of a stack whose entries went to another one: the keys of the two never meet.
inline std::uint64_t fresh_numbers() noexcept {
    return detail::add(numbers_given, std::uint64_t{1} << 40U);
}

/// The memory of an exit stack and the list of its entries, newest first.
///
/// The first Bytes stand in the object itself. When they are used up, a stack that Grows takes
/// chunks from the heap. A chunk begins with an entry of its own, linked like any other: when
/// unwinding comes to it, everything in the chunk has ended, and its "exit" gives the chunk back.
/// So unwinding is one loop that knows nothing of memory.
///
/// Numbers fall from the top of the list to its bottom. Addresses do too, within one piece of
/// memory, unless a manager's enter() used the same stack: its place was taken before, and is
/// linked after, what its enter() pushed.
template <class Answer, std::size_t Bytes, bool Grows>
class stack_room {
public:
    using answer = Answer;
    using entry = stack_entry<Answer>;
    using chunk = stack_chunk<stack_room>;
    using hold = chunk_hold<stack_room>;
    static constexpr bool grows = Grows;
    /// Of what may stand in the object: when it moves, the other one must be as good.
    static constexpr std::size_t largest_alignment = Grows ? alignof(std::max_align_t) : 64;

    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the bytes are mere room
    explicit stack_room(both_failed policy) noexcept
        : bump_(bytes_), limit_(bytes_ + Bytes), policy_(policy) {}
    /// Takes the entries, and leaves an open, empty room.
    stack_room(stack_room&& from) noexcept : stack_room(from.policy_) { take_all(from); }
    stack_room& operator=(stack_room&&) = delete;
    stack_room(const stack_room&) = delete;
    stack_room& operator=(const stack_room&) = delete;
    ~stack_room() = default; // the owner has run every entry

    [[nodiscard]] bool empty() const noexcept { return top_ == nullptr; }
    [[nodiscard]] bool closed() const noexcept { return limit_ == nullptr; }
    /// Was it entered as a manager, or closed?
    [[nodiscard]] bool used() const noexcept { return used_; }
    void use() noexcept { used_ = true; }
    /// What goes on when entries fail while an error is on its way.
    [[nodiscard]] both_failed policy() const noexcept { return policy_; }

    /// The list is empty; no place is given any more.
    void close() noexcept {
        used_ = true;
        limit_ = nullptr;
    }

    /// Room for an Entry at the end. Null if there is none or the stack is closed.
    template <class Entry>
    [[gnu::always_inline]] void* place() noexcept {
        std::size_t size = sizeof(Entry);
        if constexpr (alignof(Entry) > alignof(entry)) {
            size += padding(bump_, alignof(Entry));
        }
        // as numbers: the limit of a closed stack is null
        if (reinterpret_cast<std::uintptr_t>(bump_ + size) <=
            reinterpret_cast<std::uintptr_t>(limit_)) [[likely]] {
            if (bump_ == nullptr) {
                __builtin_unreachable(); // it never is, and who asks for a place need not look
            }
            return bump_ + size - sizeof(Entry);
        }
        return grow(sizeof(Entry), alignof(Entry));
    }
    /// The same where nothing is ever moved.
    template <class Entry>
    void* standing_place() noexcept {
        return chunk_ == nullptr ? grow(sizeof(Entry), alignof(Entry)) : place<Entry>();
    }

    /// What keeps the memory at the end of the room, null where it is the room's own.
    [[nodiscard]] hold hold_end() noexcept { return hold(chunk_); }
    /// The Entry at the end is being made: nothing else gets its place.
    template <class Entry>
    [[gnu::always_inline]] void take(Entry* at) noexcept {
        bump_ = reinterpret_cast<std::byte*>(at + 1);
    }
    /// It will not be made after all.
    template <class Entry>
    void give_back(Entry* at) noexcept {
        if (bump_ == reinterpret_cast<std::byte*>(at + 1)) {
            bump_ = reinterpret_cast<std::byte*>(at);
        }
    }
    /// It is made, and goes on top.
    template <class Entry>
    [[gnu::always_inline]] std::uint64_t link(Entry* made) noexcept {
        made->below = top_;
        made->number = ++numbers_;
        top_ = made;
        return made->number;
    }
    /// The same for one during whose making others may have been pushed.
    template <class Entry>
    std::uint64_t link_late(Entry* made) noexcept {
        ordered_ = ordered_ && bump_ == reinterpret_cast<std::byte*>(made + 1);
        return link(made);
    }

    /// Takes the newest entry off the list; null if there is none.
    [[gnu::always_inline]] entry* pop() noexcept {
        entry* const newest = top_;
        if (newest != nullptr) {
            top_ = newest->below;
        }
        return newest;
    }

    /// Takes one entry off the list; null if it is not there (any more).
    entry* unlink(std::uint64_t number) noexcept {
        entry** link = &top_;
        for (chunk* each = chunk_; each != nullptr && number < each->number; each = each->outer) {
            link = &each->below;
        }
        while (*link != nullptr && (*link)->number > number) {
            link = &(*link)->below;
        }
        entry* const found = *link;
        if (found == nullptr || found->number != number) {
            return nullptr;
        }
        *link = found->below;
        return found;
    }

    /// The number of the newest entry, 0 if there is none.
    [[nodiscard]] std::uint64_t newest() const noexcept {
        const entry* at = top_;
        for (const chunk* each = chunk_; at != nullptr && at == each; each = each->outer) {
            at = at->below;
        }
        return at == nullptr ? 0 : at->number;
    }

    /// From now on entries run: no memory below the end is used again.
    [[gnu::always_inline]] void run() noexcept { ++running_; }
    /// The same while this lives.
    [[nodiscard]] [[gnu::always_inline]] auto running() noexcept {
        ++running_;
        return at_end([this]() noexcept { --running_; });
    }

    /// After entries were taken out of the middle: memory that nothing stands in is used again.
    void tidy() noexcept {
        if (running_ != 0 || closed()) {
            return;
        }
        for (chunk* each = chunk_; each != nullptr; each = each->outer) {
            while (each->outer != nullptr && each->below == each->outer) {
                leave_outer(*each);
            }
        }
        if (top_ == nullptr) {
            bump_ = bytes_;
            ordered_ = true;
        } else if (ordered_) {
            bump_ = reinterpret_cast<std::byte*>(top_) + top_->operations->size;
        }
    }

    /// An empty chunk at its turn in the list.
    void leave(chunk& ended) noexcept {
        chunk_ = ended.outer;
        bump_ = ended.outer_bump;
        limit_ = ended.outer_limit;
        hold::release(&ended);
    }

private:
    static constexpr std::size_t first_chunk = 1024;
    static constexpr std::size_t largest_chunk = 8192;

    static std::size_t padding(const std::byte* at, std::size_t alignment) noexcept {
        return (0 - reinterpret_cast<std::uintptr_t>(at)) & (alignment - 1);
    }

    [[gnu::cold]] [[gnu::noinline]] void* grow(std::size_t size, std::size_t alignment) noexcept {
        if (!Grows || closed()) {
            return nullptr;
        }
        const std::size_t needed = sizeof(chunk) + size + alignment;
        const std::size_t usual = chunk_ == nullptr ? first_chunk : 2 * chunk_->size;
        const std::size_t most = usual < largest_chunk ? usual : largest_chunk;
        const std::size_t bytes = needed > most ? needed : most;
        void* const memory = ::operator new(bytes, std::nothrow);
        if (memory == nullptr) {
            return nullptr;
        }
        chunk_ = ::new (memory) chunk(*this, bytes, chunk_, bump_, limit_);
        link(chunk_);
        bump_ = reinterpret_cast<std::byte*>(chunk_ + 1);
        limit_ = static_cast<std::byte*>(memory) + bytes;
        return bump_ + padding(bump_, alignment);
    }

    /// The list goes on without the chunk outside of one, in which nothing is left.
    static void leave_outer(chunk& inner) noexcept {
        chunk* const empty = inner.outer;
        inner.below = empty->below;
        inner.outer = empty->outer;
        inner.outer_bump = empty->outer_bump;
        inner.outer_limit = empty->outer_limit;
        hold::release(empty);
    }

    void take_all(stack_room& from) noexcept {
        const auto inside = [&from](const void* at) {
            return at >= from.bytes_ && at < from.bytes_ + Bytes;
        };
        const auto here = [this, &from](void* there) {
            return bytes_ + (static_cast<std::byte*>(there) - from.bytes_);
        };
        numbers_ = std::exchange(from.numbers_, detail::fresh_numbers());
        top_ = std::exchange(from.top_, nullptr);
        chunk_ = std::exchange(from.chunk_, nullptr);
        // inside an exit of `from`, what runs may stand in a chunk that is taken here
        ordered_ = std::exchange(from.ordered_, true) && from.running_ == 0;
        if (from.closed()) {
            return;
        }
        std::byte** bump = &bump_;
        std::byte** limit = &limit_;
        *bump = from.bump_;
        *limit = from.limit_;
        for (chunk* each = chunk_; each != nullptr; each = each->outer) {
            each->room = this;
            bump = &each->outer_bump;
            limit = &each->outer_limit;
        }
        std::byte* const end = *bump; // of what stands in the object
        *bump = here(end);
        *limit = here(*limit);
        for (entry** link = &top_; *link != nullptr; link = &(*link)->below) {
            if (inside(*link)) {
                *link = (*link)->operations->move(**link, here(*link));
            }
        }
        from.bump_ = from.running_ == 0 ? from.bytes_ : end;
        from.limit_ = from.bytes_ + Bytes;
    }

    entry* top_ = nullptr;
    std::byte* bump_;
    std::byte* limit_;
    std::uint64_t numbers_ = 0;
    chunk* chunk_ = nullptr;
    // eight bytes, initialized by one store
    unsigned running_ = 0;
    bool ordered_ = true;
    bool used_ = false;
    both_failed policy_;
    [[maybe_unused]] bool last_of_eight_ = false;
    alignas(largest_alignment) std::byte bytes_[Bytes];
};

} // namespace withal::detail

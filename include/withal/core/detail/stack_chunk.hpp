// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/stack_entry.hpp>

#include <cstddef>
#include <new>
#include <type_traits>

namespace withal::detail {

template <class Room>
struct stack_chunk;

/// Keeps a chunk for as long as an entry stands in it, also when its list goes on without it. Null
/// for what stands in the stack object itself.
template <class Room>
class chunk_hold {
public:
    explicit chunk_hold(stack_chunk<Room>* chunk) noexcept : chunk_(chunk) {
        if (chunk_ != nullptr) {
            ++chunk_->holders;
        }
    }
    chunk_hold(chunk_hold&& other) noexcept : chunk_(other.chunk_) { other.chunk_ = nullptr; }
    chunk_hold& operator=(chunk_hold&&) = delete;
    chunk_hold(const chunk_hold&) = delete;
    chunk_hold& operator=(const chunk_hold&) = delete;
    ~chunk_hold() {
        if (chunk_ != nullptr) {
            release(chunk_);
        }
    }

    static void release(stack_chunk<Room>* chunk) noexcept {
        if (--chunk->holders == 0) {
            ::operator delete(chunk);
        }
    }

private:
    stack_chunk<Room>* chunk_;
};

/// A piece of the heap that entries stand in, and the entry that it begins with.
template <class Room>
struct stack_chunk : stack_entry<typename Room::answer> {
    using answer = typename Room::answer;
    using entry = stack_entry<answer>;

    stack_chunk(Room& owner,
                std::size_t bytes,
                stack_chunk* around,
                std::byte* bump,
                std::byte* limit) noexcept
        : entry(&table),
          room(&owner),
          size(bytes),
          outer(around),
          outer_bump(bump),
          outer_limit(limit) {}

    static answer exit(entry& self, const outcome&) {
        drop(self);
        if constexpr (!std::is_void_v<answer>) {
            return answer::propagate;
        }
    }
    static void drop(entry& self) noexcept {
        auto& here = static_cast<stack_chunk&>(self);
        here.room->leave(here);
    }
    static const entry_operations<answer> table;

    Room* room;
    std::size_t size;
    stack_chunk* outer;    // the chunk that was the last before
    std::byte* outer_bump; // and where the room went on in it
    std::byte* outer_limit;
    std::size_t holders = 1; // the list, and every standing entry
};

template <class Room>
constexpr entry_operations<typename Room::answer> stack_chunk<Room>::table{
    &stack_chunk::exit, &stack_chunk::drop, nullptr, sizeof(stack_chunk)};

} // namespace withal::detail

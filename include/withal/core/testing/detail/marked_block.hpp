// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/testing/detail/allocation_watch.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#endif

namespace withal::detail {

/// Stands in front of every block.
struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) block_mark {
    enum form : std::uint32_t { single = 0x2c51a6e1, array = 0x7ac80d35, gone = 0x11d9f03b };

    std::size_t size;
    form made_as;
    std::uint8_t alignment; // its logarithm, 0: the default
    std::uint8_t counted;   // 1: in counted_blocks. No bool: what is read may be anything

    /// From the beginning of the memory to the block.
    [[nodiscard]] std::size_t offset() const noexcept {
        const std::size_t aligned = std::size_t{1} << alignment;
        return aligned > sizeof(block_mark) ? aligned : sizeof(block_mark);
    }
};

/// Keeps everybody else off the mark, where a sanitizer watches.
inline void close_mark(block_mark& mark) noexcept {
#ifdef ASAN_POISON_MEMORY_REGION
    ASAN_POISON_MEMORY_REGION(&mark, sizeof mark);
#else
    static_cast<void>(mark);
#endif
}

inline void open_mark(block_mark& mark) noexcept {
#ifdef ASAN_UNPOISON_MEMORY_REGION
    ASAN_UNPOISON_MEMORY_REGION(&mark, sizeof mark);
#else
    static_cast<void>(mark);
#endif
}

/// Reads it through the poison, and whatever there is where there should be one.
[[gnu::no_sanitize_address, gnu::no_sanitize_thread, gnu::noinline]] inline block_mark
read_mark(const volatile block_mark& mark) noexcept {
    return {mark.size, mark.made_as, mark.alignment, mark.counted};
}

inline void* memory_for(std::size_t size, const block_mark& mark) noexcept {
    const std::size_t whole = mark.offset() + size;
    if (whole < size) {
        return nullptr;
    }
    if (mark.offset() == sizeof(block_mark)) {
        return std::malloc(whole);
    }
    void* memory = nullptr;
    return ::posix_memalign(&memory, mark.offset(), whole) == 0 ? memory : nullptr;
}

/// operator new, in all its forms; 0 is the default alignment.
[[gnu::noinline]] inline void*
make_block(std::size_t size, block_mark::form made_as, std::size_t alignment = 0) {
    const bool counted = uncounted_depth == 0;
    if (counted && allocation_watch::next_fails()) {
        throw std::bad_alloc();
    }
    const auto logarithm = alignment == 0 ? 0 : std::countr_zero(alignment);
    const block_mark mark{
        size, made_as, static_cast<std::uint8_t>(logarithm), static_cast<std::uint8_t>(counted)};
    void* memory = detail::memory_for(size, mark);
    while (memory == nullptr) {
        const std::new_handler find_more = std::get_new_handler();
        if (find_more == nullptr) {
            throw std::bad_alloc();
        }
        find_more();
        memory = detail::memory_for(size, mark);
    }
    if (counted) {
        counted_blocks.fetch_add(1, std::memory_order_relaxed);
    }
    void* const block = static_cast<std::byte*>(memory) + mark.offset();
    detail::close_mark(*::new (static_cast<block_mark*>(block) - 1) block_mark(mark));
    return block;
}

/// The same for the forms that do not throw.
inline void*
make_block_or_null(std::size_t size, block_mark::form made_as, std::size_t alignment = 0) noexcept {
    try {
        return detail::make_block(size, made_as, alignment);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

[[noreturn]] inline void refuse_block(const char* why) noexcept {
    std::fputs("withal::testing: operator delete was given ", stderr);
    std::fputs(why, stderr);
    std::fputs("\n", stderr);
    std::abort();
}

inline constexpr std::size_t unknown_size = static_cast<std::size_t>(-1);

/// operator delete, in all its forms.
[[gnu::noinline]] inline void free_block(void* block,
                                         block_mark::form freed_as,
                                         std::size_t size = unknown_size,
                                         std::size_t alignment = 0) noexcept {
    if (block == nullptr) {
        return;
    }
    block_mark& in_front = *(static_cast<block_mark*>(block) - 1);
    const block_mark mark = detail::read_mark(in_front);
    if (mark.made_as == block_mark::gone) {
        // AddressSanitizer knows where it was deleted before.
        std::free(static_cast<std::byte*>(block) - mark.offset());
    }
    if (mark.made_as != block_mark::single && mark.made_as != block_mark::array) {
        detail::refuse_block("what is no block of operator new: made otherwise, deleted already, "
                             "or overwritten in front");
    }
    if (mark.made_as != freed_as) {
        detail::refuse_block(freed_as == block_mark::single ? "a block of new[]; write delete[]"
                                                            : "a block of new; write delete");
    }
    if (size != unknown_size && size != mark.size) {
        detail::refuse_block("a size that is not the block's: it was made as another type");
    }
    if (alignment != 0 ? alignment != std::size_t{1} << mark.alignment : mark.alignment != 0) {
        detail::refuse_block("an alignment that is not the block's: it was made as another type");
    }
    detail::open_mark(in_front);
    static_cast<volatile block_mark&>(in_front).made_as = block_mark::gone;
    if (mark.counted != 0) {
        counted_blocks.fetch_sub(1, std::memory_order_relaxed);
    }
    std::free(static_cast<std::byte*>(block) - mark.offset());
}

} // namespace withal::detail

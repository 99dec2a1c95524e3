// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/testing/detail/marked_block.hpp>

#include <cstddef>
#include <new>

// Replaces the operator new and operator delete of the whole program, so that a fault_plan can fail
// an allocation and live_blocks() can count. For exactly one source file of a test program:
//
//     #include <withal/core/testing.hpp>
//     #include <withal/core/testing/replace_new.hpp>
//
// A second file that includes it is a linker error, as the language wants it. (Weak definitions
// would allow that, but Clang's AddressSanitizer brings weak ones of its own, which win.) Under
// Clang's ThreadSanitizer and MemorySanitizer, which let nobody replace theirs, it does nothing;
// allocations_are_counted() says so.
//
// **Effects.** Every form of new takes its memory from malloc, behind a mark of 16 bytes or more.
// Where memory is out for real, the new_handler is called. What uses malloc itself is not seen, the
// exception objects of the language above all.
//
// A delete that does not fit its new ends the program with a sentence on standard error: a block
// that new did not make or that is gone already, delete for new[], a size or an alignment that is
// not the block's, something written in front of the block. AddressSanitizer goes on to see the
// rest, reads in front of the block too.
//
// **Threads.** Any.

//
// Implementation
//

#if defined(__clang__)
#define WITHAL_NEW_IS_TAKEN (__has_feature(thread_sanitizer) || __has_feature(memory_sanitizer))
#else
#define WITHAL_NEW_IS_TAKEN 0
#endif

#if !WITHAL_NEW_IS_TAKEN
// The forms that the language names. They are replacements, which must not be inline.
// NOLINTBEGIN(misc-definitions-in-headers)

void* operator new(std::size_t size) {
    return withal::detail::make_block(size, withal::detail::block_mark::single);
}
void* operator new[](std::size_t size) {
    return withal::detail::make_block(size, withal::detail::block_mark::array);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return withal::detail::make_block_or_null(size, withal::detail::block_mark::single);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return withal::detail::make_block_or_null(size, withal::detail::block_mark::array);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return withal::detail::make_block(
        size, withal::detail::block_mark::single, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return withal::detail::make_block(
        size, withal::detail::block_mark::array, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return withal::detail::make_block_or_null(
        size, withal::detail::block_mark::single, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return withal::detail::make_block_or_null(
        size, withal::detail::block_mark::array, static_cast<std::size_t>(alignment));
}

void operator delete(void* block) noexcept {
    withal::detail::free_block(block, withal::detail::block_mark::single);
}
void operator delete[](void* block) noexcept {
    withal::detail::free_block(block, withal::detail::block_mark::array);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
    withal::detail::free_block(block, withal::detail::block_mark::single);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
    withal::detail::free_block(block, withal::detail::block_mark::array);
}
void operator delete(void* block, std::size_t size) noexcept {
    withal::detail::free_block(block, withal::detail::block_mark::single, size);
}
void operator delete[](void* block, std::size_t size) noexcept {
    withal::detail::free_block(block, withal::detail::block_mark::array, size);
}
void operator delete(void* block, std::align_val_t alignment) noexcept {
    withal::detail::free_block(block,
                               withal::detail::block_mark::single,
                               withal::detail::unknown_size,
                               static_cast<std::size_t>(alignment));
}
void operator delete[](void* block, std::align_val_t alignment) noexcept {
    withal::detail::free_block(block,
                               withal::detail::block_mark::array,
                               withal::detail::unknown_size,
                               static_cast<std::size_t>(alignment));
}
void operator delete(void* block, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    withal::detail::free_block(block,
                               withal::detail::block_mark::single,
                               withal::detail::unknown_size,
                               static_cast<std::size_t>(alignment));
}
void operator delete[](void* block, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    withal::detail::free_block(block,
                               withal::detail::block_mark::array,
                               withal::detail::unknown_size,
                               static_cast<std::size_t>(alignment));
}
void operator delete(void* block, std::size_t size, std::align_val_t alignment) noexcept {
    withal::detail::free_block(
        block, withal::detail::block_mark::single, size, static_cast<std::size_t>(alignment));
}
void operator delete[](void* block, std::size_t size, std::align_val_t alignment) noexcept {
    withal::detail::free_block(
        block, withal::detail::block_mark::array, size, static_cast<std::size_t>(alignment));
}

// NOLINTEND(misc-definitions-in-headers)
#endif
#undef WITHAL_NEW_IS_TAKEN

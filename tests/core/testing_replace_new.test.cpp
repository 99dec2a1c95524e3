// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// This file replaces operator new for all tests of core.
#include <withal/core/testing/allocations.hpp>
#include <withal/core/testing/replace_new.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

using withal::testing::live_blocks;
using withal::testing::uncounted;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool address_sanitizer = true;
#elif defined(__has_feature)
constexpr bool address_sanitizer = __has_feature(address_sanitizer);
#else
constexpr bool address_sanitizer = false;
#endif

/// Hides where a pointer comes from, since the compilers know some of these mistakes.
template <class T>
T* blindly(T* pointer) {
    T* volatile hidden = pointer;
    return hidden;
}

bool aligned(const void* block, std::size_t alignment) {
    return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

// --- memory ---

TEST(replace_new, is_asked_for_the_allocations_of_the_program) {
    EXPECT_TRUE(withal::testing::allocations_are_counted());
}

TEST(replace_new, gives_memory_that_is_aligned_and_the_callers_own) {
    std::vector<void*> blocks;
    for (std::size_t size = 0; size < 300; ++size) {
        void* const block = blindly(::operator new(size));
        EXPECT_TRUE(aligned(block, __STDCPP_DEFAULT_NEW_ALIGNMENT__));
        std::memset(block, 0xff, size);
        blocks.push_back(block);
    }
    for (std::size_t size = 0; size < 300; ++size) {
        ::operator delete(blocks[size], size);
    }
}

TEST(replace_new, gives_every_alignment) {
    for (std::size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        const std::align_val_t asked{alignment};
        void* const block = blindly(::operator new(40, asked));
        EXPECT_TRUE(aligned(block, alignment)) << alignment;
        std::memset(block, 0xff, 40);
        ::operator delete(block, asked);
        void* const sized = blindly(::operator new[](40, asked));
        ::operator delete[](sized, 40, asked);
    }
}

TEST(replace_new, serves_objects_arrays_and_the_standard_library) {
    struct alignas(128) wide {
        char bytes[128];
    };
    struct polymorphic {
        polymorphic() = default;
        polymorphic(const polymorphic&) = delete;
        polymorphic& operator=(const polymorphic&) = delete;
        virtual ~polymorphic() = default;
    };
    struct larger : polymorphic {
        char bytes[500] = {};
    };
    const std::size_t before = live_blocks();
    {
        const std::unique_ptr<polymorphic> base = std::make_unique<larger>();
        const auto shared = std::make_shared<wide>();
        const auto strings = std::make_unique<std::string[]>(10);
        const auto wides = std::make_unique<wide[]>(3);
        std::vector<std::string> texts(3, std::string(100, 't'));
        texts.emplace_back("one more");
        EXPECT_TRUE(aligned(blindly(shared.get()), 128));
        EXPECT_TRUE(aligned(blindly(wides.get()), 128));
        EXPECT_GE(live_blocks(), before + 8);
    }
    EXPECT_EQ(live_blocks(), before);
}

TEST(replace_new, deletes_null_in_every_form) {
    const std::align_val_t wide{64};
    const std::size_t before = live_blocks();
    ::operator delete(nullptr);
    ::operator delete[](nullptr);
    ::operator delete(nullptr, std::nothrow);
    ::operator delete[](nullptr, std::nothrow);
    ::operator delete(nullptr, 8);
    ::operator delete[](nullptr, 8);
    ::operator delete(nullptr, wide);
    ::operator delete[](nullptr, wide);
    ::operator delete(nullptr, wide, std::nothrow);
    ::operator delete[](nullptr, wide, std::nothrow);
    ::operator delete(nullptr, 8, wide);
    ::operator delete[](nullptr, 8, wide);
    EXPECT_EQ(live_blocks(), before);
}

// --- memory that is out ---

TEST(replace_new, fails_as_the_language_says_when_there_is_no_memory) {
    constexpr std::size_t too_much = std::numeric_limits<std::size_t>::max();
    for (const std::size_t size : {too_much, too_much / 2, too_much - 15}) {
        volatile std::size_t hidden = size;
        if (!address_sanitizer || size == too_much) { // which else ends the program, on purpose
            EXPECT_THROW(static_cast<void>(::operator new(hidden)), std::bad_alloc);
            EXPECT_EQ(::operator new(hidden, std::nothrow), nullptr);
            EXPECT_THROW(static_cast<void>(::operator new(hidden, std::align_val_t{4096})),
                         std::bad_alloc);
        }
    }
}

int handler_calls = 0;

TEST(replace_new, asks_the_new_handler_until_that_gives_up) {
    volatile std::size_t too_much = std::numeric_limits<std::size_t>::max();
    handler_calls = 0;
    const std::new_handler before = std::set_new_handler([] {
        if (++handler_calls == 3) {
            std::set_new_handler(nullptr);
        }
    });
    EXPECT_THROW(static_cast<void>(::operator new(too_much)), std::bad_alloc);
    std::set_new_handler(before);
    EXPECT_EQ(handler_calls, 3);
}

// --- counting ---

TEST(replace_new, counts_the_blocks_that_live) {
    const std::size_t before = live_blocks();
    void* const first = blindly(::operator new(1));
    EXPECT_EQ(live_blocks(), before + 1);
    void* const second = blindly(::operator new[](1));
    EXPECT_EQ(live_blocks(), before + 2);
    ::operator delete(first);
    EXPECT_EQ(live_blocks(), before + 1);
    ::operator delete[](second);
    EXPECT_EQ(live_blocks(), before);
}

TEST(replace_new, forgets_an_uncounted_block_wherever_it_is_deleted) {
    const std::size_t before = live_blocks();
    void* hidden = nullptr;
    void* const counted = blindly(::operator new(1));
    {
        const uncounted notes;
        hidden = blindly(::operator new(1));
        EXPECT_EQ(live_blocks(), before + 1);
        ::operator delete(counted);
    }
    EXPECT_EQ(live_blocks(), before);
    ::operator delete(hidden);
    EXPECT_EQ(live_blocks(), before);
}

// --- mistakes ---

TEST(replace_new_death_test, ends_the_program_at_a_delete_that_does_not_fit) {
    const std::align_val_t wide{64};
    EXPECT_DEATH(::operator delete(blindly(::operator new[](1))), "a block of new\\[\\]; write");
    EXPECT_DEATH(::operator delete[](blindly(::operator new(1))), "a block of new; write delete");
    EXPECT_DEATH(::operator delete(blindly(::operator new(8)), 9), "a size that is not the block");
    EXPECT_DEATH(::operator delete(blindly(::operator new(8)), wide), "an alignment that is not");
    EXPECT_DEATH(::operator delete(blindly(::operator new(8, wide))), "an alignment that is not");
    EXPECT_DEATH(::operator delete(blindly(::operator new(8, wide)), std::align_val_t{128}),
                 "an alignment that is not");
}

TEST(replace_new_death_test, ends_the_program_at_a_block_of_malloc_and_at_a_second_delete) {
    char* const other = static_cast<char*>(std::malloc(256));
    for (const int content : {0, 0x7f, 0xff}) {
        std::memset(other, content, 256);
        EXPECT_DEATH(::operator delete(blindly(other + 64)), "made otherwise") << content;
    }
    std::free(other);
    EXPECT_DEATH(
        {
            void* volatile block = ::operator new(200);
            ::operator delete(block);
            ::operator delete(block);
        },
        "deleted already|double-free|double free");
}

TEST(replace_new_death_test, ends_the_program_at_a_free_of_its_block) {
    EXPECT_DEATH(std::free(blindly(::operator new(200))), "");
}

TEST(replace_new_death_test, ends_the_program_when_something_was_written_in_front) {
    EXPECT_DEATH(
        {
            char* const block = blindly(static_cast<char*>(::operator new(8)));
            std::memset(block - 12, 0, 12);
            ::operator delete(block);
        },
        "overwritten in front|use-after-poison");
}

TEST(replace_new_death_test, leaves_both_ends_to_address_sanitizer) {
    if (!address_sanitizer) {
        GTEST_SKIP() << "it is about AddressSanitizer";
    }
    for (const std::size_t alignment : {1U, 16U, 64U, 4096U}) {
        const std::align_val_t asked{alignment};
        EXPECT_DEATH(
            {
                volatile char* const block = static_cast<char*>(::operator new(20, asked));
                block[-1];
            },
            "use-after-poison");
        EXPECT_DEATH(
            {
                volatile char* const block = static_cast<char*>(::operator new(20, asked));
                block[20];
            },
            "heap-buffer-overflow");
    }
}

} // namespace

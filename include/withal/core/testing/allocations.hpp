// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>

#include <atomic>
#include <cstddef>
#include <new>
#include <utility>

namespace withal::testing {

/// Blocks that operator new gave and operator delete did not have back: a leak check that needs no
/// sanitizer.
///
///     const std::size_t before = testing::live_blocks();
///     { const std::vector<int> numbers(100); }
///     const bool leaked = testing::live_blocks() != before;
///
/// Caches are no leaks: run what is under test once before the first reading.
///
/// **Throws.** logic_error if the program does not count its allocations.
/// **Threads.** Any; the blocks of all threads are counted.
[[nodiscard]] std::size_t live_blocks();

/// Does this program count its allocations, and can have them fail? One of its source files must
/// include <withal/core/testing/replace_new.hpp>, and its operator new must be replaceable.
[[nodiscard]] bool allocations_are_counted();

/// While it lives, what its thread allocates is neither counted nor failed: for the checks and the
/// notes of a test in the midst of what it tests.
///
///     std::vector<std::string> notes;
///     const auto note = [&notes](const char* text) {
///         const testing::uncounted allocation;
///         notes.emplace_back(text);
///     };
///     note("started");
///
/// **Threads.** Dies on the thread that made it. The block may be freed by any.
class [[nodiscard]] uncounted {
public:
    uncounted() noexcept;
    ~uncounted();
    uncounted(const uncounted&) = delete;
    uncounted& operator=(const uncounted&) = delete;
};

} // namespace withal::testing

//
// Implementation
//

namespace withal::detail {

/// Somebody who counts the allocations of his thread, and may have one fail.
class [[gnu::visibility("default")]] allocation_watch {
public:
    using decision = bool (*)(allocation_watch& self) noexcept;

    allocation_watch(const allocation_watch&) = delete;
    allocation_watch& operator=(const allocation_watch&) = delete;

    /// Called by operator new: is this the one that is to fail? Everybody who watches counts it.
    static bool next_fails() noexcept {
        bool fails = false;
        for (allocation_watch* each = innermost_; each != nullptr; each = each->outer_) {
            fails = each->due_(*each) || fails;
        }
        return fails;
    }

    /// Is next_fails() called? Others may have replaced operator new, too.
    static bool is_asked();

protected:
    explicit allocation_watch(decision due) noexcept : due_(due) { innermost_ = this; }
    ~allocation_watch() {
        allocation_watch** at = &innermost_;
        while (*at != this && *at != nullptr) {
            at = &(*at)->outer_;
        }
        if (*at == this) {
            *at = outer_;
        }
    }

private:
    static inline constinit thread_local allocation_watch* innermost_ = nullptr;

    decision due_;
    allocation_watch* outer_ = innermost_;
};

/// How many `uncounted` live on this thread.
[[gnu::visibility("default")]] inline constinit thread_local unsigned uncounted_depth = 0;

/// The blocks that are counted, of all threads.
[[gnu::visibility("default")]] inline constinit std::atomic<std::size_t> counted_blocks = 0;

inline bool allocation_watch::is_asked() {
    struct probe final : allocation_watch {
        probe() noexcept
            : allocation_watch([](allocation_watch& self) noexcept {
                  static_cast<probe&>(self).asked = true;
                  return false;
              }) {}
        bool asked = false;
    };
    // Those who watch now do not see the probe's allocation.
    allocation_watch* const others = std::exchange(innermost_, nullptr);
    const unsigned depth = std::exchange(uncounted_depth, 0U);
    bool asked = false;
    {
        const probe watch;
        void* volatile block = ::operator new(1, std::nothrow); // volatile: so that it is made
        ::operator delete(block);
        asked = watch.asked;
    }
    uncounted_depth = depth;
    innermost_ = others;
    return asked;
}

/// What cannot work must say so: a sweep over no allocations would pass.
inline void require_counted_allocations() {
    if (!testing::allocations_are_counted()) {
        throw logic_error("withal::testing: this program does not count its allocations; include "
                          "<withal/core/testing/replace_new.hpp> in one of its source files");
    }
}

} // namespace withal::detail

namespace withal::testing {

inline bool allocations_are_counted() {
    static const bool counted = withal::detail::allocation_watch::is_asked();
    return counted;
}

inline std::size_t live_blocks() {
    withal::detail::require_counted_allocations();
    return withal::detail::counted_blocks.load(std::memory_order_relaxed);
}

inline uncounted::uncounted() noexcept {
    ++withal::detail::uncounted_depth;
}

inline uncounted::~uncounted() {
    --withal::detail::uncounted_depth;
}

} // namespace withal::testing

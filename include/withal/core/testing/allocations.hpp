// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>
#include <withal/core/testing/detail/allocation_watch.hpp>

#include <atomic>
#include <cstddef>

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

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <atomic>
#include <cstddef>
#include <new>
#include <utility>

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
        for (allocation_watch* each = innermost; each != nullptr; each = each->outer_) {
            fails = each->due_(*each) || fails;
        }
        return fails;
    }

    /// Is next_fails() called? Others may have replaced operator new, too.
    static bool is_asked();

protected:
    explicit allocation_watch(decision due) noexcept : due_(due) { innermost = this; }
    ~allocation_watch() {
        allocation_watch** at = &innermost;
        while (*at != this && *at != nullptr) {
            at = &(*at)->outer_;
        }
        if (*at == this) {
            *at = outer_;
        }
    }

private:
    static inline constinit thread_local allocation_watch* innermost = nullptr;

    decision due_;
    allocation_watch* outer_ = innermost;
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
    allocation_watch* const others = std::exchange(innermost, nullptr);
    const unsigned depth = std::exchange(uncounted_depth, 0U);
    bool asked = false;
    {
        const probe watch;
        void* volatile block = ::operator new(1, std::nothrow); // volatile: so that it is made
        ::operator delete(block);
        asked = watch.asked;
    }
    uncounted_depth = depth;
    innermost = others;
    return asked;
}

} // namespace withal::detail

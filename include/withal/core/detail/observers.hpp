// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/atomic.hpp>

namespace withal {

struct event;

} // namespace withal

namespace withal::detail {

struct observer {
    void (*call)(observer& self, const event& seen) noexcept = nullptr;
    observer* next = nullptr;
    int running = 0;
    bool leaving = false;
};

[[gnu::visibility("default")]] inline thread_local constinit bool telling_here = false;

class observer_list {
public:
    [[gnu::always_inline]] [[nodiscard]] bool listening() const noexcept { return is_set(first_); }

    void add(observer& one) noexcept {
        const spin_guard guard(lock_);
        one.next = first();
        store_release<void*>(first_, &one);
    }

    /// Returns when nobody calls it any more. It stays linked until then, so that whoever is
    /// calling it finds the next one behind it.
    void remove(observer& one) noexcept {
        lock_.lock();
        one.leaving = true;
        while (one.running != 0) {
            lock_.unlock();
            give_way();
            lock_.lock();
        }
        if (first_ == &one) {
            store_release<void*>(first_, one.next);
        } else {
            observer* before = first();
            while (before->next != &one) {
                before = before->next;
            }
            before->next = one.next;
        }
        lock_.unlock();
    }

    /// What an observer does itself is not shown to anybody, or it would observe for ever.
    void tell(const event& seen) noexcept {
        if (telling_here) {
            return;
        }
        telling_here = true;
        lock_.lock();
        for (observer* one = first(); one != nullptr; one = one->next) {
            if (one->leaving) {
                continue;
            }
            ++one->running;
            lock_.unlock();
            one->call(*one, seen);
            lock_.lock();
            --one->running;
        }
        lock_.unlock();
        telling_here = false;
    }

private:
    [[nodiscard]] observer* first() const noexcept { return static_cast<observer*>(first_); }

    void* first_ = nullptr;
    spin_lock lock_;
};

[[gnu::visibility("default")]] inline constinit observer_list observers;

} // namespace withal::detail

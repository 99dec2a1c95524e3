// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <sched.h>

// The few atomic operations the core needs, as compiler builtins: <atomic> alone costs more to
// parse than everything else the core includes together.
namespace withal::detail {

template <class T>
[[gnu::always_inline]] inline T load_relaxed(const T& from) noexcept {
    return __atomic_load_n(&from, __ATOMIC_RELAXED);
}

/// Is a pointer set? A relaxed load and a comparison, as the one instruction that compilers do not
/// make of an atomic load.
[[gnu::always_inline]] inline bool is_set(void* const& pointer) noexcept {
#if defined(__x86_64__)
    bool set = false;
    asm volatile("cmpq $0, %1" : "=@ccne"(set) : "m"(pointer));
    return set;
#else
    return load_relaxed(pointer) != nullptr;
#endif
}

template <class T>
inline T load_acquire(const T& from) noexcept {
    return __atomic_load_n(&from, __ATOMIC_ACQUIRE);
}

template <class T>
inline void store_release(T& to, T value) noexcept {
    __atomic_store_n(&to, value, __ATOMIC_RELEASE);
}

template <class T>
inline T exchange(T& in, T value) noexcept {
    return __atomic_exchange_n(&in, value, __ATOMIC_ACQ_REL);
}

/// Adds and returns the new value.
template <class T>
inline T add(T& to, T delta) noexcept {
    return __atomic_add_fetch(&to, delta, __ATOMIC_ACQ_REL);
}

/// Lets another thread have the processor.
inline void give_way() noexcept {
    sched_yield();
}

/// A lock for the rare paths (a second failure, an observer coming or going): a few instructions
/// held, then released. Waiters yield, so a preempted holder gets the processor.
class spin_lock {
public:
    void lock() noexcept {
        while (exchange(held_, true)) {
            give_way();
        }
    }
    void unlock() noexcept { store_release(held_, false); }

private:
    bool held_ = false;
};

/// Holds a spin_lock for a block.
class spin_guard {
public:
    explicit spin_guard(spin_lock& lock) noexcept : lock_(lock) { lock_.lock(); }
    ~spin_guard() { lock_.unlock(); }
    spin_guard(const spin_guard&) = delete;
    spin_guard& operator=(const spin_guard&) = delete;

private:
    spin_lock& lock_;
};

} // namespace withal::detail

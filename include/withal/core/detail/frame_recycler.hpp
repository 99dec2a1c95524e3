// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

// Where the frames of generators live. A thread keeps the frames that it is done with and hands
// them out again, so that a generator in a loop allocates once.
//
// A frame may end on another thread than it began on: it then stays there. What a thread keeps is
// bounded, and is given back when the thread ends; frames that end later still, in destructors of
// other thread-local objects, go back at once.
namespace withal::detail {

/// Tells AddressSanitizer whether a recycled frame may be touched: using a generator's resource
/// after its exit is found as if the frame had been freed.
#if defined(__SANITIZE_ADDRESS__)
#define WITHAL_FRAMES_ARE_POISONED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITHAL_FRAMES_ARE_POISONED 1
#endif
#endif
#if defined(WITHAL_FRAMES_ARE_POISONED)
#undef WITHAL_FRAMES_ARE_POISONED
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): AddressSanitizer's names
extern "C" void __asan_poison_memory_region(const volatile void*, std::size_t);
extern "C" void __asan_unpoison_memory_region(const volatile void*, std::size_t);
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
inline void forbid(void* from, std::size_t size) noexcept {
    __asan_poison_memory_region(from, size);
}
inline void allow(void* from, std::size_t size) noexcept {
    __asan_unpoison_memory_region(from, size);
}
#else
inline void forbid(void*, std::size_t) noexcept {}
inline void allow(void*, std::size_t) noexcept {}
#endif

/// The frames that a thread keeps, by size. Constant-initialized and trivially destroyed, so that
/// touching it costs no guard; the object that empties it is armed with the first frame it keeps.
class frame_recycler {
public:
    /// Every frame is aligned to this: GCC does not tell what a frame needs.
    static constexpr std::size_t alignment = 64;
    /// Larger frames are not kept.
    static constexpr std::size_t largest_kept = 1024;
    /// The most bytes that are kept of one size, beside the frame that is used next.
    static constexpr std::size_t kept_of_a_size = 4096;

    /// Throws std::bad_alloc.
    [[gnu::always_inline]] void* take(std::size_t size) {
        if (size <= largest_kept) {
            std::uintptr_t& next = bins_[bin_of(size)].next;
            const std::uintptr_t frame = next;
            if (frame > closed) [[likely]] {
                next = none;
                return allowed(frame_at(frame), size);
            }
        }
        return take_other(size);
    }

    [[gnu::always_inline]] void give(void* frame, std::size_t size) noexcept {
        if (size <= largest_kept) {
            std::uintptr_t& next = bins_[bin_of(size)].next;
            if (next == none) [[likely]] {
                next = reinterpret_cast<std::uintptr_t>(forbidden(frame, size));
                return;
            }
        }
        give_other(frame, size);
    }

    /// How many frames are kept.
    [[nodiscard]] std::size_t kept() const noexcept {
        std::size_t count = 0;
        for (const bin& each : bins_) {
            count += each.kept + (each.next > closed ? 1U : 0U);
        }
        return count;
    }

private:
    enum class phase : unsigned char { idle, armed, over };

    struct free_frame {
        free_frame* below;
    };

    /// `next` is the frame that is used next, or says that there is none, or that none may be kept
    /// because nothing would give it back.
    static constexpr std::uintptr_t none = 0;
    static constexpr std::uintptr_t closed = 1;
    struct bin {
        std::uintptr_t next = closed;
        free_frame* others = nullptr;
        std::size_t kept = 0; // others
    };
    static constexpr std::size_t bin_count = largest_kept / alignment;

    /// Empties the bins when the thread ends.
    class reaper {
    public:
        explicit reaper(frame_recycler& frames) noexcept : frames_(frames) {}
        reaper(const reaper&) = delete;
        reaper& operator=(const reaper&) = delete;
        ~reaper() { frames_.close(); }

    private:
        frame_recycler& frames_;
    };

    [[gnu::always_inline]] static void* frame_at(std::uintptr_t address) noexcept {
        return reinterpret_cast<void*>(address); // NOLINT(performance-no-int-to-ptr): see next
    }
    static constexpr std::size_t bin_of(std::size_t size) noexcept {
        return (size - 1) / alignment;
    }
    static constexpr std::size_t round_up(std::size_t size) noexcept {
        return (size + alignment - 1) / alignment * alignment;
    }

    /// A frame that is kept can be read where the link to the one below stands, no further.
    [[gnu::always_inline]] static void* forbidden(void* frame, std::size_t size) noexcept {
        detail::forbid(static_cast<char*>(frame) + sizeof(free_frame),
                       round_up(size) - sizeof(free_frame));
        return frame;
    }
    [[gnu::always_inline]] static void* allowed(void* frame, std::size_t size) noexcept {
        detail::allow(frame, round_up(size));
        return frame;
    }

    [[gnu::cold]] [[gnu::noinline]] void* take_other(std::size_t size) {
        if (size <= largest_kept) {
            bin& here = bins_[bin_of(size)];
            if (free_frame* const frame = here.others) {
                here.others = frame->below;
                --here.kept;
                return allowed(frame, size);
            }
        }
        return allocate(size);
    }

    [[gnu::cold]] [[gnu::noinline]] void give_other(void* frame, std::size_t size) noexcept {
        if (size <= largest_kept && phase_ != phase::over) {
            bin& here = bins_[bin_of(size)];
            if (phase_ == phase::idle) {
                open();
            }
            if (here.next == none) {
                here.next = reinterpret_cast<std::uintptr_t>(forbidden(frame, size));
                return;
            }
            if ((here.kept + 1) * round_up(size) <= kept_of_a_size) {
                here.others = ::new (frame) free_frame{here.others};
                ++here.kept;
                forbidden(frame, size);
                return;
            }
        }
        deallocate(frame);
    }

    void open() noexcept {
        static const thread_local reaper at_the_end_of_the_thread(*this);
        phase_ = phase::armed;
        for (bin& each : bins_) {
            each.next = none;
        }
    }

    void close() noexcept {
        phase_ = phase::over;
        for (std::size_t at = 0; at < bin_count; ++at) {
            const std::size_t size = (at + 1) * alignment;
            bin& here = bins_[at];
            if (here.next != none) {
                deallocate(allowed(frame_at(here.next), size));
            }
            here.next = closed;
            while (free_frame* const frame = here.others) {
                here.others = frame->below;
                --here.kept;
                deallocate(allowed(frame, size));
            }
        }
    }

    /// Plain memory, which a program may replace, and an aligned frame in it; the address of the
    /// memory stands before the frame.
    static void* allocate(std::size_t size) {
        const std::size_t whole = round_up(size) + alignment;
        if (whole < size) {
            throw std::bad_alloc();
        }
        void* const memory = ::operator new(whole);
        static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= sizeof(void*));
        const std::size_t past = reinterpret_cast<std::uintptr_t>(memory) % alignment;
        void* const frame = static_cast<char*>(memory) + (alignment - past);
        static_cast<void**>(frame)[-1] = memory;
        return frame;
    }
    static void deallocate(void* frame) noexcept {
        ::operator delete(static_cast<void**>(frame)[-1]);
    }

    bin bins_[bin_count];
    phase phase_ = phase::idle;
};

inline thread_local constinit frame_recycler frames_here;

} // namespace withal::detail

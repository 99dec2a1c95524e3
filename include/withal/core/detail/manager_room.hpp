// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/erased_manager.hpp>
#include <withal/core/manager.hpp>

#include <cstddef>
#include <new>

namespace withal::detail {

/// Where the manager of an any_manager<T> stands: here, if it is small and its move cannot throw,
/// else on the heap. Empty at first.
template <class T>
class manager_room { // NOLINT(cppcoreguidelines-pro-type-member-init): the bytes are mere room
public:
    manager_room() noexcept = default; // NOLINT(cppcoreguidelines-pro-type-member-init)
    manager_room(const manager_room&) = delete;
    manager_room& operator=(const manager_room&) = delete;
    ~manager_room() { clear(); }

    /// M is an object, or a reference to one. The room must be empty.
    template <class M, class... Arguments>
    void make(Arguments&&... arguments) {
        constexpr bool never_suppresses = !may_suppress<M>;
        constexpr bool fits = enters_as<entered_t<M>, T>;
        static_assert(never_suppresses,
                      "withal::any_manager: this manager may suppress, and with() could then not "
                      "return what the body does; keep its own type, or use "
                      "suppressing_exit_stack");
        static_assert(fits,
                      "withal::any_manager: what enter() of this manager returns is no T, nor "
                      "converts to one without loss; name its own type, a reference to it or to a "
                      "base, or void");
        if constexpr (never_suppresses && fits) {
            using made = held_manager<T, M>;
            constexpr bool small =
                sizeof(made) <= sizeof(bytes_) && alignof(made) <= alignof(void*);
            if constexpr (small && made::moves) {
                held_ =
                    ::new (static_cast<void*>(bytes_)) made(static_cast<Arguments&&>(arguments)...);
            } else {
                held_ = new made(static_cast<Arguments&&>(arguments)...);
            }
        }
    }
    /// What another room holds. This one must be empty.
    void take(manager_room& other) noexcept {
        held_ = other.is_here() ? other.held_->move_to(bytes_) : other.held_;
        other.held_ = nullptr;
    }
    /// Out of line: inlined, GCC 12 warns of managers that are too large to stand here, and do not.
    [[gnu::noinline]] void clear() noexcept {
        if (is_here()) {
            held_->~erased_manager();
        } else {
            delete held_;
        }
        held_ = nullptr;
    }

    /// Null if the room is empty.
    [[nodiscard]] erased_manager<T>* get() const noexcept { return held_; }

private:
    [[nodiscard]] bool is_here() const noexcept {
        return static_cast<const void*>(held_) == bytes_;
    }

    // The pointer to the virtual functions, and four more.
    alignas(void*) std::byte bytes_[5 * sizeof(void*)];
    erased_manager<T>* held_ = nullptr;
};

} // namespace withal::detail

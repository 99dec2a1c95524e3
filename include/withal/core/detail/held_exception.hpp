// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <exception>
#include <new>

namespace withal::detail {

/// A std::exception_ptr that can be a constant while it is null, and then dies without a call:
/// libc++'s destructor is one. In both runtimes the pointer is one pointer, null as null.
class held_exception {
public:
    constexpr held_exception() noexcept = default;
    explicit held_exception(std::exception_ptr&& error) noexcept {
        ::new (static_cast<void*>(&room_))
            std::exception_ptr(static_cast<std::exception_ptr&&>(error));
    }
    constexpr held_exception(const held_exception& other) noexcept {
        if (other.room_ != nullptr) {
            ::new (static_cast<void*>(&room_)) std::exception_ptr(other.get());
        }
    }
    constexpr held_exception(held_exception&& other) noexcept : room_(other.room_) {
        other.room_ = nullptr;
    }
    held_exception& operator=(held_exception&& other) noexcept {
        void* const room = room_;
        room_ = other.room_;
        other.room_ = room;
        return *this;
    }
    held_exception& operator=(const held_exception& other) noexcept {
        if (this != &other) {
            reinterpret_cast<std::exception_ptr&>(room_) = other.get();
        }
        return *this;
    }
    constexpr ~held_exception() {
        if (room_ != nullptr) {
            reinterpret_cast<std::exception_ptr&>(room_).~exception_ptr();
        }
    }

    [[nodiscard]] const std::exception_ptr& get() const noexcept {
        return reinterpret_cast<const std::exception_ptr&>(room_);
    }

    /// The exception as a bare word, to be adopted once: a frame that may have to hold one pays
    /// nothing for it until then.
    [[nodiscard]] void* release() noexcept {
        void* const room = room_;
        room_ = nullptr;
        return room;
    }
    static held_exception adopt(void* released) noexcept {
        held_exception held;
        held.room_ = released;
        return held;
    }

private:
    static_assert(sizeof(std::exception_ptr) == sizeof(void*));
    void* room_ = nullptr;
};

} // namespace withal::detail

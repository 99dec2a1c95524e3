// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/atomic.hpp>

#include <cstddef>
#include <exception>
#include <new>

namespace withal::detail {

/// A growing array of errors that its readers share: elements are only ever added behind those a
/// reader knows, so a reader's view stays valid while others append.
class error_block {
public:
    /// Null when there is no memory.
    static error_block* make(std::size_t capacity) noexcept {
        void* memory = ::operator new(sizeof(error_block) + capacity * sizeof(std::exception_ptr),
                                      std::nothrow);
        return memory == nullptr ? nullptr : ::new (memory) error_block(capacity);
    }
    error_block(const error_block&) = delete;
    error_block& operator=(const error_block&) = delete;

    void share() noexcept { add(owners_, 1); }
    void drop() noexcept {
        if (add(owners_, -1) == 0) {
            for (std::size_t at = size_; at > 0; --at) {
                data()[at - 1].~exception_ptr();
            }
            ::operator delete(this);
        }
    }

    [[nodiscard]] bool contains(const std::exception_ptr& error) noexcept {
        for (std::size_t at = 0; at < size_; ++at) {
            if (data()[at] == error) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Needs room, and one writer at a time.
    void append(const std::exception_ptr& error) noexcept {
        // NOLINTNEXTLINE(clang-analyzer-cplusplus.PlacementNew): the room is behind the block
        ::new (static_cast<void*>(data() + size_)) std::exception_ptr(error);
        ++size_;
    }
    /// Appends to a block that may be null or full: then to a wider one in its place. False if
    /// there is no memory.
    static bool append(error_block*& block, const std::exception_ptr& error) noexcept {
        if (block == nullptr || block->full()) {
            error_block* const wider = make(block == nullptr ? 2 : 2 * block->size());
            if (wider == nullptr) {
                return false;
            }
            if (block != nullptr) {
                for (std::size_t at = 0; at < block->size(); ++at) {
                    wider->append(block->data()[at]);
                }
                block->drop();
            }
            block = wider;
        }
        block->append(error);
        return true;
    }
    [[nodiscard]] std::exception_ptr* data() noexcept {
        return reinterpret_cast<std::exception_ptr*>(this + 1);
    }

private:
    explicit error_block(std::size_t capacity) noexcept : capacity_(capacity) {}
    ~error_block() = default;

    std::size_t size_ = 0;
    std::size_t capacity_;
    int owners_ = 1;
};

} // namespace withal::detail

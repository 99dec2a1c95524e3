// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/error_block.hpp>

#include <cstddef>
#include <exception>

namespace withal {

namespace detail {
struct error_list_access;
} // namespace detail

/// Errors in the order in which they happened: a range of `std::exception_ptr`.
///
///     for (const std::exception_ptr& error : secondary_errors()) {
///         // innermost cleanup first
///     }
///
/// A snapshot: it does not change while it is held, owns its errors, and is cheap to copy.
///
/// **Threads.** As a `std::shared_ptr`: different objects may be used at once, also when they share
/// the same errors.
class error_list { // NOLINT(cppcoreguidelines-special-member-functions): assigned by value
public:
    using value_type = std::exception_ptr;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using const_reference = const std::exception_ptr&;
    using reference = const_reference;
    using const_iterator = const std::exception_ptr*;
    using iterator = const_iterator;

    /// No errors.
    error_list() noexcept = default;
    /// Copies share the errors; none is copied.
    error_list(const error_list& other) noexcept : block_(other.block_), size_(other.size_) {
        if (block_ != nullptr) {
            block_->share();
        }
    }
    error_list(error_list&& other) noexcept : block_(other.block_), size_(other.size_) {
        other.block_ = nullptr;
        other.size_ = 0;
    }
    error_list& operator=(error_list other) noexcept {
        swap(other);
        return *this;
    }
    ~error_list() {
        if (block_ != nullptr) {
            block_->drop();
        }
    }

    /// In the order in which they happened.
    [[nodiscard]] const_iterator begin() const noexcept {
        return block_ == nullptr ? nullptr : block_->data();
    }
    [[nodiscard]] const_iterator end() const noexcept { return begin() + size_; }
    [[nodiscard]] const_iterator data() const noexcept { return begin(); }
    [[nodiscard]] size_type size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// **Requires.** at < size(); front() and back() that it is not empty.
    [[nodiscard]] const_reference operator[](size_type at) const noexcept { return begin()[at]; }
    [[nodiscard]] const_reference front() const noexcept { return *begin(); }
    [[nodiscard]] const_reference back() const noexcept { return begin()[size_ - 1]; }

private:
    friend struct detail::error_list_access;

    error_list(detail::error_block* owned, size_type size) noexcept : block_(owned), size_(size) {}

    void swap(error_list& other) noexcept {
        detail::error_block* const block = block_;
        const size_type size = size_;
        block_ = other.block_;
        size_ = other.size_;
        other.block_ = block;
        other.size_ = size;
    }

    detail::error_block* block_ = nullptr;
    size_type size_ = 0;
};

/// What fills lists: a block that is handed over, or shared at its present size.
struct detail::error_list_access {
    static error_list own(error_block* block) noexcept { return {block, block->size()}; }
    static error_list share(error_block* block) noexcept {
        block->share();
        return {block, block->size()};
    }
    static error_block* block(const error_list& errors) noexcept { return errors.block_; }
};

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/atomic.hpp>

#include <cstddef>
#include <initializer_list>
#include <new>

namespace withal::detail {

/// An immutable text shared by the copies of an exception: copying never throws, as the copy of an
/// exception must not. Without memory it keeps the first piece, which must be a literal.
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions): moved from, an exception keeps its text
class shared_text {
public:
    shared_text(std::initializer_list<const char*> pieces) noexcept {
        std::size_t size = 1;
        for (const char* piece : pieces) {
            size += __builtin_strlen(piece);
        }
        void* memory = ::operator new(sizeof(header) + size, std::nothrow);
        if (memory == nullptr) {
            text_ = *pieces.begin();
            return;
        }
        owned_ = ::new (memory) header{1};
        char* to = static_cast<char*>(memory) + sizeof(header);
        text_ = to;
        for (const char* piece : pieces) {
            const std::size_t length = __builtin_strlen(piece);
            __builtin_memcpy(to, piece, length);
            to += length;
        }
        *to = '\0';
    }
    shared_text(const shared_text& other) noexcept : owned_(other.owned_), text_(other.text_) {
        if (owned_ != nullptr) {
            add(owned_->owners, 1);
        }
    }
    shared_text& operator=(const shared_text& other) noexcept {
        shared_text copy(other);
        header* const owned = owned_;
        const char* const text = text_;
        owned_ = copy.owned_;
        text_ = copy.text_;
        copy.owned_ = owned;
        copy.text_ = text;
        return *this;
    }
    ~shared_text() {
        if (owned_ != nullptr && add(owned_->owners, -1) == 0) {
            ::operator delete(owned_);
        }
    }

    [[nodiscard]] const char* c_str() const noexcept { return text_; }

private:
    struct header {
        int owners;
    };
    header* owned_ = nullptr;
    const char* text_ = "";
};

} // namespace withal::detail

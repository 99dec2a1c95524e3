// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/result.hpp>

#include <exception>
#include <type_traits>

namespace withal::detail {

/// Makes results; they are read-only to everybody else.
struct result_access {
    template <class T, class... Value>
    static result<T> value(Value&&... value) {
        result<T> made;
        if constexpr (std::is_void_v<T>) {
            made.value_.emplace();
        } else if constexpr (std::is_reference_v<T>) {
            made.value_.emplace(__builtin_addressof(value)...);
        } else {
            made.value_.emplace(static_cast<Value&&>(value)...);
        }
        return made;
    }
    template <class T>
    static result<T> error(const std::exception_ptr& error) noexcept {
        result<T> made;
        made.error_ = error;
        return made;
    }
    template <class T>
    static result<T> suppressed() noexcept {
        return result<T>();
    }
};

} // namespace withal::detail

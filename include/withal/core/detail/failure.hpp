// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <concepts>

namespace withal {

template <class T>
struct failure_traits;

} // namespace withal

namespace withal::detail {

template <class T>
concept states_failure = requires(const T& value) {
    { failure_traits<T>::failed(value) } -> std::same_as<bool>;
};

template <class T>
concept expected_like = requires(const T& value) {
    { value.has_value() } -> std::same_as<bool>;
    value.error();
};

template <class T>
concept error_code_like = requires(const T& value) {
    { value.value() } -> std::same_as<int>;
    value.category();
    static_cast<bool>(value);
};

/// Can a T that the body returned mean failure?
template <class T>
concept can_fail = states_failure<T> || expected_like<T> || error_code_like<T>;

template <can_fail T>
[[nodiscard]] constexpr bool is_failure(const T& value) {
    if constexpr (states_failure<T>) {
        return failure_traits<T>::failed(value);
    } else if constexpr (expected_like<T>) {
        return !value.has_value();
    } else {
        return static_cast<bool>(value);
    }
}

} // namespace withal::detail

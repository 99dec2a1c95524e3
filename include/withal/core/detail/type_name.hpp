// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>

namespace withal::detail {

template <std::size_t Size>
struct fixed_text {
    char text[Size + 1] = {};
};

/// The compiler's spelling of T, cut out of the signature of this function: "[with T = X]" (GCC,
/// which may add "; ...") or "[T = X]" (Clang).
template <class T>
constexpr auto spell_type() noexcept {
    constexpr const char* signature = __PRETTY_FUNCTION__;
    constexpr std::size_t length = sizeof(__PRETTY_FUNCTION__) - 1;
    constexpr std::size_t first = [] {
        std::size_t at = 0;
        while (signature[at] != 'T' || signature[at + 1] != ' ' || signature[at + 2] != '=') {
            ++at;
        }
        return at + 4;
    }();
    constexpr std::size_t last = length - 1;
    fixed_text<last - first> name;
    for (std::size_t at = first; at < last; ++at) {
        name.text[at - first] = signature[at];
    }
    return name;
}

template <class T>
inline constexpr auto type_name_storage = spell_type<T>();

/// The name of a type for messages and events, for people: not stable between compilers.
template <class T>
[[nodiscard]] constexpr const char* type_name() noexcept {
    return type_name_storage<T>.text;
}

} // namespace withal::detail

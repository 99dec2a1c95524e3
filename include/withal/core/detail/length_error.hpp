// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

// std::length_error without <stdexcept>, which alone costs nine tenths of <functional> to parse.
#include <version>
#if defined(__GLIBCXX__)
#include <bits/functexcept.h>
#else
#include <stdexcept>
#endif

namespace withal::detail {

[[noreturn]] inline void throw_length_error(const char* text) {
#if defined(__GLIBCXX__)
    std::__throw_length_error(text);
#else
    throw std::length_error(text);
#endif
}

} // namespace withal::detail

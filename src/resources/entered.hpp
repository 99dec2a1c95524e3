// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>

#include <string>

namespace withal::detail {

/// For managers that are reusable and not reentrant.
[[noreturn]] inline void already_entered(const std::string& label) {
    throw logic_error((label + ": already entered; it can be entered again after its exit, not "
                               "inside it")
                          .c_str());
}

/// "body failed" or what else it was.
inline const char* word_of(const outcome& left) noexcept {
    return left.returned()    ? "ok"
           : left.cancelled() ? "cancelled"
           : left.abandoned() ? "abandoned"
                              : "failed";
}

} // namespace withal::detail

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::managed: T must not be an rvalue reference
#include <withal/withal.hpp>

#include <string>

withal::managed<std::string&&> moves_out(std::string text) {
    co_yield text;
}

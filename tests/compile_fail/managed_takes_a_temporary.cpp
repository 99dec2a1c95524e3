// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::managed: a generator.s parameter must not be an rvalue reference
#include <withal/withal.hpp>

#include <string>

withal::managed<std::string> dangles(std::string&& text) {
    co_yield text;
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::managed: a generator that returns managed<T> must co_yield a T
#include <withal/withal.hpp>

#include <string>

withal::managed<std::string> yields_what_the_body_must_not_change() {
    const std::string text = "constant";
    co_yield text;
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::managed: a generator that returns managed<T> must co_yield a T
#include <withal/withal.hpp>

#include <string>

withal::managed<std::string> yields_a_number() {
    co_yield 42;
}

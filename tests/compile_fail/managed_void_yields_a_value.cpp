// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: it must co_yield withal::nothing
#include <withal/withal.hpp>

withal::managed<void> yields_a_number() {
    co_yield 42;
}

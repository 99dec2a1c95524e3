// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: no member named .*return_value
#include <withal/withal.hpp>

withal::managed<int> returns_its_resource() {
    co_yield 1;
    co_return 1;
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (ignoring return|ignoring temporary|nodiscard)
#include <withal/withal.hpp>

withal::managed<int> resource() {
    co_yield 1;
}

// Nothing is acquired: with() must enter it.
int main() {
    resource();
}

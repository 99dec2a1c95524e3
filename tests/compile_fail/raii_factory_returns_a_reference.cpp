// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: the callable must return the RAII object itself
#include <withal/withal.hpp>

int main() {
    static int held = 0;
    withal::with(withal::as_manager([]() -> int& { return held; }), [](int&) {});
}

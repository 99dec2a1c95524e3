// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: the fallback, the last argument, must be a callable
#include <withal/withal.hpp>

int main() {
    withal::with_or(withal::suppress<int>(), [] { return 1; }, [] { return "one"; });
}

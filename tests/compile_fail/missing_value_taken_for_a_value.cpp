// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (cannot convert|no viable conversion).*optional<int>
#include <withal/withal.hpp>

// The body may not have come to its end.
int main() {
    int number = withal::with(withal::suppress<int>(), [] { return 1; });
    return number;
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (cannot convert|no viable conversion).*result<int>
#include <withal/withal.hpp>

// There may be an error instead.
int main() {
    int number = withal::try_with(withal::null_context(), [] { return 1; });
    return number;
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: the body cannot be called with what the managers' enter\(\) returned
#include <withal/withal.hpp>

// null_context(1) enters to an int; the body has no room for it.
int main() {
    withal::with(withal::null_context(1), [] {});
}

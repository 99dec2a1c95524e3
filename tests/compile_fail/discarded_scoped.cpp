// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (ignoring return|ignoring temporary|nodiscard)
#include <withal/withal.hpp>

// The guard dies at the semicolon: nothing would be held.
int main() {
    withal::scoped(withal::null_context());
}

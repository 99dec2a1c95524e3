// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (ignoring return|ignoring temporary|nodiscard)
#include <withal/withal.hpp>

// An error that try_with() caught and nobody looks at is lost.
int main() {
    withal::try_with(withal::null_context(), [] {});
}

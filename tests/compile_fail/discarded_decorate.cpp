// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (ignoring return|ignoring temporary|nodiscard)
#include <withal/withal.hpp>

// Nothing is called.
int main() {
    withal::decorate(withal::null_context(), [] {});
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (ignoring return|ignoring temporary|nodiscard)
#include <withal/withal.hpp>

// A manager that nobody enters does nothing.
int main() {
    withal::on_exit([] {});
}

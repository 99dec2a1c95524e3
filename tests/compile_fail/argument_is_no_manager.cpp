// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: this argument is neither a context manager
#include <withal/withal.hpp>

int main() {
    withal::with(42, [] {});
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: the factory must return a context manager
#include <withal/withal.hpp>

int main() {
    withal::with([] { return 42; }, [](int) {});
}

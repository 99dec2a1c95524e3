// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::scoped: this is no context manager
#include <withal/core/scoped.hpp>

void f() {
    withal::scoped(42);
}

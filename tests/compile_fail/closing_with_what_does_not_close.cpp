// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::closing: this does not close the object
#include <withal/core/closing.hpp>

struct door {};
auto kept = withal::closing(door(), [](int, int) {});

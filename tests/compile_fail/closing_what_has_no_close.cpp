// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::closing: the object has no close\(\); name what closes it
#include <withal/core/closing.hpp>

struct door {};
auto kept = withal::closing(door());

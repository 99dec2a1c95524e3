// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/exit_stack.hpp>

#include "../opaque.hpp"

using namespace withal_bench;

// use
int one_use(int seed) {
    withal::exit_stack exits;
    for (int n = 0; n < seed; ++n) {
        exits.defer([handle = acquire(n + use_number)] { release(handle); });
    }
    exits.close();
    return seed;
}

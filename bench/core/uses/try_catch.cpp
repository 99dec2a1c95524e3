// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../opaque.hpp"

using namespace withal_bench;

// use
int one_use(int seed) {
    const int handle = acquire(seed + use_number);
    int used = 0;
    try {
        used = use(handle);
    } catch (...) {
        try {
            release_or_throw(handle);
        } catch (...) {}
        throw;
    }
    release_or_throw(handle);
    return used;
}

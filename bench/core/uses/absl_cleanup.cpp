// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../opaque.hpp"

#include <absl/cleanup/cleanup.h>

using namespace withal_bench;

// use
int one_use(int seed) {
    const int handle = acquire(seed + use_number);
    const absl::Cleanup guard = [handle] { release(handle); };
    return use(handle);
}

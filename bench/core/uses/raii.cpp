// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../managers.hpp"

using namespace withal_bench;

// use
int one_use(int seed) {
    const raii one(seed + use_number);
    return use(one.handle);
}

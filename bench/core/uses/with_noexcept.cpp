// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../managers.hpp"
#include <withal/core/with.hpp>

using namespace withal_bench;

// use
int one_use(int seed) {
    return withal::with(quiet{seed + use_number}, [](int& handle) { return use(handle); });
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../opaque.hpp"

#include <functional>
#include <vector>

using namespace withal_bench;

// use
int one_use(int seed) {
    std::vector<std::function<void()>> exits;
    for (int n = 0; n < seed; ++n) {
        exits.emplace_back([handle = acquire(n + use_number)] { release(handle); });
    }
    while (!exits.empty()) {
        exits.back()();
        exits.pop_back();
    }
    return seed;
}

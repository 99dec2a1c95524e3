// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../opaque.hpp"
#include <withal/core/with.hpp>

using namespace withal_bench;

namespace {

struct quiet {
    int handle;
    int enter() { return handle = acquire(handle); }
    void exit() noexcept { release(handle); }
};

} // namespace

// use
int one_use(int seed) {
    return withal::with(quiet{seed + use_number}, [](int& handle) { return use(handle); });
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../opaque.hpp"

using namespace withal_bench;

namespace {

struct raii {
    int handle;
    explicit raii(int seed) : handle(acquire(seed)) {}
    ~raii() { release(handle); }
    raii(const raii&) = delete;
    raii& operator=(const raii&) = delete;
};

} // namespace

// use
int one_use(int seed) {
    const raii one(seed + use_number);
    return use(one.handle);
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "opaque.hpp"
#include <withal/core/outcome.hpp>

// The managers that the benches share: like the code written by hand, they keep one number.
namespace withal_bench {

struct quiet {
    int handle;
    int enter() { return handle = acquire(handle); }
    void exit() noexcept { release(handle); }
};

struct fallible {
    int handle;
    int enter() { return handle = acquire(handle); }
    void exit() { release_or_throw(handle); }
};

struct transaction {
    int handle;
    int enter() { return handle = acquire(handle); }
    void exit(const withal::outcome& left) {
        if (left.returned()) {
            commit(handle);
        } else {
            rollback(handle);
        }
    }
};

/// By hand.
struct raii {
    int handle;
    explicit raii(int seed) : handle(acquire(seed)) {}
    ~raii() { release(handle); }
    raii(const raii&) = delete;
    raii& operator=(const raii&) = delete;
};

} // namespace withal_bench

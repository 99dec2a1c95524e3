// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../opaque.hpp"

#include <boost/scope_exit.hpp>

using namespace withal_bench;

// use
int one_use(int seed) {
    const int handle = acquire(seed + use_number);
    BOOST_SCOPE_EXIT(handle) {
        release(handle);
    }
    BOOST_SCOPE_EXIT_END
    return use(handle);
}

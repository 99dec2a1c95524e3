// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (not permitted in handlers|cannot be used in the handler)
#include <withal/withal.hpp>

// The language has no co_yield there: note what happened, and yield behind the handler.
withal::managed<int> tries_again() {
    int number = 1;
    try {
        co_yield number;
    } catch (...) {
        co_yield number;
    }
}

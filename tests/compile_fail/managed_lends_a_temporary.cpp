// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::managed: a generator that returns managed<T> must co_yield a T
#include <withal/withal.hpp>

struct thing {};

withal::managed<thing&> lends_what_is_nowhere() {
    co_yield thing();
}

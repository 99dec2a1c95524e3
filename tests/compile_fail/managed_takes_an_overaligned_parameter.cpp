// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::managed: a generator.s parameter is aligned to more than 64 bytes
#include <withal/withal.hpp>

struct alignas(128) wide {
    char text[128];
};

withal::managed<char> misaligned(wide one) {
    co_yield one.text[0];
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::outcome: inspect<E>\(f\) calls f\(const E&\)
#include <withal/core/outcome.hpp>

struct error {};
struct other {};
bool seen(const withal::outcome& left) {
    return left.inspect<error>([](const other&) {});
}

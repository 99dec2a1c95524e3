// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::suppress: the predicate must be callable as f\(const E&\)
#include <withal/core/suppress.hpp>

struct error {};
struct other {};
auto manager = withal::suppress<error>([](const other&) { return true; });

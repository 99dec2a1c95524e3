// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::observe: the callable must be callable as f\(const event&\)
#include <withal/core/observe.hpp>

auto watching = withal::observe([]() noexcept {});

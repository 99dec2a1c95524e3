// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (ignoring return|ignoring temporary|nodiscard)
#include <withal/withal.hpp>

// It stops observing at the semicolon.
int main() {
    withal::observe([](const withal::event&) noexcept {});
}

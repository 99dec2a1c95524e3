// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: context_manager
#include <withal/withal.hpp>

int main() {
    withal::with(withal::all(withal::null_context(), 42), [] {});
}

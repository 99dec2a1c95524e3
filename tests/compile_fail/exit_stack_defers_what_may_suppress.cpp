// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::exit_stack: an action cannot suppress
#include <withal/withal.hpp>

int main() {
    withal::exit_stack stack;
    stack.defer([] { return withal::verdict(withal::verdict::suppress); });
}

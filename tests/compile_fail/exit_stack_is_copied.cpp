// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: deleted (function|constructor)
#include <withal/withal.hpp>

// Two stacks would run every exit twice.
int main() {
    withal::exit_stack stack;
    withal::exit_stack copy = stack;
}

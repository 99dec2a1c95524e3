// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::exit_stack: the action must be callable as f\(\) or as
#include <withal/withal.hpp>

int main() {
    withal::exit_stack stack;
    stack.defer([](int) {});
}

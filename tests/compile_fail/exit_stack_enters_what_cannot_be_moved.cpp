// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::exit_stack: this manager cannot be moved to the stack
#include <withal/withal.hpp>

#include <mutex>

int main() {
    withal::exit_stack stack;
    stack.enter(std::mutex());
}

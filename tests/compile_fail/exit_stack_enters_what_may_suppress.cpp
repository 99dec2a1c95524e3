// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: this manager may suppress; use suppressing_exit_stack
#include <withal/withal.hpp>

int main() {
    withal::with(withal::exit_stack(), [](auto& stack) { stack.enter(withal::suppress<int>()); });
}

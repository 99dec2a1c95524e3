// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: cannot be moved with the stack without throwing
#include <withal/withal.hpp>

struct throws_when_moved {
    throws_when_moved() = default;
    throws_when_moved(throws_when_moved&&) {}
    void enter() {}
    void exit() {}
};

int main() {
    withal::inplace_exit_stack<256> stack;
    stack.enter(throws_when_moved());
}

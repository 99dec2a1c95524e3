// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: this manager can be entered only once; pass a factory
#include <withal/withal.hpp>

struct ticket : withal::single_use {
    void enter() {}
    void exit() {}
};

int main() {
    auto admit = withal::decorate(ticket(), [] {});
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::with: this manager is const, and its enter\(\) or exit\(\) is not
#include <withal/core/with.hpp>

struct manager {
    void enter() {}
    void exit() {}
};
const manager one;
void f() {
    withal::with(one, [] {});
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::single_use: a const manager cannot note that it was used
#include <withal/core/with.hpp>

struct ticket : withal::single_use {
    void enter() const {}
    void exit() const {}
};
const ticket one;
void f() {
    withal::with(one, [] {});
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: an action cannot suppress; write a manager
#include <withal/withal.hpp>

int main() {
    withal::with(withal::on_exit([] { return withal::verdict(withal::verdict::suppress); }), [] {});
}

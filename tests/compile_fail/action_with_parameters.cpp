// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: the action must be callable as f\(\) or as f\(const outcome&\)
#include <withal/withal.hpp>

int main() {
    withal::with(withal::on_exit([](int) {}), [] {});
}

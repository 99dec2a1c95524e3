// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (deleted function|deleted constructor)
#include <withal/withal.hpp>

int main() {
    withal::any_manager<void> one = withal::null_context();
    withal::any_manager<void> two = one;
}

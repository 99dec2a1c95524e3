// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::any_manager: this manager may suppress
#include <withal/withal.hpp>

int main() {
    withal::any_manager<void> quiet = withal::suppress<int>();
}

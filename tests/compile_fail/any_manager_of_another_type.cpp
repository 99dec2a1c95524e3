// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: what enter\(\) of this manager returns is no T
#include <withal/withal.hpp>

#include <string>

int main() {
    withal::any_manager<std::string&> text = withal::null_context(42);
}

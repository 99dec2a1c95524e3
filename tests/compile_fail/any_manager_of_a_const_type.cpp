// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: name what enter\(\) gives as void, as a type without const
#include <withal/withal.hpp>

int main() {
    withal::any_manager<const int> any;
}

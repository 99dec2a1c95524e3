// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: name the types of exceptions to suppress
#include <withal/withal.hpp>

int main() {
    withal::with(withal::suppress<>(), [] {});
}

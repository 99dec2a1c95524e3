// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: the first argument is neither a context manager nor a
#include <withal/withal.hpp>

int main() {
    auto work = withal::decorate(42, [] {});
}

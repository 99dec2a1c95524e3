// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: this manager has enter\(\) but no exit\(\)
#include <withal/withal.hpp>

struct opens_only {
    void enter() {}
};

int main() {
    withal::with(opens_only(), [] {});
}

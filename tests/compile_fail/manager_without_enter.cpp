// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: this manager has exit\(\) but no enter\(\)
#include <withal/withal.hpp>

struct closes_only {
    void exit() {}
};

int main() {
    withal::with(closes_only(), [] {});
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (could not convert|no viable conversion|cannot convert).*verdict
#include <withal/withal.hpp>

struct answers {
    void enter() {}
    withal::verdict exit(const withal::outcome&) { return true; }
};

int main() {
    withal::with(answers(), [] {});
}

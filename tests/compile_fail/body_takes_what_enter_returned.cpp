// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: the body cannot be called with what the managers' enter\(\) returned
#include <withal/core/with.hpp>

struct lends_a_number {
    int enter() { return 1; }
    void exit() {}
};

void rule() {
    withal::with(lends_a_number(), [](const char* text) { return text; });
}

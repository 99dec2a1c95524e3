// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (could not convert|not contextually convertible).*bool
#include <withal/withal.hpp>

// Does it mean that it returned, or that there is an exception? Ask.
struct manager {
    void enter() {}
    void exit(const withal::outcome& left) {
        if (left) {}
    }
};

int main() {
    withal::with(manager(), [] {});
}

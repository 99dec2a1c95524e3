// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: the body's result cannot be moved, and an exit may throw
#include <withal/withal.hpp>

struct immovable {
    immovable() = default;
    immovable(const immovable&) = delete;
};
struct may_fail {
    void enter() {}
    void exit() {}
};

int main() {
    withal::with(may_fail(), [] { return immovable(); });
}

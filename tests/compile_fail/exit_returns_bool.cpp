// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: exit\(\) must return void or withal::verdict
#include <withal/withal.hpp>

struct answers_bool {
    void enter() {}
    bool exit(const withal::outcome&) { return true; }
};

int main() {
    withal::with(answers_bool(), [] {});
}

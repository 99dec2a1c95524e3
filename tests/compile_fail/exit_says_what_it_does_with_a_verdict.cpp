// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: exit\(\) must return void or withal::verdict; a bool or a number does not say
#include <withal/core/with.hpp>

struct swallows {
    void enter() {}
    bool exit(const withal::outcome&) { return true; }
};

void rule() {
    withal::with(swallows(), [] {});
}

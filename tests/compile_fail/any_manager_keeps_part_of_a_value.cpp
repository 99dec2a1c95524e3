// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: what enter\(\) of this manager returns is no T, nor converts to one without loss
#include <withal/withal.hpp>

#include <string>
#include <string_view>

struct reads_name {
    std::string enter() { return "made here, and gone when it has been converted"; }
    void exit() {}
};

int main() {
    withal::any_manager<std::string_view> name = reads_name();
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::exit_stack: an action cannot suppress
#include <withal/core/exit_stack.hpp>

void f(withal::exit_stack& stack) {
    stack.defer([](const withal::outcome&) { return withal::verdict::suppress; });
}

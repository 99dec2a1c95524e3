// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: (deleted function|deleted constructor)
#include <withal/withal.hpp>

#include <utility>

int main() {
    auto guard = withal::scoped(withal::null_context());
    auto thief = std::move(guard);
}

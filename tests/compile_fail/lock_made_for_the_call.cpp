// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: a lock made for this call guards nothing
#include <withal/withal.hpp>

#include <mutex>

int main() {
    withal::with(std::mutex(), [] {});
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::managed: a generator cannot co_await
#include <withal/withal.hpp>

#include <coroutine>

withal::managed<int> waits() {
    co_await std::suspend_always();
    co_yield 1;
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: enter the manager inside the coroutine
#include <withal/withal.hpp>

#include <coroutine>

struct task {
    struct promise_type {
        task get_return_object() { return {}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};

// The task would run when the manager is left already.
int main() {
    auto work = withal::decorate(withal::null_context(), []() -> task { co_return; });
    work();
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

namespace withal_test {

/// A coroutine that its owner resumes by hand, from wherever it likes. It runs to its first
/// suspension when it is called, keeps what it throws, and dies with its owner, finished or not.
class [[nodiscard]] hand_driven {
public:
    struct promise_type {
        hand_driven get_return_object() noexcept {
            return hand_driven(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { error = std::current_exception(); }

        std::exception_ptr error;
    };

    hand_driven(hand_driven&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    hand_driven& operator=(hand_driven&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~hand_driven() { destroy(); }

    void resume() { frame_.resume(); }
    void destroy() noexcept {
        if (frame_ != nullptr) {
            std::exchange(frame_, nullptr).destroy();
        }
    }
    [[nodiscard]] bool done() const { return frame_.done(); }
    /// What it threw, null if nothing.
    [[nodiscard]] std::exception_ptr error() const { return frame_.promise().error; }

private:
    explicit hand_driven(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    std::coroutine_handle<promise_type> frame_;
};

/// Calls f from a destructor, while an exception that has nothing to do with it is on its way.
template <class F>
void during_unwinding(F f) {
    struct on_the_way {};
    struct calls {
        F& f;
        ~calls() { f(); }
    };
    try {
        const calls at_end{f};
        throw on_the_way();
    } catch (const on_the_way&) { // swallow: it only had to be there
        return;
    }
}

} // namespace withal_test

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

// The cancellation of a POSIX thread, where it can be tested: libc++ with LLVM's unwinder crashes
// in it even with plain destructors, and the sanitizers take the frames it left for live ones.
#include <exception>
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WITHAL_TEST_SANITIZED 1
#endif
#endif
#if defined(__GLIBCXX__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&     \
    !defined(WITHAL_TEST_SANITIZED)
#define WITHAL_TEST_CANCELLATION 1

#include <functional>

#include <pthread.h>

namespace withal_test {

/// Runs f on a thread of its own, and says whether that thread was cancelled: the cancellation went
/// through everything that f called.
inline bool cancelled(std::function<void()> f) {
    pthread_t thread{};
    const auto run = [](void* arg) -> void* {
        (*static_cast<std::function<void()>*>(arg))();
        return nullptr;
    };
    if (pthread_create(&thread, nullptr, run, &f) != 0) {
        return false;
    }
    void* result = nullptr;
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED;
}

/// Cancels the thread that calls it, here.
inline void cancel_me() {
    pthread_cancel(pthread_self());
    pthread_testcancel();
}

} // namespace withal_test

#endif

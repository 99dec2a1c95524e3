// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/sys/call.hpp>

namespace withal::sys {

/// Owns a file descriptor: closed exactly once.
///
///     sys::fd null(static_cast<int>(sys::open_at(-100, "/dev/null", 0).value()));
///     null.close().or_throw("demo: close", "/dev/null");
///
/// close() answers what the system said, which is where a network or a full disk may report that
/// written data was lost. The destructor cannot report anything: it is for the paths on which
/// another error is already on its way.
class fd {
public:
    /// Owns nothing: get() is -1.
    fd() noexcept = default;
    /// Takes over an open descriptor; a negative number is nothing.
    explicit fd(int number) noexcept : number_(number) {}
    /// The other owns nothing afterwards.
    fd(fd&& other) noexcept : number_(other.release()) {}
    fd& operator=(fd&& other) noexcept {
        if (this != &other) {
            reset(other.release());
        }
        return *this;
    }
    fd(const fd&) = delete;
    fd& operator=(const fd&) = delete;
    ~fd() { reset(); }

    /// The descriptor, still owned; -1 if there is none.
    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }

    /// Gives up the descriptor, open: closing it is the caller's business now.
    ///
    /// **Returns.** -1 if there was none.
    [[nodiscard]] int release() noexcept {
        const int number = number_;
        number_ = -1;
        return number;
    }

    /// Closes it and says what the system said; success if there was nothing to close. It is gone
    /// whatever the answer, and closing again does nothing.
    returned close() noexcept {
        return number_ < 0 ? returned::value_of(0) : sys::close(release());
    }

    /// Closes it silently and owns `number` from here on.
    void reset(int number = -1) noexcept {
        static_cast<void>(close());
        number_ = number;
    }

private:
    int number_ = -1;
};

} // namespace withal::sys

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <array>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace withal::testing {

/// A second process that works on a database until it is told to go, or killed.
///
/// Its work gets two callables: `ready()` lets the constructor return, `wait()` returns when the
/// first process calls let_go().
class other_process {
public:
    using signal = std::function<void()>;

    explicit other_process(const std::function<void(signal ready, signal wait)>& work) {
        if (::pipe(up_.data()) != 0 || ::pipe(down_.data()) != 0) {
            throw std::runtime_error("no pipe for the second process");
        }
        child_ = ::fork();
        if (child_ < 0) {
            throw std::runtime_error("no second process");
        }
        if (child_ == 0) {
            ::close(up_[0]);
            ::close(down_[1]);
            int status = 0;
            try {
                work([this] { put(up_[1]); }, [this] { get(down_[0]); });
            } catch (...) {
                status = 1;
            }
            ::_exit(status);
        }
        ::close(std::exchange(up_[1], -1));
        ::close(std::exchange(down_[0], -1));
        if (!get(up_[0])) {
            throw std::runtime_error("the second process failed before it was ready");
        }
    }
    other_process(const other_process&) = delete;
    other_process& operator=(const other_process&) = delete;
    ~other_process() {
        if (child_ > 0) {
            kill();
        }
        ::close(up_[0]);
        ::close(down_[1]);
    }

    void let_go() { put(down_[1]); }
    /// **Returns.** Whether its work ended without an exception.
    bool join() {
        int status = 0;
        ::waitpid(std::exchange(child_, -1), &status, 0);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    void kill() {
        ::kill(child_, SIGKILL);
        ::waitpid(std::exchange(child_, -1), nullptr, 0);
    }

private:
    static void put(int fd) {
        const char byte = '!';
        if (::write(fd, &byte, 1) != 1) {
            throw std::runtime_error("the other process is gone");
        }
    }
    static bool get(int fd) {
        char byte = 0;
        return ::read(fd, &byte, 1) == 1;
    }

    std::array<int, 2> up_{};
    std::array<int, 2> down_{};
    pid_t child_ = -1;
};

} // namespace withal::testing

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "interrupt.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include <sys/poll.h>

namespace ledger {

namespace {

volatile std::sig_atomic_t received = 0;

extern "C" void remember(int signal) {
    received = signal;
}

} // namespace

interrupted::interrupted(int signal)
    // NOLINTNEXTLINE(misc-include-cleaner): <cstring> has it
    : std::runtime_error(std::string("stopped by SIG") + ::sigabbrev_np(signal)), signal_(signal) {}

void remember_signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) { // NOLINT(misc-include-cleaner)
        // A signal that whoever started us had ignored (nohup) stays ignored.
        if (std::signal(signal, remember) == SIG_IGN) {
            std::signal(signal, SIG_IGN);
        }
    }
}

void check_signals() {
    if (received != 0) {
        throw interrupted(received);
    }
}

void wait_for_input(int fd) {
    // A signal that came just before poll() would not end it: hence the timeout.
    constexpr int timeout_ms = 200;
    pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0}; // NOLINT(misc-include-cleaner)
    do {
        check_signals();
    } while (::poll(&wanted, 1, timeout_ms) < 1);
}

void die_of(int signal) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    std::_Exit(128 + signal);
}

} // namespace ledger

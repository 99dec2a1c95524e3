// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <stdexcept>

namespace ledger {

/// Somebody pressed Ctrl-C, or asked the process to end.
class interrupted : public std::runtime_error {
public:
    explicit interrupted(int signal);
    [[nodiscard]] int signal() const noexcept { return signal_; }

private:
    int signal_;
};

/// From here on SIGINT, SIGTERM and SIGHUP are remembered, so that the work ends as by an error and
/// everything is given back. A program may do this; a library never should.
void remember_signals();

/// **Throws.** interrupted, if a signal came.
void check_signals();

/// Returns when there is something to read, or the end; throws as above even if that never comes.
void wait_for_input(int fd);

/// Ends the process as the signal would have.
[[noreturn]] void die_of(int signal);

} // namespace ledger

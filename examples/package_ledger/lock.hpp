// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/sys/fd.hpp>

#include <filesystem>
#include <string>

namespace ledger {

/// A lock file: one process at a time works in a directory. A manager is written like this one:
/// enter() takes, exit() gives back, label() and note() are what a trace shows.
class directory_lock {
public:
    explicit directory_lock(const std::filesystem::path& directory);

    /// **Throws.** std::runtime_error at once, with the holder's process id, if it is taken.
    void enter();
    void exit();

    [[nodiscard]] const char* label() const noexcept { return label_.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return "released"; }

private:
    std::string path_;
    std::string label_;
    withal::sys::fd file_;
};

} // namespace ledger

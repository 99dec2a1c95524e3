// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace ledger {

/// A line on the terminal that says how far a long reading is; silent where there is no terminal,
/// and for the first moment, in which a short reading is over.
class progress {
public:
    /// A total of 0 is unknown.
    progress(std::string what, std::uint64_t total);
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    ~progress();

    void show(std::uint64_t done);

private:
    std::string what_;
    std::uint64_t total_;
    std::chrono::steady_clock::time_point next_;
    bool visible_;
    bool drawn_ = false;
};

/// "812 kB", "3.1 MB", "1.4 GB".
std::string size_text(std::uint64_t bytes);

} // namespace ledger

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace ledger {

/// What the command line asks for.
struct options {
    std::string input = "/var/lib/dpkg/status"; ///< "-" is the standard input.
    std::filesystem::path out = "ledger";
    std::optional<std::uint64_t> fail_after;
    bool help = false;
};

/// The command line makes no sense; the text says what to do.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

extern const char* const usage;

options parse_options(const std::vector<std::string>& arguments);

} // namespace ledger

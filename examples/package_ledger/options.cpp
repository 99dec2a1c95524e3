// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "options.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace ledger {

const char* const usage =
    R"(usage: package_ledger [INPUT] [--out DIR] [--fail-after N]

Reads a Debian package database, keeps it in a SQLite database and writes a report.

  INPUT           a file in the format of /var/lib/dpkg/status, which is the default;
                  - reads the standard input
  --out DIR       where packages.db and report.html are kept; default: ./ledger
  --fail-after N  fails on purpose after N packages, to show that nothing changes
  --help          this text

Exit status: 0 done, 1 failed and nothing changed, 2 the command line is wrong.
)";

namespace {

std::uint64_t number(std::string_view option, std::string_view text) {
    std::uint64_t value = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error != std::errc() || stop != end || value == 0) {
        throw usage_error(std::string(option) + " takes a number from 1 up, not '" +
                          std::string(text) + "'");
    }
    return value;
}

// The value of an option: behind its '=', or the next argument.
std::string value_of(const std::vector<std::string>& arguments, std::size_t& at) {
    const std::string& argument = arguments[at];
    if (const std::size_t sign = argument.find('='); sign != std::string::npos) {
        return argument.substr(sign + 1);
    }
    if (++at == arguments.size()) {
        throw usage_error(argument + " needs a value");
    }
    return arguments[at];
}

} // namespace

options parse_options(const std::vector<std::string>& arguments) {
    options result;
    bool has_input = false;
    bool only_operands = false;
    for (std::size_t at = 0; at < arguments.size(); ++at) {
        const std::string& argument = arguments[at];
        const std::string name = argument.substr(0, argument.find('='));
        if (only_operands || argument == "-" || !argument.starts_with('-')) {
            if (argument.empty()) {
                throw usage_error("INPUT is empty");
            }
            if (has_input) {
                throw usage_error("more than one INPUT: '" + result.input + "' and '" + argument +
                                  "'");
            }
            result.input = argument;
            has_input = true;
        } else if (argument == "--") {
            only_operands = true;
        } else if (argument == "--help" || argument == "-h") {
            result.help = true;
        } else if (name == "--out") {
            result.out = value_of(arguments, at);
            if (result.out.empty()) {
                throw usage_error("--out needs a directory");
            }
        } else if (name == "--fail-after") {
            result.fail_after = number(name, value_of(arguments, at));
        } else {
            throw usage_error("there is no option '" + argument + "'");
        }
    }
    return result;
}

} // namespace ledger

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// One alternative of one dependency: `Depends: a | b (>= 2)` is two, of one position.
struct dependency {
    std::string kind; ///< "Depends", "Pre-Depends", "Recommends" or "Suggests".
    int position = 0;
    int alternative = 0;
    std::string target;
    std::string qualifier; ///< "any" in `python3:any`.
    std::string relation;  ///< ">=" or another; empty without a version.
    std::string version;
};

/// One stanza of the database, the fields that the ledger keeps.
struct package {
    std::string name;
    std::string version;
    std::string architecture;
    std::string status = "install ok installed";
    std::string section;
    std::string priority;
    std::string maintainer;
    std::string summary;
    std::optional<std::int64_t> installed_kib;
    std::vector<dependency> dependencies;

    [[nodiscard]] bool installed() const { return status.ends_with(" installed"); }
};

/// The input breaks the format: where, and how.
class parse_error : public std::runtime_error {
public:
    parse_error(std::size_t line, const std::string& reason)
        : std::runtime_error("line " + std::to_string(line) + ": " + reason) {}
};

/// Reads the stanzas of a dpkg status file one by one, and trusts nothing in it.
///
/// A database that was cut off is told from a whole one: dpkg ends every stanza with a blank line,
/// the last one too.
class status_reader {
public:
    /// Fills the buffer and returns how much it got; 0 at the end.
    using source = std::function<std::size_t(char* into, std::size_t size)>;

    explicit status_reader(source from) : from_(std::move(from)) {}

    /// **Returns.** The next package, nothing after the last.
    /// **Throws.** parse_error.
    std::optional<package> next();

    [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_; }

private:
    struct field {
        std::string value;
        std::size_t line = 0;
    };
    using stanza = std::map<std::string, field, std::less<>>;

    bool next_line();
    stanza next_stanza();
    void add_field(stanza& fields, field*& current) const;
    package make_package(const stanza& fields, std::size_t line);

    source from_;
    std::string buffer_;
    std::size_t begin_ = 0; // of what the buffer holds and no line was made of yet
    std::string_view text_; // the current line, without its end
    std::size_t line_ = 0;  // its number
    std::uint64_t bytes_ = 0;
    std::map<std::string, std::size_t> seen_; // name and architecture -> line
};

} // namespace ledger

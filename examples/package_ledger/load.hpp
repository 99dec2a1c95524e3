// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "parse.hpp"
#include <withal/db/sqlite.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace ledger {

/// What a run read, and from where.
struct run_facts {
    std::int64_t run = 0; ///< Its number in the database.
    std::string source;
    std::uint64_t bytes = 0;
    std::int64_t packages = 0;
    std::int64_t dependencies = 0;
};

struct load_options {
    std::optional<std::uint64_t> fail_after;
    std::function<void()> after_each; ///< Called after each package.
};

/// Replaces what the database knows about packages with what the reader gives, and notes the run
/// and what changed since the one before. The caller's transaction makes it whole or nothing.
///
/// **Throws.** parse_error, withal::sqlite_error, and std::runtime_error if the database is not a
/// ledger, or for load_options::fail_after.
run_facts load(withal::sqlite_connection& db,
               status_reader& reader,
               const std::string& source,
               const load_options& options);

} // namespace ledger

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

namespace withal {

/// What SQLite refused: the operation, the file, the statement and the extended result code.
///
///     try {
///         with(sqlite_open("/nowhere/app.db"), [](sqlite_connection& db) { db.exec("VACUUM"); });
///     } catch (const sqlite_error& error) {
///         bool retry = error.busy(); // false: the directory is missing
///         static_cast<void>(retry);
///     }
///
/// what() is one line: `sqlite: commit failed on /srv/app.db: database is locked (SQLITE_BUSY, 5)
/// in: COMMIT`. A long statement is cut there, and whole in sql().
class sqlite_error : public std::runtime_error {
public:
    /// **Throws.** std::bad_alloc.
    sqlite_error(std::string operation,
                 std::string file,
                 std::string sql,
                 int extended_code,
                 std::string reason);

    /// The primary result code, 5 for SQLITE_BUSY.
    [[nodiscard]] int code() const noexcept { return extended_code() & 0xff; }
    /// The extended result code, 517 for SQLITE_BUSY_SNAPSHOT.
    [[nodiscard]] int extended_code() const noexcept { return parts_->extended_code; }
    /// Somebody else holds the lock: SQLITE_BUSY or SQLITE_LOCKED. The same work may succeed later.
    [[nodiscard]] bool busy() const noexcept { return code() == 5 || code() == 6; }

    /// What was being done: "open", "prepare", "step", "begin", "commit", "rollback", "close".
    [[nodiscard]] const std::string& operation() const noexcept { return parts_->operation; }
    /// The database's file; ":memory:" if it has none.
    [[nodiscard]] const std::string& file() const noexcept { return parts_->file; }
    /// The whole statement; empty where there was none.
    [[nodiscard]] const std::string& sql() const noexcept { return parts_->sql; }
    /// SQLite's own words, or withal's where withal refused.
    [[nodiscard]] const std::string& reason() const noexcept { return parts_->reason; }

private:
    struct parts {
        std::string operation;
        std::string file;
        std::string sql;
        std::string reason;
        int extended_code;
    };

    // Shared, so that copying the exception cannot throw.
    std::shared_ptr<const parts> parts_;
};

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/db/sqlite_connection.hpp>
#include <withal/db/sqlite_error.hpp>

#include <sqlite3.h>

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

namespace withal::detail {

/// The absolute path of the main database, ":memory:" if it has none.
std::string sqlite_file(sqlite3* db);

/// The error for a result code that SQLite gave just now; the words are the connection's.
sqlite_error
make_sqlite_error(sqlite3* db, std::string operation, std::string_view sql, int result_code);

inline bool is_sqlite_busy(int result_code) noexcept {
    return (result_code & 0xff) == SQLITE_BUSY || result_code == SQLITE_LOCKED_SHAREDCACHE;
}

/// How long, and for whose word, somebody waits for a lock.
///
/// SQLite waits inside a statement through the busy handler, and in some states it answers
/// SQLITE_BUSY without asking the handler: both waits count against the one deadline.
class sqlite_patience {
public:
    sqlite_patience(sqlite_connection& connection,
                    std::chrono::milliseconds limit,
                    std::stop_token stop = {}) noexcept;
    sqlite_patience(const sqlite_patience&) = delete;
    sqlite_patience& operator=(const sqlite_patience&) = delete;
    ~sqlite_patience();

    /// Sleeps a little; false at once when the time is over or somebody asked to stop.
    bool wait(int attempt) noexcept;
    [[nodiscard]] bool stopped() const noexcept { return stop_.stop_requested(); }
    /// "1.20 s" since the beginning.
    [[nodiscard]] std::string waited() const;
    [[nodiscard]] bool has_waited() const noexcept { return has_waited_; }

    /// Makes this the way the connection waits.
    static void attend(sqlite_connection& connection) noexcept;

private:
    static int on_busy(void* connection, int attempt) noexcept;

    sqlite_connection& connection_;
    sqlite_patience* outer_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::chrono::milliseconds limit_;
    std::stop_token stop_;
    bool has_waited_ = false;
};

} // namespace withal::detail

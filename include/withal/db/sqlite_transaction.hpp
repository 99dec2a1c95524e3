// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/db/sqlite_connection.hpp>

#include <chrono>
#include <stop_token>
#include <string>

namespace withal {

/// When a transaction takes its write lock.
enum class sqlite_begin : unsigned char {
    /// At once. Two writers then wait for each other at the start, where nothing is lost yet.
    immediate,
    /// At the first write. A reader that turns writer after another one committed fails at once
    /// (SQLITE_BUSY_SNAPSHOT), and waiting does not help: for transactions that only read.
    deferred,
    /// At once, and (unless in WAL mode) readers are kept out too.
    exclusive,
};

/// What a transaction inside a transaction is.
enum class sqlite_nested : unsigned char {
    savepoint, ///< A part that can be undone alone.
    error,     ///< A withal::logic_error: this work must be committed when its scope ends.
};

/// The options of sqlite_transaction. `{.nested = sqlite_nested::error}` sets one.
struct sqlite_transaction_options {
    sqlite_begin mode = sqlite_begin::immediate;
    sqlite_nested nested = sqlite_nested::savepoint;
    /// How long BEGIN waits for other connections.
    std::chrono::milliseconds begin_deadline{5000};
    /// How long COMMIT waits for other connections; after it, ROLLBACK and an error.
    std::chrono::milliseconds commit_deadline{5000};
    /// Ends the wait of BEGIN. COMMIT is not interrupted.
    std::stop_token stop{};
};

/// Makes what the body does to a database happen as a whole or not at all.
///
///     with(
///         sqlite_open(":memory:"),
///         [](sqlite_connection& db) { return sqlite_transaction(db); },
///         [](sqlite_connection& db, sqlite_transaction&) {
///             db.exec("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1), (2)");
///         });
///
/// Inside another transaction of the same connection it is a savepoint: its failure undoes its own
/// part, and its success is final only when the outermost one commits.
///
/// **Effects.** enter() runs BEGIN or SAVEPOINT. exit() runs COMMIT or RELEASE if the body
/// returned, ROLLBACK if it failed in any way. A COMMIT that meets SQLITE_BUSY is tried again until
/// commit_deadline. A transaction that SQLite ended by itself (ON CONFLICT ROLLBACK, disk full) is
/// not rolled back twice. After a rollback that failed the transaction is still open; closing the
/// connection takes it back.
/// **Throws.** sqlite_error: from enter() if the lock cannot be had in time; from exit() if it
/// could not commit (then it rolled back), if it could not roll back, or if the body returned
/// although its transaction had ended before. logic_error for nested::error.
/// **Threads.** Those of its connection: one at a time.
/// **Lifetime.** The connection must outlive it.
/// **Python.** `with connection:` of sqlite3, with a BEGIN that is really there.
class sqlite_transaction {
public:
    static constexpr reuse reuse_category = reuse::reusable;

    explicit sqlite_transaction(sqlite_connection& connection,
                                sqlite_transaction_options options = {});

    /// **Returns.** The manager itself.
    sqlite_transaction& enter();
    void exit(const outcome& left);

    /// How many others on this connection are around it: 0 for the outermost.
    [[nodiscard]] int level() const noexcept { return level_; }
    [[nodiscard]] sqlite_connection& connection() const noexcept { return *connection_; }

    [[nodiscard]] const char* label() const noexcept { return label_.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return note_.c_str(); }

private:
    [[nodiscard]] bool is_savepoint() const noexcept { return !savepoint_.empty(); }
    void commit();
    void roll_back();
    [[noreturn]] void ended_before();

    sqlite_connection* connection_;
    sqlite_transaction_options options_;
    std::string label_;
    std::string note_;
    std::string savepoint_;
    int level_ = -1;
};

} // namespace withal

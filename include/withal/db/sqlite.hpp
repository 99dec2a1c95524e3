// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/db/sqlite_connection.hpp>  // IWYU pragma: export
#include <withal/db/sqlite_error.hpp>       // IWYU pragma: export
#include <withal/db/sqlite_statement.hpp>   // IWYU pragma: export
#include <withal/db/sqlite_transaction.hpp> // IWYU pragma: export

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace withal {

/// What may happen to the file.
enum class sqlite_access : unsigned char {
    create,     ///< Read and write; made if it is missing.
    read_write, ///< Read and write; an error if it is missing.
    read_only,  ///< Never written; an error if it is missing.
};

/// One `PRAGMA name = value`; without a value, `PRAGMA name`.
struct sqlite_pragma {
    std::string name;
    std::string value{};
};

/// The options of sqlite_open. `{.mode = sqlite_access::read_only}` sets one.
struct sqlite_open_options {
    sqlite_access mode = sqlite_access::create;
    /// How long a statement waits for another connection's lock. Zero: not at all.
    std::chrono::milliseconds busy_timeout{5000};
    /// Set in this order right after opening. A name that SQLite does not know is an error here,
    /// and so is a journal mode that it did not take; SQLite alone would ignore both.
    std::vector<sqlite_pragma> pragmas{};
};

/// Opens a SQLite database, and really closes it.
///
///     sqlite_open_options options{.pragmas = {{"foreign_keys", "on"}}};
///     int users = with(sqlite_open("/tmp/withal-doc.db", options), [](sqlite_connection& db) {
///         db.exec("CREATE TABLE IF NOT EXISTS users (name TEXT)");
///         return db.value<int>("SELECT count(*) FROM users");
///     });
///
/// A connection is no transaction: what the body ran outside of one is already committed, however
/// the body left. Transactions are `sqlite_transaction`.
///
/// **Effects.** enter() opens and reads the header, so that a file that is no database fails here.
/// exit() closes. A transaction still open is rolled back, and a statement still alive is reset, so
/// that it holds no lock; the file is then closed when that statement is destroyed.
/// **Throws.** sqlite_error: from enter() if it cannot open; from exit() if a statement, blob or
/// backup was still alive, or if a body that returned left a transaction open.
/// **Threads.** One at a time.
/// **Lifetime.** The connection lives until exit(). `:memory:` is a database that lives as long.
/// **Python.** `contextlib.closing(sqlite3.connect(path))`; `with sqlite3.connect(path)` does not
/// close.
class sqlite_open {
public:
    static constexpr reuse reuse_category = reuse::reusable;

    explicit sqlite_open(std::filesystem::path path, sqlite_open_options options = {});
    sqlite_open(const sqlite_open&) = delete;
    sqlite_open(sqlite_open&&) noexcept;
    sqlite_open& operator=(const sqlite_open&) = delete;
    sqlite_open& operator=(sqlite_open&&) = delete;
    ~sqlite_open();

    /// **Lifetime.** The connection belongs to the manager.
    sqlite_connection& enter();
    void exit(const outcome& left);

    [[nodiscard]] const char* label() const noexcept { return label_.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return note_.c_str(); }

private:
    std::filesystem::path path_;
    sqlite_open_options options_;
    std::string label_;
    std::string note_;
    std::unique_ptr<sqlite_connection> connection_;
};

} // namespace withal

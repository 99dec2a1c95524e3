// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/db/sqlite_statement.hpp> // IWYU pragma: export

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

struct sqlite3;

namespace withal {

namespace detail {
class sqlite_patience;
} // namespace detail

/// A connection to a SQLite database: what `sqlite_open` gives the body.
///
///     with(sqlite_open(":memory:"), [](sqlite_connection& db) {
///         db.exec("CREATE TABLE fruit (name TEXT, weight INTEGER)");
///         db.run("INSERT INTO fruit VALUES (?, ?)", "apple", 180);
///         auto heaviest = db.value<std::string>("SELECT name FROM fruit ORDER BY weight DESC");
///     });
///
/// **Throws.** sqlite_error from everything that runs SQL.
/// **Threads.** One at a time; SQLite itself serialises two that meet.
/// **Lifetime.** A handle, not an owner: it dies with the `sqlite_open` that gave it, or refers to
/// a `sqlite3*` that somebody else closes.
class sqlite_connection {
public:
    /// Refers to a connection that somebody else opened and will close, so that
    /// `sqlite_transaction` serves it too. Its busy handler stays its own.
    explicit sqlite_connection(sqlite3* borrowed) noexcept : native_(borrowed) {}
    sqlite_connection(const sqlite_connection&) = delete;
    sqlite_connection& operator=(const sqlite_connection&) = delete;
    ~sqlite_connection() = default;

    /// Runs all statements of the text; rows are dropped. Stops at the first that fails, and the
    /// error holds that one.
    void exec(std::string_view sql);

    /// **Throws.** sqlite_error also when the text is not exactly one statement.
    [[nodiscard]] sqlite_statement prepare(std::string_view sql);

    /// Prepares one statement, binds the values in order, runs it to the end.
    template <class... Values>
    void run(std::string_view sql, const Values&... values) {
        prepare(sql).run(values...);
    }

    /// The first column of the first row, as an owning type.
    ///
    /// **Throws.** sqlite_error also when there is no row.
    template <class T, class... Values>
    [[nodiscard]] T value(std::string_view sql, const Values&... values);

    /// Rows changed by the last INSERT, UPDATE or DELETE.
    [[nodiscard]] std::int64_t changes() const noexcept;
    /// The rowid of the last row that an INSERT made.
    [[nodiscard]] std::int64_t last_insert_rowid() const noexcept;
    /// Whether a transaction is open, whoever began it.
    [[nodiscard]] bool in_transaction() const noexcept;
    /// The absolute path of the file; ":memory:" if there is none.
    [[nodiscard]] std::string file() const;

    /// For what withal does not wrap. Not yours to close.
    [[nodiscard]] sqlite3* native() const noexcept { return native_; }

private:
    friend class sqlite_open;
    friend class sqlite_transaction;
    friend class detail::sqlite_patience;

    [[noreturn]] void has_no_row(std::string_view sql) const;

    sqlite3* native_;
    std::chrono::milliseconds busy_timeout_{0};
    std::chrono::steady_clock::time_point busy_since_;
    // Set while a transaction begins or commits: its deadline then rules over busy_timeout_.
    detail::sqlite_patience* patience_ = nullptr;
    int depth_ = 0;
};

//
// Implementation
//

template <class T, class... Values>
T sqlite_connection::value(std::string_view sql, const Values&... values) {
    static_assert(!std::is_same_v<T, std::string_view> &&
                      !std::is_same_v<T, std::span<const std::byte>>,
                  "value() outlives its statement: ask for std::string or std::vector<std::byte>");
    sqlite_statement statement = prepare(sql);
    statement.bind(values...);
    if (!statement.step()) {
        has_no_row(sql);
    }
    return statement.column<T>(0);
}

} // namespace withal

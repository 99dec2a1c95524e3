// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/db/sqlite.hpp>

#include "sqlite_detail.hpp"
#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>
#include <withal/db/sqlite_connection.hpp>
#include <withal/db/sqlite_error.hpp>
#include <withal/db/sqlite_statement.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace withal {

namespace {

int flags_for(sqlite_access mode) noexcept {
    switch (mode) {
    case sqlite_access::read_only:
        return SQLITE_OPEN_READONLY;
    case sqlite_access::read_write:
        return SQLITE_OPEN_READWRITE;
    case sqlite_access::create:
        break;
    }
    return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
}

std::string lower(std::string text) {
    std::ranges::transform(
        text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string sql_text(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        result += c == '\'' ? "''" : std::string(1, c);
    }
    return result + "'";
}

void apply(sqlite_connection& db, const sqlite_pragma& pragma) {
    const std::string name = lower(pragma.name);
    const std::string bare = name.substr(name.find('.') + 1);
    const std::string sql =
        "PRAGMA " + name + (pragma.value.empty() ? "" : " = " + sql_text(pragma.value));
    const auto refuse = [&](std::string reason) {
        throw sqlite_error("open", db.file(), sql, SQLITE_ERROR, std::move(reason));
    };
    if (db.value<int>("SELECT count(*) FROM pragma_pragma_list WHERE name = ?", bare) == 0) {
        refuse("SQLite knows no pragma '" + pragma.name + "'");
    }
    sqlite_statement statement = db.prepare(sql);
    const bool answered = statement.step();
    if (answered && bare == "journal_mode" && !pragma.value.empty()) {
        const auto taken = statement.column<std::string>(0);
        if (taken != lower(pragma.value)) {
            refuse("the journal mode is still '" + taken + "'");
        }
    }
    while (answered && statement.step()) {}
}

// A file that is no database must fail at the door, and not at the first statement of the body. A
// database that somebody is writing right now is one.
void read_header(sqlite3* db) {
    const int result = sqlite3_exec(db, "PRAGMA schema_version", nullptr, nullptr, nullptr);
    if (result != SQLITE_OK && !detail::is_sqlite_busy(result)) {
        throw detail::make_sqlite_error(db, "open", {}, result);
    }
}

struct closer {
    bool released = false;
    void operator()(sqlite3* db) const noexcept {
        if (!released) {
            // Closing may wait, and whoever the handler would ask may be gone.
            sqlite3_busy_handler(db, nullptr, nullptr);
            sqlite3_close_v2(db);
        }
    }
};
using owned_database = std::unique_ptr<sqlite3, closer>;

owned_database open(const std::filesystem::path& path, sqlite_access mode) {
    const std::string& name = path.native();
    if (name.empty() || name.find('\0') != std::string::npos) {
        throw sqlite_error("open",
                           name.substr(0, name.find('\0')),
                           {},
                           SQLITE_CANTOPEN,
                           name.empty() ? "the path is empty" : "a NUL in the path");
    }
    sqlite3* raw = nullptr;
    const int result = sqlite3_open_v2(name.c_str(), &raw, flags_for(mode), nullptr);
    owned_database db(raw);
    if (result != SQLITE_OK) {
        const int code = raw == nullptr ? result : sqlite3_extended_errcode(raw);
        const sqlite_error error = detail::make_sqlite_error(raw, "open", {}, code);
        throw sqlite_error("open", name, {}, code, error.reason());
    }
    sqlite3_extended_result_codes(raw, 1);
    return db;
}

// Resets what still lives on the connection, so that it holds no lock, and says what it was.
std::string disarm_statements(sqlite3* db) {
    std::size_t count = 0;
    std::string first;
    for (sqlite3_stmt* s = sqlite3_next_stmt(db, nullptr); s != nullptr;
         s = sqlite3_next_stmt(db, s)) {
        sqlite3_reset(s);
        if (count++ == 0 && sqlite3_sql(s) != nullptr) {
            first = sqlite3_sql(s);
        }
    }
    if (count == 0) {
        return "a blob handle or a backup is still open";
    }
    return std::to_string(count) + (count == 1 ? " statement is" : " statements are") +
           " still alive (" + first + (count == 1 ? ")" : ", ...)");
}

} // namespace

sqlite_open::sqlite_open(std::filesystem::path path, sqlite_open_options options)
    : path_(std::move(path)),
      options_(std::move(options)),
      label_("sqlite_open " + path_.string()) {}

sqlite_open::sqlite_open(sqlite_open&&) noexcept = default;

sqlite_open::~sqlite_open() {
    if (connection_ != nullptr) {
        closer()(connection_->native());
    }
}

sqlite_connection& sqlite_open::enter() {
    if (connection_ != nullptr) {
        throw logic_error("sqlite_open: it is already open; make another one for a second "
                          "connection");
    }
    note_.clear();
    owned_database db = open(path_, options_.mode);
    read_header(db.get());
    auto connection = std::make_unique<sqlite_connection>(db.get());
    connection->busy_timeout_ = options_.busy_timeout;
    detail::sqlite_patience::attend(*connection);
    for (const sqlite_pragma& pragma : options_.pragmas) {
        apply(*connection, pragma);
    }
    connection_ = std::move(connection);
    db.get_deleter().released = true;
    return *connection_;
}

void sqlite_open::exit(const outcome& left) {
    const std::unique_ptr<sqlite_connection> connection = std::move(connection_);
    owned_database db(connection->native());
    const std::string file = connection->file();
    std::string problem;
    note_ = "closed";
    if (connection->in_transaction()) {
        sqlite3_exec(db.get(), "ROLLBACK", nullptr, nullptr, nullptr);
        note_ = "closed; an open transaction was ROLLED BACK";
        if (left.returned()) {
            problem = "a transaction was still open: rolled back";
        }
    }
    sqlite3_busy_handler(db.get(), nullptr, nullptr);
    if (sqlite3_close(db.get()) == SQLITE_OK) {
        db.get_deleter().released = true;
    } else {
        note_ = "NOT CLOSED";
        problem += (problem.empty() ? "" : "; ") + disarm_statements(db.get()) +
                   ": the file is closed when the last of them is gone";
    }
    if (!problem.empty()) {
        throw sqlite_error("close", file, {}, SQLITE_BUSY, problem);
    }
}

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/db/sqlite_error.hpp>

#include "sqlite_detail.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace withal {

namespace {

constexpr std::size_t longest_sql = 200;

const char* name_of(int code) noexcept {
    switch (code) {
    case SQLITE_ERROR:
        return "SQLITE_ERROR";
    case SQLITE_INTERNAL:
        return "SQLITE_INTERNAL";
    case SQLITE_PERM:
        return "SQLITE_PERM";
    case SQLITE_ABORT:
        return "SQLITE_ABORT";
    case SQLITE_BUSY:
        return "SQLITE_BUSY";
    case SQLITE_LOCKED:
        return "SQLITE_LOCKED";
    case SQLITE_NOMEM:
        return "SQLITE_NOMEM";
    case SQLITE_READONLY:
        return "SQLITE_READONLY";
    case SQLITE_INTERRUPT:
        return "SQLITE_INTERRUPT";
    case SQLITE_IOERR:
        return "SQLITE_IOERR";
    case SQLITE_CORRUPT:
        return "SQLITE_CORRUPT";
    case SQLITE_FULL:
        return "SQLITE_FULL";
    case SQLITE_CANTOPEN:
        return "SQLITE_CANTOPEN";
    case SQLITE_SCHEMA:
        return "SQLITE_SCHEMA";
    case SQLITE_TOOBIG:
        return "SQLITE_TOOBIG";
    case SQLITE_CONSTRAINT:
        return "SQLITE_CONSTRAINT";
    case SQLITE_MISMATCH:
        return "SQLITE_MISMATCH";
    case SQLITE_MISUSE:
        return "SQLITE_MISUSE";
    case SQLITE_AUTH:
        return "SQLITE_AUTH";
    case SQLITE_RANGE:
        return "SQLITE_RANGE";
    case SQLITE_NOTADB:
        return "SQLITE_NOTADB";
    default:
        return "SQLite result";
    }
}

std::string one_line(const std::string& sql) {
    std::string line = sql.substr(0, longest_sql);
    for (char& c : line) {
        c = c == '\n' || c == '\t' || c == '\r' ? ' ' : c;
    }
    return sql.size() > longest_sql ? line + "..." : line;
}

std::string text_of(const std::string& operation,
                    const std::string& file,
                    const std::string& sql,
                    int extended_code,
                    const std::string& reason) {
    std::string text = "sqlite: " + operation + " failed";
    if (!file.empty()) {
        text += " on " + file;
    }
    text += ": " + reason + " (" + name_of(extended_code & 0xff) + ", " +
            std::to_string(extended_code) + ")";
    return sql.empty() ? text : text + " in: " + one_line(sql);
}

} // namespace

sqlite_error::sqlite_error(
    std::string operation, std::string file, std::string sql, int extended_code, std::string reason)
    : std::runtime_error(text_of(operation, file, sql, extended_code, reason)),
      parts_(std::make_shared<parts>(parts{.operation = std::move(operation),
                                           .file = std::move(file),
                                           .sql = std::move(sql),
                                           .reason = std::move(reason),
                                           .extended_code = extended_code})) {}

namespace detail {

std::string sqlite_file(sqlite3* db) {
    const char* name = db == nullptr ? nullptr : sqlite3_db_filename(db, "main");
    return name == nullptr || *name == '\0' ? ":memory:" : name;
}

sqlite_error
make_sqlite_error(sqlite3* db, std::string operation, std::string_view sql, int result_code) {
    // A statement of a script begins where the one before it ended.
    sql.remove_prefix(std::min(sql.find_first_not_of(" \t\r\n"), sql.size()));
    // errmsg speaks of the connection's last call; another thread or a failed allocation may have
    // come between, then the code's own words are right.
    const bool current = db != nullptr && sqlite3_extended_errcode(db) == result_code;
    std::string reason = current ? sqlite3_errmsg(db) : sqlite3_errstr(result_code);
    const int system = db == nullptr ? 0 : sqlite3_system_errno(db);
    const int code = result_code & 0xff;
    if (system != 0 && (code == SQLITE_CANTOPEN || code == SQLITE_IOERR || code == SQLITE_FULL)) {
        reason += std::string(": ") + std::strerror(system); // NOLINT(concurrency-mt-unsafe)
    }
    return {
        std::move(operation), sqlite_file(db), std::string(sql), result_code, std::move(reason)};
}

} // namespace detail

} // namespace withal

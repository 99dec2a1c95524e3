// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/db/sqlite_connection.hpp>

#include "sqlite_detail.hpp"
#include <withal/db/sqlite_error.hpp>
#include <withal/db/sqlite_statement.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace withal {

namespace {

struct prepared {
    sqlite_statement statement;
    const char* rest;
};

[[noreturn]] void
refuse(sqlite3* db, const char* operation, std::string_view sql, int code, std::string reason) {
    throw sqlite_error(
        operation, detail::sqlite_file(db), std::string(sql), code, std::move(reason));
}

// `text` ends with a NUL, which spares SQLite a copy of the rest at each statement of a script.
prepared prepare_first(sqlite3* db, const char* begin, const char* end) {
    const auto size = static_cast<std::size_t>(end - begin);
    const std::string_view sql(begin, size);
    if (size >= static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        refuse(db, "prepare", {}, SQLITE_TOOBIG, "the SQL text is longer than 2 GiB");
    }
    sqlite3_stmt* raw = nullptr;
    const char* rest = end;
    const int result = sqlite3_prepare_v2(db, begin, static_cast<int>(size) + 1, &raw, &rest);
    if (result != SQLITE_OK) {
        throw detail::make_sqlite_error(db, "prepare", sql, result);
    }
    return {.statement = sqlite_statement(raw), .rest = rest};
}

// SQLite would stop reading at a NUL and drop the rest without a word.
void check_text(sqlite3* db, std::string_view sql) {
    if (sql.find('\0') != std::string_view::npos) {
        refuse(
            db, "prepare", sql.substr(0, sql.find('\0')), SQLITE_MISUSE, "a NUL in the SQL text");
    }
}

bool has_statement(sqlite3* db, const char* begin, const char* end) {
    sqlite3_stmt* raw = nullptr;
    const int result =
        sqlite3_prepare_v2(db, begin, static_cast<int>(end - begin) + 1, &raw, nullptr);
    const sqlite_statement owned(raw);
    return result != SQLITE_OK || raw != nullptr;
}

} // namespace

void sqlite_connection::exec(std::string_view sql) {
    check_text(native_, sql);
    const std::string text(sql);
    const char* next = text.c_str();
    const char* const end = next + text.size();
    while (next < end) {
        prepared first = prepare_first(native_, next, end);
        next = first.rest;
        if (first.statement.native() != nullptr) {
            while (first.statement.step()) {}
        }
    }
}

sqlite_statement sqlite_connection::prepare(std::string_view sql) {
    check_text(native_, sql);
    const std::string text(sql);
    const char* const end = text.c_str() + text.size();
    prepared first = prepare_first(native_, text.c_str(), end);
    if (first.statement.native() == nullptr) {
        refuse(native_, "prepare", sql, SQLITE_MISUSE, "there is no statement in the text");
    }
    if (has_statement(native_, first.rest, end)) {
        refuse(
            native_, "prepare", sql, SQLITE_MISUSE, "more than one statement; exec() runs several");
    }
    return std::move(first.statement);
}

std::int64_t sqlite_connection::changes() const noexcept {
    return sqlite3_changes64(native_);
}

std::int64_t sqlite_connection::last_insert_rowid() const noexcept {
    return sqlite3_last_insert_rowid(native_);
}

bool sqlite_connection::in_transaction() const noexcept {
    return sqlite3_get_autocommit(native_) == 0;
}

std::string sqlite_connection::file() const {
    return detail::sqlite_file(native_);
}

void sqlite_connection::has_no_row(std::string_view sql) const {
    refuse(native_, "value", sql, SQLITE_DONE, "the query gave no row");
}

namespace detail {

namespace {

constexpr std::array<std::chrono::milliseconds, 5> pauses{std::chrono::milliseconds(1),
                                                          std::chrono::milliseconds(2),
                                                          std::chrono::milliseconds(5),
                                                          std::chrono::milliseconds(10),
                                                          std::chrono::milliseconds(20)};

// Sleeps a little more at each attempt, never past the limit; false when that is reached.
bool pause(std::chrono::steady_clock::time_point start,
           std::chrono::milliseconds limit,
           int attempt) noexcept {
    const auto spent = std::chrono::steady_clock::now() - start;
    if (spent >= limit) {
        return false;
    }
    const std::size_t index = std::min(static_cast<std::size_t>(attempt), pauses.size() - 1);
    const std::chrono::nanoseconds left = limit - spent;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(pauses.at(index), left));
    return true;
}

} // namespace

sqlite_patience::sqlite_patience(sqlite_connection& connection,
                                 std::chrono::milliseconds limit,
                                 std::stop_token stop) noexcept
    : connection_(connection),
      outer_(std::exchange(connection.patience_, this)),
      limit_(limit),
      stop_(std::move(stop)) {}

sqlite_patience::~sqlite_patience() {
    connection_.patience_ = outer_;
}

bool sqlite_patience::wait(int attempt) noexcept {
    if (stopped() || !pause(start_, limit_, attempt)) {
        return false;
    }
    has_waited_ = true;
    return true;
}

std::string sqlite_patience::waited() const {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f s", spent.count());
    return text.data();
}

void sqlite_patience::attend(sqlite_connection& connection) noexcept {
    sqlite3_busy_handler(connection.native_, &on_busy, &connection);
}

int sqlite_patience::on_busy(void* connection, int attempt) noexcept {
    auto& self = *static_cast<sqlite_connection*>(connection);
    if (self.patience_ != nullptr) {
        return self.patience_->wait(attempt) ? 1 : 0;
    }
    // Outside of BEGIN and COMMIT each statement has its own busy_timeout, from its first refusal.
    if (attempt == 0) {
        self.busy_since_ = std::chrono::steady_clock::now();
    }
    return pause(self.busy_since_, self.busy_timeout_, attempt) ? 1 : 0;
}

} // namespace detail

} // namespace withal

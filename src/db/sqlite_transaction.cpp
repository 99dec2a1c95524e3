// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/db/sqlite_transaction.hpp>

#include "sqlite_detail.hpp"
#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>
#include <withal/db/sqlite_connection.hpp>
#include <withal/db/sqlite_error.hpp>

#include <sqlite3.h>

#include <string>
#include <utility>

namespace withal {

namespace {

const char* word_of(sqlite_begin mode) noexcept {
    switch (mode) {
    case sqlite_begin::deferred:
        return "deferred";
    case sqlite_begin::exclusive:
        return "exclusive";
    case sqlite_begin::immediate:
        break;
    }
    return "immediate";
}

int run(sqlite3* db, const std::string& sql) noexcept {
    const int result = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
    // Extended codes may be off on a borrowed connection.
    return result == SQLITE_OK ? result : sqlite3_extended_errcode(db);
}

// COMMIT also answers SQLITE_BUSY when a writing statement of this very connection is half read;
// no waiting helps against that.
bool own_writer_is_running(sqlite3* db) noexcept {
    for (sqlite3_stmt* s = sqlite3_next_stmt(db, nullptr); s != nullptr;
         s = sqlite3_next_stmt(db, s)) {
        if (sqlite3_stmt_busy(s) != 0 && sqlite3_stmt_readonly(s) == 0) {
            return true;
        }
    }
    return false;
}

sqlite_error with_more(const sqlite_error& error, const std::string& more) {
    return {
        error.operation(), error.file(), error.sql(), error.extended_code(), error.reason() + more};
}

} // namespace

sqlite_transaction::sqlite_transaction(sqlite_connection& connection,
                                       sqlite_transaction_options options)
    : connection_(&connection),
      options_(std::move(options)),
      label_(std::string("sqlite_transaction ") + word_of(options_.mode)) {}

sqlite_transaction& sqlite_transaction::enter() {
    if (level_ >= 0) {
        throw logic_error("sqlite_transaction: this one is already open; a transaction inside it "
                          "is another object on the same connection");
    }
    sqlite3* const db = connection_->native();
    const bool inside = connection_->in_transaction();
    const int depth = connection_->depth_;
    if (!inside && depth > 0) {
        throw sqlite_error("begin",
                           connection_->file(),
                           {},
                           SQLITE_ABORT_ROLLBACK,
                           "the transaction around this one has already ended");
    }
    if (inside && options_.nested == sqlite_nested::error) {
        throw logic_error("sqlite_transaction: this one must not be nested, and a transaction is "
                          "open on its connection");
    }
    // All memory is had before the first SQL, so that a transaction that began is always entered.
    note_.clear();
    note_.reserve(96);
    savepoint_ = inside ? "withal_" + std::to_string(depth) : std::string();
    std::string begin;
    if (inside) {
        label_ = "sqlite_transaction savepoint " + savepoint_;
        begin = "SAVEPOINT " + savepoint_;
    } else {
        label_ = std::string("sqlite_transaction ") + word_of(options_.mode);
        begin = std::string("BEGIN ") + word_of(options_.mode);
    }
    detail::sqlite_patience patience(*connection_, options_.begin_deadline, options_.stop);
    for (int attempt = 0;; ++attempt) {
        const int result = run(db, begin);
        if (result == SQLITE_OK) {
            break;
        }
        if (!detail::is_sqlite_busy(result)) {
            throw detail::make_sqlite_error(db, "begin", begin, result);
        }
        const sqlite_error error = detail::make_sqlite_error(db, "begin", begin, result);
        if (!patience.wait(attempt)) {
            throw with_more(error,
                            (patience.stopped() ? "; stopped after " : "; gave up after ") +
                                patience.waited());
        }
    }
    level_ = connection_->depth_++;
    return *this;
}

void sqlite_transaction::exit(const outcome& left) {
    connection_->depth_ = std::exchange(level_, -1);
    if (left.failed()) {
        roll_back();
    } else {
        commit();
    }
}

void sqlite_transaction::commit() {
    if (!connection_->in_transaction()) {
        ended_before();
    }
    sqlite3* const db = connection_->native();
    const std::string statement = is_savepoint() ? "RELEASE " + savepoint_ : "COMMIT";
    detail::sqlite_patience patience(*connection_, options_.commit_deadline);
    int result = run(db, statement);
    for (int attempt = 0;
         detail::is_sqlite_busy(result) && !own_writer_is_running(db) && patience.wait(attempt);
         ++attempt) {
        result = run(db, statement);
    }
    if (result == SQLITE_OK) {
        note_ = is_savepoint() ? "released" : "committed";
        if (patience.has_waited()) {
            note_ += " (waited " + patience.waited() + ")";
        }
        return;
    }
    std::string more;
    if (patience.has_waited()) {
        more = "; gave up after " + patience.waited();
    }
    const sqlite_error error =
        with_more(detail::make_sqlite_error(db, "commit", statement, result), more);
    try {
        roll_back();
    } catch (const sqlite_error& second) {
        throw with_more(error, "; and the rollback failed: " + second.reason());
    }
    note_ = "ROLLED BACK (commit failed)";
    throw sqlite_error(error);
}

void sqlite_transaction::roll_back() {
    if (!connection_->in_transaction()) {
        note_ = "ENDED BEFORE (by a statement)";
        return;
    }
    sqlite3* const db = connection_->native();
    const std::string statement =
        is_savepoint() ? "ROLLBACK TO " + savepoint_ + "; RELEASE " + savepoint_ : "ROLLBACK";
    // The lock is ours: nobody is waited for.
    const int result = run(db, statement);
    if (result != SQLITE_OK && connection_->in_transaction()) {
        note_ = "NOT ROLLED BACK";
        throw detail::make_sqlite_error(db, "rollback", statement, result);
    }
    note_ = "ROLLED BACK (body failed)";
}

void sqlite_transaction::ended_before() {
    note_ = "ENDED BEFORE (by a statement)";
    throw sqlite_error("commit",
                       connection_->file(),
                       {},
                       SQLITE_ABORT_ROLLBACK,
                       "the transaction had ended before its scope did: a statement ended it (ON "
                       "CONFLICT ROLLBACK, a full disk, a COMMIT or ROLLBACK in SQL), and what ran "
                       "after that was committed statement by statement");
}

} // namespace withal

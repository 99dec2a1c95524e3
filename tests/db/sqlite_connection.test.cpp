// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/sys_scratch.hpp"
#include <withal/core/with.hpp>
#include <withal/db/sqlite.hpp>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <string_view>

namespace {

using withal::sqlite_connection;
using withal::sqlite_error;

template <class F>
sqlite_error error_of(F&& f) {
    try {
        f();
    } catch (const sqlite_error& error) {
        return error;
    }
    return {"nothing was thrown", "", "", 0, ""};
}

TEST(sqlite_connection, runs_a_script_and_stops_at_the_statement_that_fails) {
    withal::with(withal::sqlite_open(":memory:"), [](sqlite_connection& db) {
        const sqlite_error error = error_of([&] {
            db.exec("CREATE TABLE t (n UNIQUE); -- a comment\n"
                    "INSERT INTO t VALUES (1);\n"
                    "INSERT INTO t VALUES (1);\n"
                    "INSERT INTO t VALUES (2);");
        });
        EXPECT_EQ(error.sql(), "INSERT INTO t VALUES (1);");
        EXPECT_EQ(error.code(), 19);
        EXPECT_EQ(db.value<int>("SELECT count(*) FROM t"), 1);
        db.exec("");
        db.exec(" ;; -- nothing\n");
    });
}

TEST(sqlite_connection, prepares_exactly_one_statement) {
    withal::with(withal::sqlite_open(":memory:"), [](sqlite_connection& db) {
        EXPECT_EQ(error_of([&] { (void)db.prepare("SELECT 1; SELECT 2"); }).reason(),
                  "more than one statement; exec() runs several");
        EXPECT_EQ(error_of([&] { (void)db.prepare("SELECT 1; nonsense"); }).reason(),
                  "more than one statement; exec() runs several");
        EXPECT_EQ(error_of([&] { (void)db.prepare(" -- nothing"); }).reason(),
                  "there is no statement in the text");
        EXPECT_EQ(db.value<int>("SELECT 1; -- and a remark"), 1);
        const sqlite_error error = error_of([&] { (void)db.prepare("SELEC 1"); });
        EXPECT_EQ(error.operation(), "prepare");
        EXPECT_EQ(error.sql(), "SELEC 1");
        EXPECT_EQ(error.file(), ":memory:");
    });
}

TEST(sqlite_connection, refuses_sql_that_sqlite_would_read_only_in_part) {
    withal::with(withal::sqlite_open(":memory:"), [](sqlite_connection& db) {
        using namespace std::string_view_literals;
        EXPECT_EQ(error_of([&] { db.exec("SELECT 1;\0DROP TABLE t"sv); }).reason(),
                  "a NUL in the SQL text");
        EXPECT_EQ(error_of([&] { (void)db.prepare("SELECT 1\0, 2"sv); }).reason(),
                  "a NUL in the SQL text");
    });
}

TEST(sqlite_connection, takes_sql_that_ends_without_a_terminator) {
    withal::with(withal::sqlite_open(":memory:"), [](sqlite_connection& db) {
        const std::string_view text = "SELECT 12345";
        EXPECT_EQ(db.value<int>(text.substr(0, 9)), 12);
    });
}

TEST(sqlite_connection, says_that_a_query_gave_no_row) {
    withal::with(withal::sqlite_open(":memory:"), [](sqlite_connection& db) {
        const sqlite_error error = error_of([&] { (void)db.value<int>("SELECT 1 WHERE 0"); });
        EXPECT_EQ(error.reason(), "the query gave no row");
        EXPECT_EQ(error.sql(), "SELECT 1 WHERE 0");
    });
}

TEST(sqlite_connection, knows_its_file_its_changes_and_its_transaction) {
    const withal::testing::scratch dir;
    withal::with(withal::sqlite_open(dir / "a.db"), [&](sqlite_connection& db) {
        EXPECT_EQ(db.file(), dir / "a.db");
        db.exec("CREATE TABLE t (n); INSERT INTO t VALUES (1), (2), (3)");
        db.run("UPDATE t SET n = n + ?", 1);
        EXPECT_EQ(db.changes(), 3);
        EXPECT_EQ(db.last_insert_rowid(), 3);
        EXPECT_FALSE(db.in_transaction());
        db.exec("BEGIN");
        EXPECT_TRUE(db.in_transaction());
        db.exec("COMMIT");
    });
}

TEST(sqlite_connection, serves_a_handle_that_somebody_else_owns) {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(":memory:", &raw), SQLITE_OK);
    {
        sqlite_connection db(raw);
        db.exec("CREATE TABLE t (n UNIQUE)");
        EXPECT_THROW(withal::with(withal::sqlite_transaction(db),
                                  [&](auto&) {
                                      db.run("INSERT INTO t VALUES (1)");
                                      db.run("INSERT INTO t VALUES (1)");
                                  }),
                     sqlite_error);
        EXPECT_EQ(db.value<int>("SELECT count(*) FROM t"), 0);
    }
    EXPECT_EQ(sqlite3_close(raw), SQLITE_OK);
}

} // namespace

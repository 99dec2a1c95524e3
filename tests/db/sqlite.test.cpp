// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/db/sqlite.hpp>

#include "support/sys_scratch.hpp"
#include <withal/core/error.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using withal::sqlite_access;
using withal::sqlite_connection;
using withal::sqlite_error;
using withal::sqlite_open;
using withal::sqlite_statement;
using withal::testing::scratch;

template <class F>
sqlite_error error_of(F&& f) {
    try {
        f();
    } catch (const sqlite_error& error) {
        return error;
    }
    return {"nothing was thrown", "", "", 0, ""};
}

sqlite_error error_of_opening(const std::string& path, withal::sqlite_open_options options = {}) {
    return error_of([&] {
        withal::with(sqlite_open(path, options),
                     [](sqlite_connection&) { ADD_FAILURE() << "the body ran"; });
    });
}

// How many descriptors of this process are open on the file.
long descriptors_on(const std::string& path) {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::count_if(begin(all), end(all), [&](const auto& entry) {
        std::error_code gone;
        return std::filesystem::read_symlink(entry.path(), gone) == path;
    });
}

TEST(sqlite_open, closes_the_file_when_the_body_returned) {
    const scratch dir;
    const std::string path = dir / "a.db";
    const int n = withal::with(sqlite_open(path), [&](sqlite_connection& db) {
        db.exec("CREATE TABLE t (n); INSERT INTO t VALUES (7)");
        EXPECT_EQ(descriptors_on(path), 1);
        return db.value<int>("SELECT n FROM t");
    });
    EXPECT_EQ(n, 7);
    EXPECT_EQ(descriptors_on(path), 0);
}

TEST(sqlite_open, closes_the_file_when_the_body_failed_and_keeps_what_was_committed) {
    const scratch dir;
    const std::string path = dir / "a.db";
    EXPECT_THROW(withal::with(sqlite_open(path),
                              [](sqlite_connection& db) {
                                  db.exec("CREATE TABLE t (n); INSERT INTO t VALUES (7)");
                                  throw std::runtime_error("body");
                              }),
                 std::runtime_error);
    EXPECT_EQ(descriptors_on(path), 0);
    withal::with(sqlite_open(path, {.mode = sqlite_access::read_only}), [](sqlite_connection& db) {
        EXPECT_EQ(db.value<int>("SELECT n FROM t"), 7);
        EXPECT_EQ(error_of([&] { db.exec("DELETE FROM t"); }).code(), 8);
    });
}

TEST(sqlite_open, can_be_entered_again_but_not_twice_at_once) {
    const scratch dir;
    sqlite_open file(dir / "a.db");
    withal::with(file, [&](sqlite_connection& db) {
        db.exec("CREATE TABLE t (n)");
        EXPECT_THROW(withal::with(file, [](sqlite_connection&) {}), withal::logic_error);
        EXPECT_EQ(db.value<int>("SELECT count(*) FROM t"), 0);
    });
    withal::with(file, [](sqlite_connection& db) { db.exec("INSERT INTO t VALUES (1)"); });
    EXPECT_STREQ(file.note(), "closed");
    EXPECT_EQ(file.label(), "sqlite_open " + (dir / "a.db"));
}

TEST(sqlite_open, fails_on_a_directory_and_says_why) {
    const scratch dir;
    const sqlite_error error = error_of_opening(dir.path());
    EXPECT_EQ(error.operation(), "open");
    EXPECT_EQ(error.code(), 14);
    EXPECT_EQ(error.file(), dir.path());
    EXPECT_NE(error.reason().find("Is a directory"), std::string::npos) << error.what();
}

TEST(sqlite_open, fails_where_the_folder_is_missing_and_says_why) {
    const sqlite_error error = error_of_opening("/nowhere/at/all.db");
    EXPECT_EQ(error.code(), 14);
    EXPECT_NE(error.reason().find("No such file"), std::string::npos) << error.what();
}

TEST(sqlite_open, refuses_an_empty_path_and_one_with_a_nul) {
    EXPECT_EQ(error_of_opening("").reason(), "the path is empty");
    EXPECT_EQ(error_of_opening(std::string("a\0b", 3)).reason(), "a NUL in the path");
}

TEST(sqlite_open, makes_a_file_only_where_it_may) {
    const scratch dir;
    EXPECT_EQ(error_of_opening(dir / "a.db", {.mode = sqlite_access::read_write}).code(), 14);
    EXPECT_EQ(error_of_opening(dir / "a.db", {.mode = sqlite_access::read_only}).code(), 14);
    EXPECT_FALSE(std::filesystem::exists(dir / "a.db"));
}

TEST(sqlite_open, fails_at_the_door_on_a_file_that_is_no_database) {
    const scratch dir;
    withal::testing::spit(dir / "a.db", std::string(4096, '?'));
    EXPECT_EQ(error_of_opening(dir / "a.db").code(), 26);
    EXPECT_EQ(descriptors_on(dir / "a.db"), 0);
    EXPECT_EQ(withal::testing::slurp(dir / "a.db"), std::string(4096, '?'));
}

TEST(sqlite_open, reports_a_corrupted_page_when_it_is_read) {
    const scratch dir;
    const std::string path = dir / "a.db";
    withal::with(sqlite_open(path), [](sqlite_connection& db) {
        db.exec("CREATE TABLE t (n); INSERT INTO t VALUES (zeroblob(20000))");
    });
    {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096);
        file << std::string(8192, '\xff');
    }
    const sqlite_error error = error_of([&] {
        withal::with(sqlite_open(path),
                     [](sqlite_connection& db) { (void)db.value<int>("SELECT length(n) FROM t"); });
    });
    EXPECT_EQ(error.code(), 11);
    EXPECT_EQ(error.file(), path);
    EXPECT_EQ(error.sql(), "SELECT length(n) FROM t");
    EXPECT_EQ(descriptors_on(path), 0);
}

TEST(sqlite_open, sets_pragmas_in_order) {
    const scratch dir;
    const withal::sqlite_open_options options{
        .pragmas = {{"journal_mode", "WAL"}, {"foreign_keys", "on"}, {"user_version", "12"}}};
    withal::with(sqlite_open(dir / "a.db", options), [](sqlite_connection& db) {
        EXPECT_EQ(db.value<std::string>("PRAGMA journal_mode"), "wal");
        EXPECT_EQ(db.value<int>("PRAGMA foreign_keys"), 1);
        EXPECT_EQ(db.value<int>("PRAGMA user_version"), 12);
    });
}

TEST(sqlite_open, refuses_a_pragma_that_sqlite_would_ignore) {
    EXPECT_EQ(error_of_opening(":memory:", {.pragmas = {{"foreign_key", "on"}}}).reason(),
              "SQLite knows no pragma 'foreign_key'");
    EXPECT_EQ(error_of_opening(":memory:", {.pragmas = {{"journal_mode", "wal"}}}).reason(),
              "the journal mode is still 'memory'");
}

TEST(sqlite_open, takes_a_pragma_as_data_and_not_as_sql) {
    const scratch dir;
    const withal::sqlite_open_options options{
        .pragmas = {{"user_version", "1'; CREATE TABLE injected (n); --"}}};
    try {
        withal::with(sqlite_open(dir / "a.db", options), [](sqlite_connection&) {});
    } catch (const sqlite_error&) {
        // Refused is fine too.
        SUCCEED();
    }
    withal::with(sqlite_open(dir / "a.db"), [](sqlite_connection& db) {
        EXPECT_EQ(db.value<int>("SELECT count(*) FROM sqlite_schema"), 0);
    });
}

TEST(sqlite_open, reports_a_statement_that_outlives_it_and_takes_its_lock_away) {
    const scratch dir;
    const std::string path = dir / "a.db";
    std::optional<sqlite_statement> leaked;
    sqlite_open file(path);
    const sqlite_error error = error_of([&] {
        withal::with(file, [&](sqlite_connection& db) {
            db.exec("CREATE TABLE t (n); INSERT INTO t VALUES (1), (2)");
            leaked = db.prepare("SELECT n FROM t");
            EXPECT_TRUE(leaked->step());
        });
    });
    EXPECT_EQ(error.operation(), "close");
    EXPECT_NE(error.reason().find("1 statement is still alive (SELECT n FROM t)"),
              std::string::npos)
        << error.what();
    EXPECT_STREQ(file.note(), "NOT CLOSED");
    // Another connection can write at once: the leaked statement holds no lock.
    withal::with(sqlite_open(path, {.busy_timeout = std::chrono::milliseconds(0)}),
                 [](sqlite_connection& db) { db.exec("DELETE FROM t"); });
    EXPECT_GE(descriptors_on(path), 1);
    leaked.reset();
    EXPECT_EQ(descriptors_on(path), 0);
}

TEST(sqlite_open, keeps_the_error_of_the_body_when_closing_fails_too) {
    std::optional<sqlite_statement> leaked;
    try {
        withal::with(sqlite_open(":memory:"), [&](sqlite_connection& db) {
            leaked = db.prepare("SELECT 1");
            throw std::runtime_error("body");
        });
        FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "body");
        ASSERT_EQ(withal::secondary_errors().size(), 1U);
        EXPECT_THROW(std::rethrow_exception(withal::secondary_errors()[0]), sqlite_error);
    }
}

TEST(sqlite_open, rolls_back_and_reports_a_transaction_that_the_body_left_open) {
    const scratch dir;
    const std::string path = dir / "a.db";
    const sqlite_error error = error_of([&] {
        withal::with(sqlite_open(path), [](sqlite_connection& db) {
            db.exec("CREATE TABLE t (n); BEGIN; INSERT INTO t VALUES (1)");
        });
    });
    EXPECT_EQ(error.reason(), "a transaction was still open: rolled back");
    withal::with(sqlite_open(path), [](sqlite_connection& db) {
        EXPECT_EQ(db.value<int>("SELECT count(*) FROM t"), 0);
    });
}

TEST(sqlite_open, rolls_an_open_transaction_back_silently_when_the_body_failed) {
    sqlite_open file(":memory:");
    try {
        withal::with(file, [](sqlite_connection& db) {
            db.exec("CREATE TABLE t (n); BEGIN; INSERT INTO t VALUES (1)");
            throw std::runtime_error("body");
        });
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "body");
        EXPECT_TRUE(withal::secondary_errors().empty());
    }
    EXPECT_STREQ(file.note(), "closed; an open transaction was ROLLED BACK");
}

} // namespace

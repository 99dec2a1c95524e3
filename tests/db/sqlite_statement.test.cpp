// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/with.hpp>
#include <withal/db/sqlite.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using withal::sqlite_connection;
using withal::sqlite_error;
using withal::sqlite_statement;

// Runs the body on an empty database in memory.
template <class Body>
void on_database(Body&& body) {
    withal::with(withal::sqlite_open(":memory:"), std::forward<Body>(body));
}

// The error that the callable throws, for its fields.
template <class F>
sqlite_error error_of(F&& f) {
    try {
        std::forward<F>(f)();
    } catch (const sqlite_error& error) {
        return error;
    }
    return {"nothing was thrown", "", "", 0, ""};
}

template <class Read, class Value>
Read round_trip(sqlite_connection& db, const Value& value) {
    return db.value<Read>("SELECT ?", value);
}

TEST(sqlite_statement, gives_back_what_was_bound) {
    on_database([](sqlite_connection& db) {
        EXPECT_EQ(round_trip<int>(db, 42), 42);
        EXPECT_EQ(round_trip<std::int64_t>(db, std::numeric_limits<std::int64_t>::min()),
                  std::numeric_limits<std::int64_t>::min());
        EXPECT_EQ(round_trip<std::uint8_t>(db, 255U), 255);
        EXPECT_EQ(round_trip<bool>(db, true), true);
        EXPECT_EQ(round_trip<double>(db, 0.1), 0.1);
        EXPECT_EQ(round_trip<float>(db, 0.5F), 0.5F);
        EXPECT_EQ(round_trip<double>(db, 3), 3.0);
        EXPECT_EQ(round_trip<double>(db, std::numeric_limits<double>::infinity()),
                  std::numeric_limits<double>::infinity());
        EXPECT_EQ(round_trip<std::string>(db, "text"), "text");
        EXPECT_EQ(round_trip<std::string>(db, std::string("te\0xt", 5)), std::string("te\0xt", 5));
        EXPECT_EQ(round_trip<std::string>(db, std::string_view()), "");
        const std::vector<std::byte> bytes{std::byte{0}, std::byte{255}};
        EXPECT_EQ(round_trip<std::vector<std::byte>>(db, bytes), bytes);
        EXPECT_EQ(round_trip<std::vector<std::byte>>(db, std::span<const std::byte>()),
                  std::vector<std::byte>());
    });
}

TEST(sqlite_statement, reads_null_as_an_empty_optional_and_as_nothing_else) {
    on_database([](sqlite_connection& db) {
        EXPECT_EQ(round_trip<std::optional<int>>(db, nullptr), std::nullopt);
        EXPECT_EQ(round_trip<std::optional<int>>(db, std::optional<int>()), std::nullopt);
        EXPECT_EQ(round_trip<std::optional<int>>(db, std::optional(7)), 7);
        const sqlite_error error = error_of([&] { (void)round_trip<int>(db, nullptr); });
        EXPECT_EQ(error.code(), 20);
        EXPECT_NE(error.reason().find("is NULL, not an integer; read it as a std::optional"),
                  std::string::npos)
            << error.reason();
    });
}

TEST(sqlite_statement, refuses_to_convert_silently) {
    on_database([](sqlite_connection& db) {
        EXPECT_EQ(error_of([&] { (void)round_trip<int>(db, "12"); }).code(), 20);
        EXPECT_EQ(error_of([&] { (void)round_trip<int>(db, 1.0); }).code(), 20);
        EXPECT_EQ(error_of([&] { (void)round_trip<std::string>(db, 12); }).code(), 20);
        EXPECT_EQ(error_of([&] { (void)round_trip<double>(db, "1"); }).code(), 20);
        EXPECT_EQ(error_of([&] { (void)round_trip<std::vector<std::byte>>(db, "1"); }).code(), 20);
    });
}

TEST(sqlite_statement, refuses_numbers_that_do_not_fit) {
    on_database([](sqlite_connection& db) {
        EXPECT_EQ(error_of([&] { (void)round_trip<std::int8_t>(db, 128); }).code(), 20);
        EXPECT_EQ(error_of([&] { (void)round_trip<unsigned>(db, -1); }).code(), 20);
        EXPECT_EQ(error_of([&] { (void)round_trip<bool>(db, 2); }).code(), 20);
        EXPECT_EQ(error_of([&] { (void)round_trip<float>(db, 1e300); }).code(), 20);
        const sqlite_error error =
            error_of([&] { (void)round_trip<int>(db, std::numeric_limits<std::uint64_t>::max()); });
        EXPECT_EQ(error.operation(), "bind");
    });
}

TEST(sqlite_statement, wants_exactly_as_many_values_as_parameters) {
    on_database([](sqlite_connection& db) {
        sqlite_statement statement = db.prepare("SELECT ?, ?");
        const sqlite_error error = error_of([&] { statement.bind(1); });
        EXPECT_EQ(error.reason(), "the statement has 2 parameters, 1 values were given");
        EXPECT_EQ(error.sql(), "SELECT ?, ?");
        statement.bind(1, 2);
        EXPECT_TRUE(statement.step());
    });
}

TEST(sqlite_statement, binds_by_name) {
    on_database([](sqlite_connection& db) {
        sqlite_statement statement = db.prepare("SELECT :a - :b");
        statement.bind_to(":b", 2).bind_to(":a", 10);
        ASSERT_TRUE(statement.step());
        EXPECT_EQ(statement.column<int>(0), 8);
        EXPECT_EQ(error_of([&] { statement.bind_to(":c", 1); }).reason(),
                  "there is no parameter :c");
    });
}

TEST(sqlite_statement, steps_through_rows_and_starts_again) {
    on_database([](sqlite_connection& db) {
        sqlite_statement rows = db.prepare("SELECT 1 AS n UNION SELECT 2 UNION SELECT 3");
        for (int round = 0; round < 2; ++round) {
            int sum = 0;
            while (rows.step()) {
                sum += rows.column<int>(0);
            }
            EXPECT_EQ(sum, 6);
        }
        EXPECT_EQ(rows.columns(), 1);
        EXPECT_EQ(rows.name(0), "n");
        EXPECT_THROW((void)rows.name(1), sqlite_error);
    });
}

TEST(sqlite_statement, reads_a_row_as_a_tuple) {
    on_database([](sqlite_connection& db) {
        sqlite_statement row = db.prepare("SELECT 'a', 2, NULL");
        ASSERT_TRUE(row.step());
        const auto [name, number, nothing] = row.row<std::string, int, std::optional<double>>();
        EXPECT_EQ(name, "a");
        EXPECT_EQ(number, 2);
        EXPECT_EQ(nothing, std::nullopt);
    });
}

TEST(sqlite_statement, says_what_is_wrong_when_there_is_no_row_or_column) {
    on_database([](sqlite_connection& db) {
        sqlite_statement row = db.prepare("SELECT 1");
        EXPECT_EQ(error_of([&] { (void)row.column<int>(0); }).reason(),
                  "there is no row: the last step() was not true");
        ASSERT_TRUE(row.step());
        EXPECT_EQ(error_of([&] { (void)row.column<int>(1); }).reason(), "column 1 of a row of 1");
        EXPECT_EQ(error_of([&] { (void)row.column<int>(-1); }).reason(), "column -1 of a row of 1");
    });
}

TEST(sqlite_statement, can_be_used_again_after_it_failed) {
    on_database([](sqlite_connection& db) {
        db.exec("CREATE TABLE t (n INTEGER UNIQUE)");
        sqlite_statement insert = db.prepare("INSERT INTO t VALUES (?)");
        insert.run(1);
        const sqlite_error error = error_of([&] { insert.run(1); });
        EXPECT_EQ(error.operation(), "step");
        EXPECT_EQ(error.extended_code(), 2067);
        insert.run(2);
        EXPECT_EQ(db.value<int>("SELECT count(*) FROM t"), 2);
    });
}

TEST(sqlite_statement, that_was_moved_from_says_so) {
    on_database([](sqlite_connection& db) {
        sqlite_statement first = db.prepare("SELECT 1");
        sqlite_statement second = std::move(first);
        EXPECT_TRUE(second.step());
        EXPECT_EQ(error_of([&] { first.step(); }).reason(), // NOLINT(bugprone-use-after-move)
                  "the statement is empty (moved from)");
        EXPECT_EQ(error_of([&] { first.bind(); }).reason(), "the statement is empty (moved from)");
        first = db.prepare("SELECT 2");
        EXPECT_TRUE(first.step());
    });
}

} // namespace

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/db/sqlite_error.hpp>

#include <gtest/gtest.h>

#include <string>
#include <type_traits>

namespace {

using withal::sqlite_error;

TEST(sqlite_error, names_operation_file_reason_code_and_statement_in_one_line) {
    const sqlite_error error("step", "/srv/a.db", "INSERT INTO t\nVALUES (1)", 2067, "not unique");
    EXPECT_STREQ(error.what(),
                 "sqlite: step failed on /srv/a.db: not unique (SQLITE_CONSTRAINT, 2067) in: "
                 "INSERT INTO t VALUES (1)");
    EXPECT_EQ(error.operation(), "step");
    EXPECT_EQ(error.file(), "/srv/a.db");
    EXPECT_EQ(error.reason(), "not unique");
    EXPECT_EQ(error.code(), 19);
    EXPECT_EQ(error.extended_code(), 2067);
}

TEST(sqlite_error, cuts_a_long_statement_in_its_text_and_keeps_it_whole) {
    const std::string sql(5000, 'x');
    const sqlite_error error("prepare", ":memory:", sql, 1, "syntax error");
    EXPECT_LT(std::string(error.what()).size(), 400U);
    EXPECT_TRUE(std::string(error.what()).ends_with("..."));
    EXPECT_EQ(error.sql(), sql);
}

TEST(sqlite_error, knows_which_codes_are_worth_another_try) {
    EXPECT_TRUE(sqlite_error("begin", "f", "", 5, "").busy());
    EXPECT_TRUE(sqlite_error("begin", "f", "", 517, "").busy());
    EXPECT_TRUE(sqlite_error("begin", "f", "", 6, "").busy());
    EXPECT_FALSE(sqlite_error("begin", "f", "", 13, "").busy());
}

TEST(sqlite_error, is_copied_without_throwing) {
    static_assert(std::is_nothrow_copy_constructible_v<sqlite_error>);
    const sqlite_error error("open", "f", "", 14, "no");
    const sqlite_error copy = error;
    EXPECT_STREQ(copy.what(), error.what());
}

} // namespace

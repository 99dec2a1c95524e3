// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/db/sqlite_statement.hpp>

#include "sqlite_detail.hpp"
#include <withal/db/sqlite_error.hpp>

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace withal {

namespace {

std::string_view sql_of(sqlite3_stmt* statement) {
    const char* sql = statement == nullptr ? nullptr : sqlite3_sql(statement);
    return sql == nullptr ? std::string_view() : std::string_view(sql);
}

[[noreturn]] void fail(sqlite3_stmt* statement, const char* operation, int result_code) {
    throw detail::make_sqlite_error(
        sqlite3_db_handle(statement), operation, sql_of(statement), result_code);
}

[[noreturn]] void
refuse(sqlite3_stmt* statement, const char* operation, int code, std::string reason) {
    throw sqlite_error(operation,
                       detail::sqlite_file(sqlite3_db_handle(statement)),
                       std::string(sql_of(statement)),
                       code,
                       std::move(reason));
}

void check_usable(sqlite3_stmt* statement, const char* operation) {
    if (statement == nullptr) {
        refuse(statement, operation, SQLITE_MISUSE, "the statement is empty (moved from)");
    }
}

void check_bound(sqlite3_stmt* statement, int result_code) {
    if (result_code != SQLITE_OK) {
        fail(statement, "bind", result_code);
    }
}

const char* type_name(int type) noexcept {
    switch (type) {
    case SQLITE_INTEGER:
        return "an integer";
    case SQLITE_FLOAT:
        return "a floating point number";
    case SQLITE_TEXT:
        return "text";
    case SQLITE_BLOB:
        return "bytes";
    default:
        return "NULL";
    }
}

std::string describe_column(sqlite3_stmt* statement, int index) {
    const char* name = sqlite3_column_name(statement, index);
    return "column " + std::to_string(index) + " (" + (name == nullptr ? "?" : name) + ")";
}

int type_at(sqlite3_stmt* statement, int index) {
    check_usable(statement, "column");
    const int count = sqlite3_data_count(statement);
    if (count == 0) {
        refuse(statement, "column", SQLITE_MISUSE, "there is no row: the last step() was not true");
    }
    if (index < 0 || index >= count) {
        refuse(statement,
               "column",
               SQLITE_RANGE,
               "column " + std::to_string(index) + " of a row of " + std::to_string(count));
    }
    return sqlite3_column_type(statement, index);
}

[[noreturn]] void wrong_type(sqlite3_stmt* statement, int index, int type, const char* wanted) {
    const char* cure = type == SQLITE_NULL ? "; read it as a std::optional" : "";
    refuse(statement,
           "column",
           SQLITE_MISMATCH,
           describe_column(statement, index) + " is " + type_name(type) + ", not " + wanted + cure);
}

} // namespace

sqlite_statement::~sqlite_statement() {
    sqlite3_finalize(native_);
}

bool sqlite_statement::step() {
    check_usable(native_, "step");
    const int result = sqlite3_step(native_);
    if (result == SQLITE_ROW) {
        return true;
    }
    if (result == SQLITE_DONE) {
        sqlite3_reset(native_);
        return false;
    }
    const sqlite_error error =
        detail::make_sqlite_error(sqlite3_db_handle(native_), "step", sql_of(native_), result);
    sqlite3_reset(native_);
    throw sqlite_error(error);
}

void sqlite_statement::finish() {
    while (step()) {}
}

void sqlite_statement::reset() noexcept {
    sqlite3_reset(native_);
}

void sqlite_statement::start(std::size_t values) {
    check_usable(native_, "bind");
    sqlite3_reset(native_);
    const int wanted = sqlite3_bind_parameter_count(native_);
    if (!std::in_range<int>(values) || static_cast<int>(values) != wanted) {
        refuse(native_,
               "bind",
               SQLITE_RANGE,
               "the statement has " + std::to_string(wanted) + " parameters, " +
                   std::to_string(values) + " values were given");
    }
}

int sqlite_statement::index_of(const char* name) const {
    check_usable(native_, "bind");
    const int index = sqlite3_bind_parameter_index(native_, name);
    if (index == 0) {
        refuse(native_, "bind", SQLITE_RANGE, std::string("there is no parameter ") + name);
    }
    return index;
}

void sqlite_statement::bind_null(int index) {
    check_usable(native_, "bind");
    check_bound(native_, sqlite3_bind_null(native_, index));
}

void sqlite_statement::bind_integer(int index, std::int64_t value) {
    check_usable(native_, "bind");
    check_bound(native_, sqlite3_bind_int64(native_, index, value));
}

void sqlite_statement::bind_real(int index, double value) {
    check_usable(native_, "bind");
    check_bound(native_, sqlite3_bind_double(native_, index, value));
}

void sqlite_statement::bind_text(int index, std::string_view value) {
    check_usable(native_, "bind");
    // A null pointer would bind NULL, and an empty string_view may hold one.
    const char* data = value.data() == nullptr ? "" : value.data();
    check_bound(native_,
                sqlite3_bind_text64(native_,
                                    index,
                                    data,
                                    value.size(),
                                    SQLITE_TRANSIENT, // NOLINT
                                    SQLITE_UTF8));
}

void sqlite_statement::bind_bytes(int index, std::span<const std::byte> value) {
    check_usable(native_, "bind");
    const int result =
        value.empty()
            ? sqlite3_bind_zeroblob(native_, index, 0)
            : sqlite3_bind_blob64(native_, index, value.data(), value.size(), SQLITE_TRANSIENT);
    check_bound(native_, result);
}

int sqlite_statement::columns() const noexcept {
    return sqlite3_column_count(native_);
}

std::string_view sqlite_statement::name(int index) const {
    check_usable(native_, "column");
    const char* name = sqlite3_column_name(native_, index);
    if (name == nullptr) {
        refuse(native_, "column", SQLITE_RANGE, "there is no column " + std::to_string(index));
    }
    return name;
}

bool sqlite_statement::null_at(int index) const {
    return type_at(native_, index) == SQLITE_NULL;
}

std::int64_t sqlite_statement::integer_at(int index) const {
    if (const int type = type_at(native_, index); type != SQLITE_INTEGER) {
        wrong_type(native_, index, type, "an integer");
    }
    return sqlite3_column_int64(native_, index);
}

double sqlite_statement::real_at(int index) const {
    if (const int type = type_at(native_, index); type != SQLITE_FLOAT && type != SQLITE_INTEGER) {
        wrong_type(native_, index, type, "a number");
    }
    return sqlite3_column_double(native_, index);
}

std::string_view sqlite_statement::text_at(int index) const {
    if (const int type = type_at(native_, index); type != SQLITE_TEXT) {
        wrong_type(native_, index, type, "text");
    }
    const void* text = sqlite3_column_text(native_, index);
    if (text == nullptr) {
        fail(native_, "column", SQLITE_NOMEM);
    }
    return {static_cast<const char*>(text),
            static_cast<std::size_t>(sqlite3_column_bytes(native_, index))};
}

std::span<const std::byte> sqlite_statement::bytes_at(int index) const {
    if (const int type = type_at(native_, index); type != SQLITE_BLOB) {
        wrong_type(native_, index, type, "bytes");
    }
    const void* bytes = sqlite3_column_blob(native_, index);
    return {static_cast<const std::byte*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(native_, index))};
}

void sqlite_statement::does_not_fit(const char* operation, int index) const {
    const bool reading = std::string_view(operation) == "column";
    refuse(native_,
           operation,
           SQLITE_MISMATCH,
           (reading ? describe_column(native_, index) : "value " + std::to_string(index)) +
               " does not fit " + (reading ? "the type it is read as" : "a 64-bit signed integer"));
}

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

struct sqlite3_stmt;

namespace withal {

/// A prepared statement: bind values, step through rows, read typed columns.
///
///     with(sqlite_open(":memory:"), [](sqlite_connection& db) {
///         auto squares = db.prepare("SELECT ?1, ?1 * ?1 UNION SELECT 4, 16");
///         squares.bind(3);
///         while (squares.step()) {
///             auto [n, square] = squares.row<int, std::int64_t>();
///             static_cast<void>(n + square);
///         }
///     });
///
/// Values are integers, floating point, bool, text, bytes (`std::span<const std::byte>`), nullptr,
/// and std::optional of them; optional is also how NULL is read. Nothing is converted silently: a
/// column of another type, a NULL and a number that does not fit are errors (CAST in SQL instead).
///
/// **Throws.** sqlite_error from every member that talks to SQLite. A step that fails resets the
/// statement, which can be used again.
/// **Threads.** Those of its connection: one at a time.
/// **Lifetime.** Destroy it before its connection is closed. One that lives on is safe to destroy
/// and useless, and the closing reports it.
class sqlite_statement {
public:
    /// Takes over a statement that was prepared with SQLite's own interface. Null is allowed and is
    /// what a moved-from statement holds: it has no columns, and binding or stepping it throws.
    explicit sqlite_statement(sqlite3_stmt* owned) noexcept : native_(owned) {}
    sqlite_statement(sqlite_statement&& other) noexcept
        : native_(std::exchange(other.native_, nullptr)) {}
    /// Exchanges the two.
    sqlite_statement& operator=(sqlite_statement&& other) noexcept {
        std::swap(native_, other.native_);
        return *this;
    }
    sqlite_statement(const sqlite_statement&) = delete;
    sqlite_statement& operator=(const sqlite_statement&) = delete;
    ~sqlite_statement();

    /// Resets the statement and binds all its parameters, in order. Text and bytes are copied.
    ///
    /// **Returns.** The statement itself.
    /// **Throws.** sqlite_error also when their number is not the statement's.
    template <class... Values>
    sqlite_statement& bind(const Values&... values);

    /// Binds one parameter: the first is 1. The others keep their values.
    ///
    /// **Throws.** sqlite_error also while rows are being read: reset() first.
    template <class Value>
    sqlite_statement& bind_at(int index, const Value& value);

    /// Binds one parameter by its name as written: ":size", "@size" or "$size".
    ///
    /// **Throws.** sqlite_error also when there is no parameter of that name.
    template <class Value>
    sqlite_statement& bind_to(const char* name, const Value& value) {
        return bind_at(index_of(name), value);
    }

    /// Goes on to the next row.
    ///
    /// **Returns.** Whether there is one. After the last row the statement is reset and keeps its
    /// values: one more step begins anew.
    bool step();

    /// bind(), then step() to the end: for statements whose rows do not matter.
    template <class... Values>
    void run(const Values&... values) {
        bind(values...);
        finish();
    }

    /// One column of the current row: the first is 0. T is an integer type, bool, float or double
    /// (which read integers too), std::string, std::string_view, std::vector<std::byte>,
    /// std::span<const std::byte>, or std::optional of one of them.
    ///
    /// **Throws.** sqlite_error if there is no row, no such column, or it is no T.
    /// **Lifetime.** What a string_view or span shows lives until the next step.
    template <class T>
    [[nodiscard]] T column(int index) const;

    /// The first columns of the current row, all at once; there may be more.
    ///
    /// **Throws.** As column().
    template <class... Ts>
    [[nodiscard]] std::tuple<Ts...> row() const {
        return row_of<Ts...>(std::index_sequence_for<Ts...>());
    }

    /// How many columns its rows have; 0 for a statement without rows.
    [[nodiscard]] int columns() const noexcept;
    /// The name of a column, as AS gave it.
    ///
    /// **Throws.** sqlite_error if there is no such column.
    /// **Lifetime.** Until the statement begins anew, is asked for the same name, or is destroyed.
    [[nodiscard]] std::string_view name(int index) const;

    /// Ends the current reading, so that it holds no lock; the bound values stay.
    void reset() noexcept;

    /// For what withal does not wrap. Still owned by the statement; null if it is moved from.
    [[nodiscard]] sqlite3_stmt* native() const noexcept { return native_; }

private:
    void start(std::size_t values);
    void finish();
    [[nodiscard]] int index_of(const char* name) const;
    void bind_null(int index);
    void bind_integer(int index, std::int64_t value);
    void bind_real(int index, double value);
    void bind_text(int index, std::string_view value);
    void bind_bytes(int index, std::span<const std::byte> value);
    [[nodiscard]] bool null_at(int index) const;
    [[nodiscard]] std::int64_t integer_at(int index) const;
    [[nodiscard]] double real_at(int index) const;
    [[nodiscard]] std::string_view text_at(int index) const;
    [[nodiscard]] std::span<const std::byte> bytes_at(int index) const;
    [[noreturn]] void does_not_fit(const char* operation, int index) const;

    template <class... Ts, std::size_t... Is>
    [[nodiscard]] std::tuple<Ts...> row_of(std::index_sequence<Is...> /*unused*/) const {
        return std::tuple<Ts...>{column<Ts>(static_cast<int>(Is))...};
    }

    sqlite3_stmt* native_;
};

//
// Implementation
//

namespace detail {

template <class T>
inline constexpr bool is_sqlite_optional = false;
template <class T>
inline constexpr bool is_sqlite_optional<std::optional<T>> = true;

// Characters are no numbers: a char that was meant as text would be stored as its code.
template <class T>
concept sqlite_integer =
    std::integral<T> && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
    !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

// False, but only once T is known: for a static_assert in the last branch.
template <class T>
inline constexpr bool no_sqlite_value = false;

// std::in_range() takes no bool.
template <class To, class From>
constexpr bool sqlite_fits(From value) {
    if constexpr (std::same_as<From, bool>) {
        return true;
    } else if constexpr (std::same_as<To, bool>) {
        return value == 0 || value == 1;
    } else {
        return std::in_range<To>(value);
    }
}

} // namespace detail

template <class... Values>
sqlite_statement& sqlite_statement::bind(const Values&... values) {
    start(sizeof...(values));
    [[maybe_unused]] int index = 0;
    (bind_at(++index, values), ...);
    return *this;
}

template <class Value>
sqlite_statement& sqlite_statement::bind_at(int index, const Value& value) {
    if constexpr (std::same_as<Value, std::nullptr_t> || std::same_as<Value, std::nullopt_t>) {
        bind_null(index);
    } else if constexpr (detail::is_sqlite_optional<Value>) {
        return value ? bind_at(index, *value) : bind_at(index, nullptr);
    } else if constexpr (std::floating_point<Value>) {
        bind_real(index, static_cast<double>(value));
    } else if constexpr (detail::sqlite_integer<Value>) {
        if (!detail::sqlite_fits<std::int64_t>(value)) {
            does_not_fit("bind", index);
        }
        bind_integer(index, static_cast<std::int64_t>(value));
    } else if constexpr (std::convertible_to<const Value&, std::string_view>) {
        bind_text(index, value);
    } else if constexpr (std::convertible_to<const Value&, std::span<const std::byte>>) {
        bind_bytes(index, value);
    } else {
        static_assert(detail::no_sqlite_value<Value>,
                      "SQLite stores integers, floating point, text, bytes (a span of const "
                      "std::byte) and NULL (nullptr): convert the value to one of them");
    }
    return *this;
}

template <class T>
T sqlite_statement::column(int index) const {
    if constexpr (detail::is_sqlite_optional<T>) {
        return null_at(index) ? T() : T(column<typename T::value_type>(index));
    } else if constexpr (std::floating_point<T>) {
        const double value = real_at(index);
        // An infinity or NaN is as much at home in a float as in a double.
        if (std::isfinite(value) && std::abs(value) > std::numeric_limits<T>::max()) {
            does_not_fit("column", index);
        }
        return static_cast<T>(value);
    } else if constexpr (detail::sqlite_integer<T>) {
        const std::int64_t value = integer_at(index);
        if (!detail::sqlite_fits<T>(value)) {
            does_not_fit("column", index);
        }
        return static_cast<T>(value);
    } else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) {
        return T(text_at(index));
    } else if constexpr (std::same_as<T, std::span<const std::byte>>) {
        return bytes_at(index);
    } else if constexpr (std::same_as<T, std::vector<std::byte>>) {
        const std::span<const std::byte> bytes = bytes_at(index);
        return T(bytes.begin(), bytes.end());
    } else {
        static_assert(detail::no_sqlite_value<T>,
                      "a column is read as an integer, floating point, std::string, "
                      "std::string_view, a span or vector of std::byte, or std::optional of them");
    }
}

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>
#include <withal/core/error_list.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace withal {

namespace detail {
struct result_access;
} // namespace detail

/// What try_with() came to: a value, an error, or the word that a manager suppressed the error.
///
///     result<int> parsed = try_with(null_context(), [] { return 42; });
///     int number = parsed.has_value() ? parsed.value() : 0;
///
/// `result<T&>` holds a reference, `result<void>` only says that the body ran to its end. A value
/// that means failure (failure_traits) is a value.
template <class T>
class [[nodiscard]] result {
    using stored = std::conditional_t<
        std::is_void_v<T>,
        std::true_type,
        std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;
    using reference = std::add_lvalue_reference_t<T>;

public:
    /// The body returned, and no exit failed after it.
    [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }

    /// The body's value.
    ///
    /// **Throws.** The error, if there is one; logic_error, if it was suppressed.
    reference value() & { return get(*this); }
    std::add_lvalue_reference_t<std::add_const_t<T>> value() const& { return get(*this); }
    std::conditional_t<std::is_object_v<T>, std::add_rvalue_reference_t<T>, T> value() && {
        if constexpr (std::is_object_v<T>) {
            return static_cast<T&&>(get(*this));
        } else {
            return get(*this);
        }
    }

    /// What with() would have thrown; null if it would not.
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }
    /// A manager suppressed the error: there is neither a value nor an error.
    [[nodiscard]] bool suppressed() const noexcept { return !has_value() && error_ == nullptr; }
    /// The error is a cancellation that somebody asked for. Only async work can tell.
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
    /// The errors secondary to error(): cleanups that failed too, innermost first.
    [[nodiscard]] error_list secondary() const { return secondary_errors(error_); }

private:
    friend struct detail::result_access;

    result() noexcept = default;

    template <class Self>
    static decltype(auto) get(Self& self) {
        if (!self.has_value()) {
            if (self.error_ != nullptr) {
                std::rethrow_exception(self.error_);
            }
            throw logic_error("withal::result: there is no value, a manager suppressed the error; "
                              "ask has_value() or suppressed() first");
        }
        if constexpr (std::is_void_v<T>) {
            return;
        } else if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(**self.value_);
        } else {
            return (*self.value_);
        }
    }

    std::optional<stored> value_;
    std::exception_ptr error_;
    bool cancelled_ = false;
};

/// What with() returns for a body without a value when a manager may suppress: true if the body ran
/// to its end. May be ignored.
///
///     if (!with(suppress<int>(), [] { throw 42; })) {
///         // the body did not come to its end
///     }
class completed {
public:
    explicit constexpr completed(bool yes) noexcept : yes_(yes) {}
    explicit constexpr operator bool() const noexcept { return yes_; }

private:
    bool yes_;
};

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/outcome.hpp>
#include <withal/core/testing/allocations.hpp>

#include <exception>
#include <string>
#include <vector>

namespace withal::testing {

/// The text of an exception, for comparing: what() of a std::exception, the digits of an int,
/// "unknown" for others, "null" for none.
///
///     const auto error = std::make_exception_ptr(testing::planned_failure("body"));
///     const std::string text = testing::text_of(error); // "body"
[[nodiscard]] std::string text_of(const std::exception_ptr& error);

/// The texts of a list of them, as secondary_errors() and error_group::errors() are.
template <class Errors>
[[nodiscard]] std::vector<std::string> texts_of(const Errors& errors);

/// How an outcome reads in a trace: "ok", "threw X", "cancelled", "failed" (a failure that was
/// returned) or "abandoned".
[[nodiscard]] std::string word_of(const outcome& left);

/// Calls f.
///
///     const std::string text = testing::thrown_by([] { throw 42; }); // "42"
///
/// **Returns.** The text of what it throws, "nothing" if it returns.
template <class F>
[[nodiscard]] std::string thrown_by(F&& f);

//
// Implementation
//

inline std::string text_of(const std::exception_ptr& error) {
    const uncounted words;
    if (error == nullptr) {
        return "null";
    }
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& known) {
        return known.what();
    } catch (int number) {
        return std::to_string(number);
    } catch (...) {
        return "unknown";
    }
}

template <class Errors>
std::vector<std::string> texts_of(const Errors& errors) {
    const uncounted words;
    std::vector<std::string> texts;
    for (const std::exception_ptr& error : errors) {
        texts.push_back(testing::text_of(error));
    }
    return texts;
}

inline std::string word_of(const outcome& left) {
    const uncounted words;
    if (left.returned()) {
        return "ok";
    }
    if (left.cancelled()) {
        return "cancelled";
    }
    if (left.threw()) {
        return "threw " + testing::text_of(left.exception());
    }
    return left.abandoned() ? "abandoned" : "failed";
}

template <class F>
std::string thrown_by(F&& f) {
    try {
        static_cast<F&&>(f)();
    } catch (...) {
        return testing::text_of(std::current_exception());
    }
    return "nothing";
}

} // namespace withal::testing

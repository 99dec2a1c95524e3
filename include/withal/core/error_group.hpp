// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error_list.hpp>

#include <exception>

namespace withal {

/// Several errors thrown as one, under both_failed::group.
///
///     try {
///         with<both_failed::group>(on_exit([] { throw 2; }), [] { throw 1; });
///     } catch (const error_group& group) {
///         bool both = group.errors().size() == 2;
///     }
///
/// **Lifetime.** Owns its errors; copies share them.
/// **Python.** ExceptionGroup, but flat, and thrown only where it was asked for.
class [[gnu::visibility("default")]] error_group : public std::exception {
public:
    explicit error_group(error_list errors) noexcept : errors_(static_cast<error_list&&>(errors)) {}

    /// The body's error first, then the exits', innermost first. Never empty, never nested.
    [[nodiscard]] const error_list& errors() const noexcept { return errors_; }
    [[nodiscard]] const char* what() const noexcept override {
        return "withal::error_group: several errors; errors() holds them all";
    }

private:
    error_list errors_;
};

} // namespace withal

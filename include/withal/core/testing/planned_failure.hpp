// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <stdexcept>

namespace withal::testing {

/// An error thrown on purpose, by a test or by its tools; its text says what failed.
///
///     try {
///         with(null_context(), [] { throw testing::planned_failure("body"); });
///     } catch (const testing::planned_failure& failed) {
///         static_cast<void>(failed.what()); // "body"
///     }
class [[gnu::visibility("default")]] planned_failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace withal::testing

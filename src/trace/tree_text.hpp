// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace withal::detail {

/// One scope of the tree: what was recorded, and where it stands.
struct trace_scope {
    enum class way : unsigned char {
        running,
        returned,
        threw,
        failed,
        cancelled,
        abandoned,
        enter_failed,
        exit_failed,
    };
    using time = std::chrono::steady_clock::time_point;

    std::string label{};
    std::string note{};
    std::string error{};       // how it left, if by an error
    std::string inner_error{}; // the last error that came out of a scope inside
    std::string replaced{};    // the error its exit made of it
    std::vector<std::string> also{};
    const void* call = nullptr; // the call of with it belongs to, while it is open
    time started{};
    time entered{};
    time leaving{};
    time gone{};
    std::size_t outer = 0;  // the scope it is in
    std::size_t parent = 0; // the scope it is drawn under
    std::size_t thread = 1;
    way left = way::running;
    bool suppressed = false;
    bool shows_error = false;
};

/// The whole text; scopes.front() is the root. `unseen` scopes were not recorded.
std::string draw_tree(const std::vector<trace_scope>& scopes, std::size_t unseen, bool box);

/// "0.2ms", "412ms", "3.41s", "2m05s", "3h12m".
std::string short_duration(std::chrono::nanoseconds duration);

/// The text on one line and without control characters: an error's text cannot move the cursor.
std::string printable(const std::string& text);

} // namespace withal::detail

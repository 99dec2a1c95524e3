// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace fidelity {

using json = nlohmann::json;

/// What a list of statements comes to: a number, or none without a `return`.
struct value {
    bool has = false;
    int number = 0;
};

std::string text_of(const value& result);

/// A stack by its name in the program, whatever its type.
class named_stack {
public:
    named_stack() = default;
    named_stack(const named_stack&) = delete;
    named_stack& operator=(const named_stack&) = delete;
    virtual ~named_stack() = default;

    virtual void add(const json& entry) = 0;
    /// The word for what it gave.
    virtual std::string enter(const json& manager) = 0;
    /// A `pop`. Nothing if an error was suppressed.
    virtual std::optional<value> pop(const json& statement) = 0;
    virtual void close() = 0;
};

/// What managers need of the interpreter: it keeps the log, numbers the errors, runs statements.
class runner {
public:
    runner() = default;
    runner(const runner&) = delete;
    runner& operator=(const runner&) = delete;
    virtual ~runner() = default;

    virtual value run(const json& statements) = 0;
    /// The stack that has the name now.
    virtual named_stack& stack(const std::string& name) = 0;

    void say(std::string_view event);
    /// The error with its chain; while the `run` of an exit runs, without.
    [[nodiscard]] std::string shown(const std::exception_ptr& error) const;
    std::exception_ptr next_error(const std::string& kind);
    [[noreturn]] void raise(const std::string& kind);
    /// The `run` of an exit.
    void run_in_exit(const json& statements);

    [[nodiscard]] const std::string& log() const { return log_; }

private:
    std::string log_;
    int errors_ = 0;
    int exits_running_ = 0;
};

} // namespace fidelity

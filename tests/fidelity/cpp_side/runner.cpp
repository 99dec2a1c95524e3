// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "errors.hpp"
#include "runner.hpp"
#include <withal/core/error.hpp>

namespace fidelity {

std::string text_of(const value& result) {
    return result.has ? std::to_string(result.number) : "none";
}

void runner::say(std::string_view event) {
    if (!log_.empty()) {
        log_ += " | ";
    }
    log_ += event;
}

std::string runner::shown(const std::exception_ptr& error) const {
    if (error == nullptr) {
        return "ok";
    }
    std::string text = name_of(error);
    if (exits_running_ == 0) {
        std::string chain;
        for (const std::exception_ptr& each : withal::secondary_errors(error)) {
            chain += (chain.empty() ? " [" : " ") + name_of(each);
        }
        text += chain.empty() ? "" : chain + "]";
    }
    return text;
}

std::exception_ptr runner::next_error(const std::string& kind) {
    return made(kind, ++errors_);
}

void runner::raise(const std::string& kind) {
    std::rethrow_exception(next_error(kind));
}

void runner::run_in_exit(const json& statements) {
    ++exits_running_;
    try {
        run(statements);
    } catch (...) {
        --exits_running_;
        throw;
    }
    --exits_running_;
}

} // namespace fidelity

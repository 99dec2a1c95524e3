// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "errors.hpp"
#include "runner.hpp"
#include <withal/core/error.hpp>
#include <withal/core/managed.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <exception>
#include <string>
#include <utility>

namespace fidelity {

/// Can an exit with this answer say anything but "released" and "failed"?
bool answers(const json& answer);

/// Is there a manager in this part of a program that may suppress?
bool some_manager_suppresses(const json& part);

/// The ENTER of a class.
int enter(runner& with, const json& spec);

/// The EXIT of a class or a function. An entry of a stack knows the name of that.
withal::verdict
leave(runner& with, const json& spec, const std::string& stack, const withal::outcome& left);

/// A `class`. Answer is what its exit gives: void, or a verdict.
template <class Answer>
class written {
public:
    written(runner& with, const json& spec, std::string stack = "")
        : runner_(&with), spec_(&spec), stack_(std::move(stack)) {}

    int enter() { return fidelity::enter(*runner_, *spec_); }
    Answer exit(const withal::outcome& left) {
        return static_cast<Answer>(leave(*runner_, *spec_, stack_, left));
    }

private:
    runner* runner_;
    const json* spec_;
    std::string stack_;
};

/// One that never suppresses, and one that may.
using firm = written<void>;
using asking = written<withal::verdict>;

/// What `closing` closes.
class closer {
public:
    closer(runner& with, const json& spec) : runner_(&with), spec_(&spec) {}

    void close() {
        runner_->say("close " + name());
        if (const json& answer = spec_->at("close"); answer.contains("raise")) {
            runner_->raise(answer.at("raise"));
        }
    }
    [[nodiscard]] std::string name() const { return spec_->at("name"); }

private:
    runner* runner_;
    const json* spec_;
};

/// Says when a generator ends.
class finally {
public:
    finally(runner& with, const json& spec) : runner_(with), spec_(spec) {}
    finally(const finally&) = delete;
    finally& operator=(const finally&) = delete;
    ~finally() {
        if (spec_.at("finally").get<bool>()) {
            runner_.say("finally " + spec_.at("name").get<std::string>());
        }
    }

private:
    runner& runner_;
    const json& spec_;
};

/// A `generator`. The program outlives it.
template <class Managed>
Managed generate(runner& with, const json& spec) {
    const std::string name = spec.at("name");
    with.say("enter " + name);
    const finally ends(with, spec);
    const json& enters = spec.at("enter");
    if (enters.contains("none")) {
        co_return;
    }
    if (enters.contains("raise")) {
        with.raise(enters.at("raise"));
    }
    bool again = false;
    try {
        co_yield enters.at("value").template get<int>();
    } catch (...) {
        const std::exception_ptr error = std::current_exception();
        const json& catches = spec.at("catch");
        if (catches.is_null() || !is_a(error, catches.at("class").template get<std::string>())) {
            throw;
        }
        with.say("caught " + name + " " + with.shown(error));
        const json& then = catches.at("then");
        if (then.contains("reraise")) {
            throw;
        }
        if (then.contains("raise")) {
            with.raise(then.at("raise"));
        }
        again = then.contains("yield");
    }
    if (again) { // a co_yield cannot stand in a handler
        co_yield 0;
    }
    with.say("after " + name);
    const json& after = spec.at("after");
    if (after.contains("raise")) {
        with.raise(after.at("raise"));
    }
    if (after.contains("yield")) {
        co_yield 0;
    }
}

} // namespace fidelity

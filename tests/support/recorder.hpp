// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/outcome.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace withal_test {

/// What happened, in order; tests compare the whole of it.
using events = std::vector<std::string>;

/// An error that says who threw it.
struct error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The text of an exception: of a std::exception or an int, "null" for none.
inline std::string text_of(const std::exception_ptr& thrown) {
    if (thrown == nullptr) {
        return "null";
    }
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& known) {
        return known.what();
    } catch (int number) {
        return std::to_string(number);
    } catch (...) {
        return "unknown";
    }
}

template <class List>
events texts_of(const List& errors) {
    events texts;
    for (const std::exception_ptr& each : errors) {
        texts.push_back(text_of(each));
    }
    return texts;
}

/// How an outcome reads in the record: "ok", "threw X", "failed", "abandoned".
inline std::string word_of(const withal::outcome& left) {
    if (left.returned()) {
        return "ok";
    }
    if (left.cancelled()) {
        return "cancelled";
    }
    if (left.threw()) {
        return "threw " + text_of(left.exception());
    }
    return left.abandoned() ? "abandoned" : "failed";
}

/// A manager that writes down what is done to it, and fails where it is told to.
class recorder {
public:
    recorder(events& log, std::string name) : log_(&log), name_(std::move(name)) {}

    recorder&& failing_to_enter() && {
        fails_to_enter_ = true;
        return std::move(*this);
    }
    recorder&& failing_to_exit() && {
        fails_to_exit_ = true;
        return std::move(*this);
    }

    std::string& enter() {
        log_->push_back(name_ + ".enter");
        if (fails_to_enter_) {
            throw error(name_ + ".enter");
        }
        return name_;
    }
    void exit(const withal::outcome& left) {
        log_->push_back(name_ + ".exit " + word_of(left));
        if (fails_to_exit_) {
            throw error(name_ + ".exit");
        }
    }

private:
    events* log_;
    std::string name_;
    bool fails_to_enter_ = false;
    bool fails_to_exit_ = false;
};

/// The same, and answers what it is told to.
class answering {
public:
    answering(events& log, std::string name, withal::verdict answer)
        : log_(&log), name_(std::move(name)), answer_(std::move(answer)) {}

    void enter() { log_->push_back(name_ + ".enter"); }
    withal::verdict exit(const withal::outcome& left) {
        log_->push_back(name_ + ".exit " + word_of(left));
        return answer_;
    }

private:
    events* log_;
    std::string name_;
    withal::verdict answer_;
};

/// Calls f and returns the text of what it throws, "nothing" if it returns.
template <class F>
std::string thrown_by(F&& f) {
    try {
        f();
    } catch (...) {
        return text_of(std::current_exception());
    }
    return "nothing";
}

} // namespace withal_test

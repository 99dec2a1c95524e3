// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/outcome.hpp>
#include <withal/core/testing/allocations.hpp>
#include <withal/core/testing/planned_failure.hpp>
#include <withal/core/testing/words.hpp>
#include <withal/core/verdict.hpp>

#include <string>
#include <utility>
#include <vector>

namespace withal::testing {

/// What happened, in order; tests compare the whole of it.
///
/// **Threads.** A vector: give each thread its own.
using event_log = std::vector<std::string>;

class answering_recorder;

/// A manager that writes down what is done to it, and fails where it is told to.
///
///     testing::event_log log;
///     with(testing::recorder(log, "a"), testing::recorder(log, "b"), [&](auto& a, auto& b) {
///         log.push_back(a + " and " + b);
///     });
///     const bool right = log == testing::event_log{"a.enter", "b.enter", "a and b", "b.exit ok",
///                                                  "a.exit ok"};
///
/// The words are "a.enter" and "a.exit", followed by how the body left (word_of). A call is written
/// down before it fails; the failure is a planned_failure with the text "a.enter" or "a.exit". The
/// body gets the name.
///
/// What a recorder allocates is not counted (allocations.hpp), so that it can stand in a sweep
/// where allocations fail.
///
/// **Threads.** One at a time, and one at a time for all that share a log.
/// **Lifetime.** The log must outlive it.
class recorder {
public:
    recorder(event_log& log, std::string name) : log_(&log), name_(std::move(name)) {}

    /// The same recorder, but its enter() fails.
    [[nodiscard]] recorder failing_to_enter() &&;
    /// The same recorder, but its exit() fails.
    [[nodiscard]] recorder failing_to_exit() &&;
    /// The same recorder, but its exit() answers `answer`: one that may suppress.
    ///
    ///     testing::event_log log;
    ///     const bool completed = static_cast<bool>(
    ///         with(testing::recorder(log, "a").answering(verdict::suppress),
    ///              [](const std::string&) { throw testing::planned_failure("body"); }));
    [[nodiscard]] answering_recorder answering(verdict answer) &&;

    std::string& enter();
    void exit(const outcome& left);

private:
    event_log* log_;
    std::string name_;
    bool fails_to_enter_ = false;
    bool fails_to_exit_ = false;
};

/// What recorder::answering() gives: the exit of a manager that answers is of another type.
class answering_recorder {
public:
    answering_recorder(recorder inner, verdict answer)
        : inner_(std::move(inner)), answer_(std::move(answer)) {}

    std::string& enter() { return inner_.enter(); }
    verdict exit(const outcome& left) {
        inner_.exit(left);
        return answer_;
    }

private:
    recorder inner_;
    verdict answer_;
};

//
// Implementation
//

inline recorder recorder::failing_to_enter() && {
    fails_to_enter_ = true;
    return std::move(*this);
}

inline recorder recorder::failing_to_exit() && {
    fails_to_exit_ = true;
    return std::move(*this);
}

inline answering_recorder recorder::answering(verdict answer) && {
    return {std::move(*this), std::move(answer)};
}

inline std::string& recorder::enter() {
    const uncounted notes;
    log_->push_back(name_ + ".enter");
    if (fails_to_enter_) {
        throw planned_failure(name_ + ".enter");
    }
    return name_;
}

inline void recorder::exit(const outcome& left) {
    const uncounted notes;
    log_->push_back(name_ + ".exit " + testing::word_of(left));
    if (fails_to_exit_) {
        throw planned_failure(name_ + ".exit");
    }
}

} // namespace withal::testing

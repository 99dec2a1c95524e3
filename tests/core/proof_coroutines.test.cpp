// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scope guards that ask std::uncaught_exceptions() whether the work failed are wrong in coroutines,
// which may be resumed or destroyed while another exception is on its way. Here are the situations
// in which such a guard lies, what it says there, and beside it what withal says.
#include <withal/core/exit_stack.hpp>
#include <withal/core/managed.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <coroutine>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include <support/coroutine.hpp>

namespace {

using withal::outcome;
using withal::with;
using withal::testing::planned_failure;
using withal::testing::word_of;
using withal_test::during_unwinding;
using withal_test::hand_driven;

/// How scope_fail and scope_success of the Library Fundamentals TS, Boost.Scope and Folly decide.
class counting_guard {
public:
    explicit counting_guard(std::string* said) : said_(said) {}
    counting_guard(const counting_guard&) = delete;
    counting_guard& operator=(const counting_guard&) = delete;
    ~counting_guard() { *said_ = std::uncaught_exceptions() > exceptions_ ? "failed" : "ok"; }

private:
    std::string* said_;
    int exceptions_ = std::uncaught_exceptions();
};

/// A manager that tells what its exit was told.
struct witness {
    std::string* said;
    void enter() {}
    void exit(const outcome& left) { *said = word_of(left); }
};

enum class fate { succeeds, fails, destroyed };

/// A coroutine that is suspended once: where its two halves run, and how it ends.
struct situation {
    bool begins_unwinding;
    bool ends_unwinding;
    fate ends;
    std::string guard; // what a counting guard in its frame says
};

const std::vector<situation> situations = {
    {false, true, fate::succeeds, "failed"}, // wrong
    {false, true, fate::fails, "failed"},
    {true, false, fate::succeeds, "ok"},
    {true, false, fate::fails, "ok"},      // wrong
    {false, false, fate::destroyed, "ok"}, // wrong
};

struct answers {
    std::string guard = "nothing";
    std::string withal = "nothing";
};

/// Runs a coroutine through a situation and gives back what was said in it.
template <class Work>
answers said_in(const situation& place, Work work) {
    answers said;
    std::optional<hand_driven> running;
    const auto begin = [&] { running = work(&said, place.ends); };
    const auto end = [&] {
        if (place.ends == fate::destroyed) {
            running->destroy();
        } else {
            running->resume();
        }
    };
    place.begins_unwinding ? during_unwinding(begin) : begin();
    EXPECT_EQ(said.guard, "nothing");
    EXPECT_EQ(said.withal, "nothing");
    place.ends_unwinding ? during_unwinding(end) : end();
    if (place.ends != fate::destroyed) {
        EXPECT_TRUE(running->done());
        EXPECT_EQ(running->error() != nullptr, place.ends == fate::fails);
    }
    return said;
}

/// What the guard said of all situations, and how often it was wrong.
void expect_the_guard_to_lie(const std::vector<answers>& said) {
    int wrong = 0;
    for (std::size_t at = 0; at < situations.size(); ++at) {
        EXPECT_EQ(said[at].guard, situations[at].guard) << "situation " << at;
        wrong += (said[at].guard == "ok") != (situations[at].ends == fate::succeeds) ? 1 : 0;
    }
    EXPECT_EQ(wrong, 3);
}

template <class Work>
std::vector<answers> said_in_all(Work work) {
    std::vector<answers> said;
    for (const situation& each : situations) {
        said.push_back(said_in(each, work));
    }
    expect_the_guard_to_lie(said);
    return said;
}

std::vector<std::string> withals(const std::vector<answers>& said) {
    std::vector<std::string> words;
    for (const answers& each : said) {
        words.push_back(each.withal);
    }
    return words;
}

/// with() is a call: what it opens is closed before its coroutine can be suspended again. It has
/// made no claim on what is destroyed before it is reached.
hand_driven works_in_with(answers* said, fate ends) {
    const counting_guard guard(&said->guard);
    co_await std::suspend_always();
    with(witness{&said->withal}, [&] {
        if (ends == fate::fails) {
            throw planned_failure("work");
        }
    });
}

TEST(proof_coroutines, with_tells_the_truth_where_counting_guards_lie) {
    EXPECT_EQ(withals(said_in_all(works_in_with)),
              (std::vector<std::string>{"ok", "threw work", "ok", "threw work", "nothing"}));
}

/// An exit stack may live in the frame. It says success where it is closed, and nowhere else.
hand_driven works_with_a_stack(answers* said, fate ends) {
    const counting_guard guard(&said->guard);
    withal::exit_stack stack;
    stack.enter(witness{&said->withal});
    co_await std::suspend_always();
    if (ends == fate::fails) {
        throw planned_failure("work");
    }
    stack.close();
}

TEST(proof_coroutines, an_exit_stack_in_the_frame_never_claims_success) {
    EXPECT_EQ(withals(said_in_all(works_with_a_stack)),
              (std::vector<std::string>{"ok", "abandoned", "ok", "abandoned", "abandoned"}));
}

/// The same, and the exits are shown the exception.
hand_driven works_with_a_stack_and_shows(answers* said, fate ends) {
    const counting_guard guard(&said->guard);
    withal::exit_stack stack;
    stack.enter(witness{&said->withal});
    co_await std::suspend_always();
    try {
        if (ends == fate::fails) {
            throw planned_failure("work");
        }
    } catch (...) {
        stack.close(outcome::failure(std::current_exception()));
        throw;
    }
    stack.close();
}

TEST(proof_coroutines, an_exit_stack_in_the_frame_shows_what_it_is_told) {
    EXPECT_EQ(withals(said_in_all(works_with_a_stack_and_shows)),
              (std::vector<std::string>{"ok", "threw work", "ok", "threw work", "abandoned"}));
}

/// A generator-written manager is such a coroutine itself: suspended from its enter to its exit.
/// The guard lies in its frame too; the code around the co_yield is told the truth.
withal::managed<void> generator(answers* said) {
    const counting_guard guard(&said->guard);
    withal::exit_stack stack;
    stack.enter(witness{&said->withal});
    try {
        co_yield withal::nothing;
    } catch (...) {
        stack.close(outcome::failure(std::current_exception()));
        throw;
    }
    stack.close();
}

/// Enters a generator in one place and exits it in another.
class generator_driver {
public:
    explicit generator_driver(answers* said) { stack_.enter(generator(said)); }
    void end(fate how) {
        if (how == fate::destroyed) {
            withal::exit_stack gone = stack_.pop_all();
            gone.release(gone.top());
        } else if (how == fate::fails) {
            stack_.close(outcome::failure(std::make_exception_ptr(planned_failure("work"))));
        } else {
            stack_.close();
        }
    }

private:
    withal::exit_stack stack_;
};

TEST(proof_coroutines, a_generator_is_told_the_truth_where_a_guard_in_it_lies) {
    std::vector<answers> said;
    for (const situation& place : situations) {
        answers& here = said.emplace_back();
        std::optional<generator_driver> running;
        const auto begin = [&] { running.emplace(&here); };
        const auto end = [&] { running->end(place.ends); };
        place.begins_unwinding ? during_unwinding(begin) : begin();
        EXPECT_EQ(here.withal, "nothing");
        place.ends_unwinding ? during_unwinding(end) : end();
    }
    expect_the_guard_to_lie(said);
    EXPECT_EQ(withals(said),
              (std::vector<std::string>{"ok", "threw work", "ok", "threw work", "abandoned"}));
}

} // namespace

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/error.hpp>
#include <withal/core/testing/planned_failure.hpp>
#include <withal/core/testing/recorder.hpp>
#include <withal/core/testing/words.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <string>
#include <system_error>
#include <vector>

namespace {

using withal::outcome;
using withal::with;
using withal::testing::event_log;
using withal::testing::planned_failure;
using withal::testing::text_of;
using withal::testing::texts_of;
using withal::testing::thrown_by;
using withal::testing::word_of;

TEST(words, are_the_text_of_an_exception_an_int_or_nothing) {
    struct odd {};
    EXPECT_EQ(text_of(std::make_exception_ptr(planned_failure("body"))), "body");
    EXPECT_EQ(text_of(std::make_exception_ptr(42)), "42");
    EXPECT_EQ(text_of(std::make_exception_ptr(odd())), "unknown");
    EXPECT_EQ(text_of(nullptr), "null");
}

TEST(words, leave_the_exception_being_handled_as_it_is) {
    try {
        throw planned_failure("outer");
    } catch (...) {
        EXPECT_EQ(text_of(std::make_exception_ptr(42)), "42");
        EXPECT_EQ(text_of(std::current_exception()), "outer");
    }
}

TEST(words, of_a_list_come_in_its_order) {
    const std::vector<std::exception_ptr> errors{std::make_exception_ptr(planned_failure("a")),
                                                 std::make_exception_ptr(2)};
    EXPECT_EQ(texts_of(errors), (event_log{"a", "2"}));
    EXPECT_EQ(texts_of(withal::secondary_errors(nullptr)), event_log{});
}

TEST(words, tell_every_outcome_apart) {
    struct notes {
        std::string* word;
        void enter() {}
        void exit(const outcome& left) { *word = word_of(left); }
    };
    EXPECT_EQ(word_of(outcome::success()), "ok");
    EXPECT_EQ(word_of(outcome::failure(std::make_exception_ptr(42))), "threw 42");
    std::string word;
    static_cast<void>(with(notes{&word}, [] { return std::make_error_code(std::errc::io_error); }));
    EXPECT_EQ(word, "failed");
}

TEST(words, say_what_a_call_throws) {
    EXPECT_EQ(thrown_by([] { throw planned_failure("x"); }), "x");
    EXPECT_EQ(thrown_by([] { throw 7; }), "7");
    EXPECT_EQ(thrown_by([] {}), "nothing");
}

TEST(words, move_a_call_that_can_be_made_once) {
    struct once {
        void operator()() && { throw planned_failure("once"); }
    };
    EXPECT_EQ(thrown_by(once()), "once");
}

} // namespace

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/adapt.hpp>

#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace {

using withal::outcome;
using withal::secondary_errors;
using withal::verdict;
using withal::with;
using withal::testing::answering_recorder;
using withal::testing::event_log;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::text_of;
using withal::testing::texts_of;
using withal::testing::thrown_by;

// --- closing ---

struct connection {
    event_log* log;
    bool fails = false;
    int close() {
        log->push_back("close");
        if (fails) {
            throw planned_failure("close");
        }
        return 0;
    }
    void hang_up() noexcept { log->push_back("hang up"); }
};

TEST(closing, closes_an_lvalue_in_place_and_owns_an_rvalue) {
    event_log log;
    connection line{&log};
    with(withal::closing(line), [&](connection& c) { EXPECT_EQ(&c, &line); });
    with(withal::closing(connection{&log}), [](connection&) {});
    with(withal::closing(std::make_unique<int>(1),
                         [&](auto& p) { log.push_back(std::to_string(*p)); }),
         [](std::unique_ptr<int>&) {});
    EXPECT_EQ(log, (event_log{"close", "close", "1"}));
}

TEST(closing, calls_another_member_or_a_function) {
    event_log log;
    connection line{&log};
    with(withal::closing(line, &connection::hang_up), [](connection&) {});
    with(withal::closing(line, [](connection& c) { c.hang_up(); }), [](connection&) {});
    EXPECT_EQ(log, (event_log{"hang up", "hang up"}));
}

TEST(closing, closes_when_the_body_throws_and_a_close_that_fails_is_secondary) {
    event_log log;
    connection line{&log, true};
    try {
        with(withal::closing(line), [](connection&) { throw planned_failure("body"); });
        FAIL();
    } catch (const planned_failure& e) {
        EXPECT_STREQ(e.what(), "body");
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"close"}));
    }
    EXPECT_EQ(thrown_by([&] { with(withal::closing(line), [](connection&) {}); }), "close");
}

// --- suppress ---

TEST(suppress, ends_the_types_it_names_and_what_derives_from_them) {
    EXPECT_FALSE(with(withal::suppress<std::runtime_error>(), [] { throw planned_failure("x"); }));
    EXPECT_FALSE(with(withal::suppress<int, std::logic_error>(), [] { throw 3; }));
    EXPECT_TRUE(with(withal::suppress<int>(), [] {}));
    EXPECT_EQ(thrown_by([] {
                  static_cast<void>(with(withal::suppress<std::logic_error>(),
                                         [] { throw planned_failure("other"); }));
              }),
              "other");
}

TEST(suppress, asks_its_predicate) {
    const auto only_missing = [](const std::system_error& e) {
        return e.code() == std::errc::no_such_file_or_directory;
    };
    const auto raise = [](std::errc code) {
        return [code] { throw std::system_error(std::make_error_code(code)); };
    };
    EXPECT_FALSE(with(withal::suppress<std::system_error>(only_missing),
                      raise(std::errc::no_such_file_or_directory)));
    EXPECT_THROW(static_cast<void>(with(withal::suppress<std::system_error>(only_missing),
                                        raise(std::errc::io_error))),
                 std::system_error);
}

TEST(suppress, whose_predicate_throws_keeps_the_bodys_error) {
    try {
        static_cast<void>(
            with(withal::suppress<int>([](int) -> bool { throw planned_failure("predicate"); }),
                 [] { throw 5; }));
        FAIL();
    } catch (int number) {
        EXPECT_EQ(number, 5);
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"predicate"}));
    }
}

TEST(suppress, remembers_what_it_swallowed) {
    auto ignoring = withal::suppress<planned_failure>();
    EXPECT_EQ(ignoring.swallowed(), nullptr);
    EXPECT_FALSE(with(ignoring, [] { throw planned_failure("gone"); }));
    EXPECT_EQ(text_of(ignoring.swallowed()), "gone");
    static_assert(withal::reuse_of<decltype(ignoring)> == withal::reuse::reentrant);
}

// --- null_context and when ---

TEST(null_context, hands_its_value_over) {
    int number = 4;
    with(withal::null_context(number), [&](int& n) { EXPECT_EQ(&n, &number); });
    EXPECT_EQ(with(withal::null_context(std::string("kept")), [](auto& s) { return s; }), "kept");
    EXPECT_EQ(with(withal::null_context(), [] { return 1; }), 1);
}

TEST(when, enters_only_on_the_condition) {
    event_log log;
    std::mutex mutex;
    with(withal::when(true, mutex), [&] { EXPECT_FALSE(mutex.try_lock()); });
    with(withal::when(false, mutex), [&] {
        EXPECT_TRUE(mutex.try_lock());
        mutex.unlock();
    });
    with(withal::when(false, recorder(log, "a")), [](std::string* s) { EXPECT_EQ(s, nullptr); });
    EXPECT_TRUE(log.empty());
    with(withal::when(true, recorder(log, "a")), [](std::string* s) { EXPECT_EQ(*s, "a"); });
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok"}));
}

TEST(when, gives_an_optional_for_a_manager_that_enters_to_a_value) {
    struct gives {
        int enter() { return 7; }
        void exit() {}
    };
    EXPECT_EQ(with(withal::when(true, gives{}), [](std::optional<int>& n) { return *n; }), 7);
    EXPECT_FALSE(with(withal::when(false, gives{}), [](auto& n) { return n.has_value(); }));
}

TEST(when, suppresses_only_if_its_manager_was_entered) {
    event_log log;
    EXPECT_FALSE(with(withal::when(true, recorder(log, "a").answering(verdict::suppress)),
                      [](auto&) { throw planned_failure("x"); }));
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(
                      with(withal::when(false, recorder(log, "b").answering(verdict::suppress)),
                           [](auto&) { throw planned_failure("x"); }));
              }),
              "x");
    static_assert(!withal::may_suppress<withal::when_manager<recorder>>);
}

// --- on_exit, on_fail, on_success ---

TEST(on_exit, runs_each_action_on_its_own_kind_of_end) {
    for (const bool failing : {false, true}) {
        event_log log;
        static_cast<void>(
            withal::try_with(withal::on_exit([&] { log.push_back("exit"); }),
                             withal::on_fail([&](const outcome& left) {
                                 log.push_back(withal::testing::word_of(left));
                             }),
                             withal::on_success([&]() noexcept { log.push_back("success"); }),
                             [&] {
                                 if (failing) {
                                     throw planned_failure("x");
                                 }
                             }));
        EXPECT_EQ(log, failing ? (event_log{"threw x", "exit"}) : (event_log{"success", "exit"}));
    }
}

TEST(on_exit, takes_a_failure_value_for_a_failure) {
    event_log log;
    static_cast<void>(with(withal::on_fail([&] { log.push_back("fail"); }),
                           withal::on_success([&] { log.push_back("success"); }),
                           [] { return std::make_error_code(std::errc::io_error); }));
    EXPECT_EQ(log, (event_log{"fail"}));
}

TEST(on_exit, can_be_called_off_until_the_next_enter) {
    int calls = 0;
    auto undo = withal::on_exit([&] { ++calls; });
    with(undo, [&] { undo.dismiss(); });
    EXPECT_EQ(calls, 0);
    with(undo, [] {});
    EXPECT_EQ(calls, 1);
}

TEST(on_exit, that_throws_is_a_failed_exit) {
    EXPECT_EQ(
        thrown_by([] { with(withal::on_exit([] { throw planned_failure("action"); }), [] {}); }),
        "action");
}

// --- as_manager ---

struct raii {
    explicit raii(event_log& to) : log(&to) { log->push_back("made"); }
    raii(const raii&) = delete;
    raii& operator=(const raii&) = delete;
    ~raii() { log->push_back("destroyed"); }
    event_log* log;
};

TEST(as_manager, makes_an_immovable_object_and_destroys_it) {
    event_log log;
    auto making = withal::as_manager([&] { return raii(log); });
    for (int n = 0; n < 2; ++n) {
        with(making, [&](raii& object) { object.log->push_back("body"); });
    }
    EXPECT_EQ(log, (event_log{"made", "body", "destroyed", "made", "body", "destroyed"}));
}

TEST(as_manager, passes_an_error_of_the_factory_and_has_nothing_to_destroy_then) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(withal::as_manager([&]() -> raii { throw planned_failure("factory"); }),
                       [](raii&) { FAIL(); });
              }),
              "factory");
    EXPECT_TRUE(log.empty());
}

TEST(as_manager, says_that_it_is_entered_already) {
    event_log log;
    auto making = withal::as_manager([&] { return raii(log); });
    with(making,
         [&](raii&) { EXPECT_THROW(with(making, [](raii&) { FAIL(); }), withal::logic_error); });
    EXPECT_EQ(log, (event_log{"made", "destroyed"}));
}

// --- all ---

TEST(all, enters_and_exits_in_order_and_gives_the_resources_as_a_tuple) {
    event_log log;
    auto both = withal::all(
        recorder(log, "a"), withal::on_exit([&] { log.push_back("action"); }), recorder(log, "c"));
    static_assert(
        std::is_same_v<withal::entered_t<decltype(both)>, std::tuple<std::string&, std::string&>>);
    for (int n = 0; n < 2; ++n) {
        with(both, [&](auto& resources) {
            auto& [a, c] = resources;
            log.push_back(a + c);
        });
    }
    const event_log once{"a.enter", "c.enter", "ac", "c.exit ok", "action", "a.exit ok"};
    event_log twice = once;
    twice.insert(twice.end(), once.begin(), once.end());
    EXPECT_EQ(log, twice);
}

TEST(all, of_void_managers_enters_to_void) {
    std::mutex one;
    std::mutex two;
    with(withal::all(one, two), [&] { EXPECT_FALSE(two.try_lock()); });
    EXPECT_TRUE(two.try_lock());
    two.unlock();
}

TEST(all, keeps_the_bodys_error_and_the_cleanups_innermost_first) {
    event_log log;
    try {
        with(
            withal::all(recorder(log, "a").failing_to_exit(), recorder(log, "b").failing_to_exit()),
            [](auto&) { throw planned_failure("body"); });
        FAIL();
    } catch (const planned_failure& e) {
        EXPECT_STREQ(e.what(), "body");
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"b.exit", "a.exit"}));
    }
}

TEST(all, throws_the_first_failing_exits_error_after_a_success) {
    event_log log;
    try {
        with(
            withal::all(recorder(log, "a").failing_to_exit(), recorder(log, "b").failing_to_exit()),
            [](auto&) {});
        FAIL();
    } catch (const planned_failure& e) {
        EXPECT_STREQ(e.what(), "b.exit");
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"a.exit"}));
    }
    EXPECT_EQ(log.back(), "a.exit threw b.exit");
}

TEST(all, exits_those_before_an_enter_that_failed) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(withal::all(recorder(log, "a"), recorder(log, "b").failing_to_enter()),
                       [](auto&) { FAIL(); });
              }),
              "b.enter");
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "a.exit threw b.enter"}));
}

TEST(all, may_suppress_and_replace_if_one_of_them_may) {
    event_log log;
    static_assert(!withal::may_suppress<withal::all_manager<recorder, recorder>>);
    static_assert(withal::may_suppress<withal::all_manager<recorder, answering_recorder>>);
    EXPECT_FALSE(
        with(withal::all(recorder(log, "a"), recorder(log, "b").answering(verdict::suppress)),
             [](auto&) { throw planned_failure("body"); }));
    EXPECT_EQ(log.back(), "a.exit ok");
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(with(withal::all(recorder(log, "b").answering(verdict::replace(
                                             std::make_exception_ptr(planned_failure("new"))))),
                                         [](auto&) { throw planned_failure("body"); }));
              }),
              "new");
}

TEST(all, shows_a_failure_value_to_every_one) {
    event_log log;
    static_cast<void>(with(withal::all(recorder(log, "a"), recorder(log, "b")),
                           [](auto&) { return std::make_error_code(std::errc::io_error); }));
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "b.exit failed", "a.exit failed"}));
}

TEST(all, shows_those_before_a_failed_enter_that_error_and_lets_none_suppress_it) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(
                      with(withal::all(recorder(log, "a"),
                                       recorder(log, "b").answering(verdict::suppress),
                                       recorder(log, "c").failing_to_enter()),
                           [](auto&) { FAIL(); }));
              }),
              "c.enter");
    EXPECT_EQ(
        log,
        (event_log{
            "a.enter", "b.enter", "c.enter", "b.exit threw c.enter", "a.exit threw c.enter"}));
}

TEST(all, lets_a_translation_of_a_failed_enter_go_on) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(
                      with(withal::all(recorder(log, "a").answering(verdict::replace(
                                           std::make_exception_ptr(planned_failure("new")))),
                                       recorder(log, "b").failing_to_enter()),
                           [](auto&) { FAIL(); }));
              }),
              "new");
}

TEST(all, says_that_it_is_entered_already) {
    event_log log;
    auto both = withal::all(recorder(log, "a"), recorder(log, "b"));
    with(both,
         [&](auto&) { EXPECT_THROW(with(both, [](auto&) { FAIL(); }), withal::logic_error); });
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "b.exit ok", "a.exit ok"}));
}

TEST(all, shows_a_cancellation_as_one) {
    event_log log;
    auto both = withal::all(recorder(log, "a"), recorder(log, "b"));
    both.enter();
    both.exit(withal::detail::outcome_access::cancelled(
        std::make_exception_ptr(planned_failure("stop"))));
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "b.exit cancelled", "a.exit cancelled"}));
}

struct throws_when_moved {
    throws_when_moved() = default;
    throws_when_moved(throws_when_moved&&) { throw planned_failure("moved"); } // NOLINT: may throw
};

TEST(when, never_moves_the_resource) {
    int exited = 0;
    struct gives {
        int* exited;
        throws_when_moved enter() { return {}; }
        void exit() { ++*exited; }
    };
    struct gives_immovable {
        std::mutex enter() { return {}; }
        void exit() {}
    };
    with(withal::when(true, gives{&exited}),
         [](std::optional<throws_when_moved>& held) { EXPECT_TRUE(held); });
    EXPECT_EQ(exited, 1);
    with(withal::when(true, gives_immovable{}), [](auto& mutex) { EXPECT_TRUE(mutex); });
}

/// RAII that rolls back if it dies by an exception, as database transactions do.
struct asking_raii {
    event_log* log;
    int before = std::uncaught_exceptions();
    explicit asking_raii(event_log& to) : log(&to) {}
    asking_raii(const asking_raii&) = delete;
    asking_raii& operator=(const asking_raii&) = delete;
    ~asking_raii() { log->push_back(std::uncaught_exceptions() > before ? "roll back" : "commit"); }
};

TEST(as_manager, lets_a_destructor_see_that_an_exception_is_on_its_way) {
    for (const bool failing : {false, true}) {
        event_log log;
        const auto make = [&] { return asking_raii(log); };
        const auto body = [&] {
            if (failing) {
                throw planned_failure("body");
            }
        };
        static_cast<void>(withal::try_with(withal::as_manager(make), [&](auto&) { body(); }));
        static_cast<void>(withal::try_with(
            withal::on_exit([] {}), withal::as_manager(make), withal::on_exit([] {}), [&](auto&) {
                body();
            }));
        EXPECT_EQ(
            log, failing ? (event_log{"roll back", "roll back"}) : (event_log{"commit", "commit"}));
    }
}

TEST(all, is_not_moved_while_it_is_entered) {
    auto both = withal::all(withal::null_context(1), withal::null_context(2));
    withal::with(both, [&](auto&) {
        EXPECT_THROW(const auto moved = std::move(both), withal::logic_error);
    });
    const auto moved = std::move(both);
    static_cast<void>(moved);
}

TEST(as_manager, is_not_moved_while_it_holds_its_object) {
    auto manager = withal::as_manager([] { return 7; });
    withal::with(manager, [&](int& held) {
        EXPECT_EQ(held, 7);
        EXPECT_THROW(const auto moved = std::move(manager), withal::logic_error);
    });
    auto moved = std::move(manager);
    EXPECT_EQ(withal::with(moved, [](int& held) { return held; }), 7);
}

} // namespace

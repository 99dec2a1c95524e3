// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/with.hpp>

#include <withal/core/null_context.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/suppress.hpp>
#include <withal/core/testing.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace {

using withal::both_failed;
using withal::outcome;
using withal::secondary_errors;
using withal::verdict;
using withal::with;
using withal::testing::event_log;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::text_of;
using withal::testing::texts_of;
using withal::testing::thrown_by;

/// A manager whose exit neither throws nor asks: run without a handler.
struct quiet {
    event_log* log;
    std::string name;
    std::string& enter() {
        log->push_back(name + ".enter");
        return name;
    }
    void exit() noexcept { log->push_back(name + ".exit"); }
};

/// A manager whose exit asks and does not throw: the body's result is made in place.
struct quiet_asking {
    event_log* log;
    std::string name;
    void enter() { log->push_back(name + ".enter"); }
    void exit(const outcome& left) noexcept {
        log->push_back(name + ".exit " + withal::testing::word_of(left));
    }
};

// --- order ---

TEST(with, enters_left_to_right_and_exits_right_to_left) {
    event_log log;
    const int value = with(recorder(log, "a"),
                           recorder(log, "b"),
                           recorder(log, "c"),
                           [&](std::string& a, std::string& b, std::string& c) {
                               log.push_back(a + b + c);
                               return 7;
                           });
    EXPECT_EQ(value, 7);
    EXPECT_EQ(
        log,
        (event_log{"a.enter", "b.enter", "c.enter", "abc", "c.exit ok", "b.exit ok", "a.exit ok"}));
}

TEST(with, shows_every_exit_the_exception_and_lets_the_same_object_go_on) {
    event_log log;
    const auto thrown = std::make_exception_ptr(planned_failure("body"));
    std::exception_ptr caught;
    try {
        with(recorder(log, "a"), recorder(log, "b"), [&](auto&, auto&) {
            std::rethrow_exception(thrown);
        });
    } catch (...) {
        caught = std::current_exception();
    }
    EXPECT_EQ(caught, thrown);
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "b.exit threw body", "a.exit threw body"}));
}

TEST(with, takes_any_number_of_managers) {
    event_log log;
    const std::string all = with(
        quiet{&log, "a"},
        recorder(log, "b"),
        quiet{&log, "c"},
        recorder(log, "d"),
        quiet_asking{&log, "e"},
        quiet{&log, "f"},
        recorder(log, "g"),
        [](auto& a, auto& b, auto& c, auto& d, auto& f, auto& g) { return a + b + c + d + f + g; });
    EXPECT_EQ(all, "abcdfg");
    EXPECT_EQ(log.size(), 14U);
    EXPECT_EQ(log.back(), "a.exit");
}

TEST(with, passes_the_resources_as_lvalues_and_leaves_void_ones_out) {
    struct gives_value {
        int enter() { return 1; }
        void exit() {}
    };
    struct gives_void {
        void enter() {}
        void exit() {}
    };
    struct gives_move_only {
        std::unique_ptr<int> enter() { return std::make_unique<int>(3); }
        void exit() {}
    };
    struct gives_immovable {
        std::mutex enter() { return {}; }
        void exit() {}
    };
    const int sum = with(gives_value{},
                         gives_void{},
                         gives_move_only{},
                         gives_immovable{},
                         [](int& a, std::unique_ptr<int>& b, std::mutex& m) {
                             const std::lock_guard<std::mutex> lock(m);
                             return a + *b;
                         });
    EXPECT_EQ(sum, 4);
}

TEST(with, passes_a_returned_reference_on_and_copies_nothing) {
    static int number = 0;
    struct lends {
        int& enter() { return number; }
        void exit() {}
    };
    with(lends{}, [](int& n) { EXPECT_EQ(&n, &number); });
}

TEST(with, uses_an_lvalue_manager_in_place) {
    struct counts {
        int entered = 0;
        int exited = 0;
        void enter() { ++entered; }
        void exit() { ++exited; }
    };
    counts m;
    with(m, [&] {
        EXPECT_EQ(m.entered, 1);
        EXPECT_EQ(m.exited, 0);
    });
    with(m, [] {});
    EXPECT_EQ(m.entered, 2);
    EXPECT_EQ(m.exited, 2);
}

TEST(with, enters_a_const_manager_whose_members_allow_it) {
    struct constant {
        int enter() const { return 5; }
        void exit() const {}
    };
    const constant m{};
    EXPECT_EQ(with(m, [](int& n) { return n; }), 5);
}

TEST(with, moves_a_move_only_body_in) {
    event_log log;
    EXPECT_EQ(with(recorder(log, "a"), [p = std::make_unique<int>(3)](auto&) { return *p; }), 3);
}

TEST(with, runs_a_mutable_body_that_is_an_lvalue_in_place) {
    event_log log;
    auto body = [calls = 0](auto&) mutable { return ++calls; };
    EXPECT_EQ(with(recorder(log, "a"), body), 1);
    EXPECT_EQ(with(recorder(log, "a"), body), 2);
}

TEST(with, nests) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(recorder(log, "outer"), [&](auto&) {
                      with(recorder(log, "inner"), [](auto&) { throw planned_failure("body"); });
                  });
              }),
              "body");
    EXPECT_EQ(log,
              (event_log{
                  "outer.enter", "inner.enter", "inner.exit threw body", "outer.exit threw body"}));
}

// --- failing to enter ---

TEST(with, does_not_exit_what_was_not_entered) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(recorder(log, "a"),
                       recorder(log, "b").failing_to_enter(),
                       recorder(log, "c"),
                       [&](auto&, auto&, auto&) { log.push_back("body"); });
              }),
              "b.enter");
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "a.exit threw b.enter"}));
}

TEST(with, exits_the_first_k_when_the_enter_of_the_next_throws_for_every_k_of_five) {
    for (int failing = 0; failing < 5; ++failing) {
        event_log log;
        event_log expected;
        auto at = [&](int n) {
            recorder made(log, std::string(1, static_cast<char>('a' + n)));
            return n == failing ? std::move(made).failing_to_enter() : std::move(made);
        };
        const std::string failed(1, static_cast<char>('a' + failing));
        for (int n = 0; n <= failing; ++n) {
            expected.push_back(std::string(1, static_cast<char>('a' + n)) + ".enter");
        }
        for (int n = failing - 1; n >= 0; --n) {
            expected.push_back(std::string(1, static_cast<char>('a' + n)) + ".exit threw " +
                               failed + ".enter");
        }
        EXPECT_EQ(thrown_by([&] {
                      with(
                          at(0), at(1), at(2), at(3), at(4), [](auto&, auto&, auto&, auto&, auto&) {
                              FAIL();
                          });
                  }),
                  failed + ".enter");
        EXPECT_EQ(log, expected);
    }
}

TEST(with, exits_quiet_managers_when_a_later_enter_throws) {
    struct refuses {
        void enter() { throw planned_failure("no"); }
        void exit() noexcept {}
    };
    event_log log;
    EXPECT_EQ(thrown_by([&] { with(quiet{&log, "a"}, refuses{}, [](auto&) { FAIL(); }); }), "no");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit"}));
    log.clear();
    EXPECT_EQ(thrown_by([&] { with(quiet_asking{&log, "a"}, refuses{}, [] { FAIL(); }); }), "no");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit threw no"}));
}

// --- failing to exit ---

TEST(with, exits_once_when_exit_throws) {
    event_log log;
    EXPECT_EQ(
        thrown_by([&] { with(recorder(log, "a").failing_to_exit(), [](auto&) { return 1; }); }),
        "a.exit");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok"}));
}

TEST(with, throws_the_first_failing_exits_error_after_a_success_and_keeps_the_later_ones) {
    event_log log;
    try {
        with(recorder(log, "a").failing_to_exit(),
             recorder(log, "b"),
             recorder(log, "c").failing_to_exit(),
             [](auto&, auto&, auto&) {});
        FAIL();
    } catch (const planned_failure& e) {
        EXPECT_STREQ(e.what(), "c.exit");
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"a.exit"}));
    }
    EXPECT_EQ(log,
              (event_log{"a.enter",
                         "b.enter",
                         "c.enter",
                         "c.exit ok",
                         "b.exit threw c.exit",
                         "a.exit threw c.exit"}));
}

struct coded_error : std::runtime_error {
    coded_error() : std::runtime_error("coded") {}
    int code = 17;
};

TEST(with, keeps_the_bodys_exception_and_all_cleanup_errors_innermost_first) {
    event_log log;
    for (int failing = 0; failing <= 8; ++failing) {
        auto at = [&](int n) {
            recorder made(log, std::string(1, static_cast<char>('a' + n)));
            return n < failing ? std::move(made).failing_to_exit() : std::move(made);
        };
        try {
            with(at(7),
                 at(6),
                 at(5),
                 at(4),
                 at(3),
                 at(2),
                 at(1),
                 at(0),
                 [](auto&, auto&, auto&, auto&, auto&, auto&, auto&, auto&) {
                     throw coded_error();
                 });
            FAIL();
        } catch (const coded_error& e) {
            EXPECT_EQ(e.code, 17);
            event_log expected;
            for (int n = 0; n < failing; ++n) {
                expected.push_back(std::string(1, static_cast<char>('a' + n)) + ".exit");
            }
            EXPECT_EQ(texts_of(secondary_errors()), expected);
        }
    }
}

TEST(with, shows_an_exit_the_errors_of_the_exits_before_it) {
    struct looks {
        event_log* seen;
        void enter() {}
        void exit(const outcome& left) { *seen = texts_of(left.secondary()); }
    };
    event_log log;
    event_log seen;
    EXPECT_EQ(thrown_by([&] {
                  with(looks{&seen}, recorder(log, "b").failing_to_exit(), [](auto&) {
                      throw planned_failure("body");
                  });
              }),
              "body");
    EXPECT_EQ(seen, (event_log{"b.exit"}));
}

TEST(with, takes_an_exit_that_rethrows_what_it_was_shown_for_one_that_propagates) {
    struct rethrows {
        void enter() {}
        void exit(const outcome& left) {
            if (left.threw()) {
                std::rethrow_exception(left.exception());
            }
        }
    };
    try {
        with(rethrows{}, [] { throw planned_failure("body"); });
        FAIL();
    } catch (const planned_failure& e) {
        EXPECT_STREQ(e.what(), "body");
        EXPECT_TRUE(secondary_errors().empty());
    }
}

TEST(with, passes_exceptions_that_are_no_std_exceptions) {
    event_log log;
    try {
        with(recorder(log, "a").failing_to_exit(), [](auto&) { throw 42; });
        FAIL();
    } catch (int number) {
        EXPECT_EQ(number, 42);
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"a.exit"}));
    }
}

// --- policies ---

TEST(with_replace, lets_the_exits_error_go_on_over_the_bodys) {
    event_log log;
    try {
        with<both_failed::replace>(recorder(log, "a").failing_to_exit(),
                                   recorder(log, "b").failing_to_exit(),
                                   [](auto&, auto&) { throw planned_failure("body"); });
        FAIL();
    } catch (const planned_failure& e) {
        EXPECT_STREQ(e.what(), "a.exit");
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"b.exit", "body"}));
    }
    EXPECT_EQ(log.back(), "a.exit threw b.exit");
}

TEST(with_group, throws_all_errors_as_one_the_bodys_first) {
    event_log log;
    try {
        with<both_failed::group>(recorder(log, "a").failing_to_exit(),
                                 recorder(log, "b"),
                                 recorder(log, "c").failing_to_exit(),
                                 [](auto&, auto&, auto&) { throw planned_failure("body"); });
        FAIL();
    } catch (const withal::error_group& group) {
        EXPECT_EQ(texts_of(group.errors()), (event_log{"body", "c.exit", "a.exit"}));
    }
}

TEST(with_group, throws_a_single_error_as_it_is) {
    event_log log;
    EXPECT_THROW(with<both_failed::group>(recorder(log, "a"), [](auto&) { throw coded_error(); }),
                 coded_error);
    EXPECT_THROW(with<both_failed::group>(recorder(log, "a").failing_to_exit(), [](auto&) {}),
                 planned_failure);
}

TEST(with_terminate, ends_the_process_when_both_fail) {
    event_log log;
    EXPECT_DEATH(with<both_failed::terminate>(recorder(log, "a").failing_to_exit(),
                                              [](auto&) { throw planned_failure("body"); }),
                 "");
    EXPECT_EQ(thrown_by([&] {
                  with<both_failed::terminate>(recorder(log, "a").failing_to_exit(), [](auto&) {});
              }),
              "a.exit");
}

// --- results ---

struct nothing_to_do {
    void enter() noexcept {}
    void exit() noexcept {}
};
struct may_fail {
    void enter() {}
    void exit() {}
};
struct swallows {
    void enter() {}
    verdict exit(const outcome&) { return verdict::suppress; }
};
struct immovable {
    explicit immovable(int n) : number(n) {}
    immovable(const immovable&) = delete;
    immovable& operator=(const immovable&) = delete;
    int number;
};

TEST(with, returns_exactly_what_the_body_returns) {
    static int number = 5;
    auto gives_int = [] { return 1; };
    auto gives_ref = []() -> int& { return number; };
    auto gives_void = [] {};
    static_assert(std::is_same_v<decltype(with(may_fail{}, gives_int)), int>);
    static_assert(std::is_same_v<decltype(with(may_fail{}, gives_ref)), int&>);
    static_assert(std::is_same_v<decltype(with(may_fail{}, gives_void)), void>);
    static_assert(std::is_same_v<decltype(with(nothing_to_do{}, gives_ref)), int&>);
    EXPECT_EQ(&with(may_fail{}, gives_ref), &number);
    EXPECT_EQ(&with(nothing_to_do{}, gives_ref), &number);
    EXPECT_EQ(with(may_fail{}, [] { return std::make_unique<int>(3); }).operator*(), 3);
}

TEST(with, makes_an_immovable_result_in_place_where_exits_are_noexcept) {
    event_log log;
    EXPECT_EQ(with(nothing_to_do{}, [] { return immovable(1); }).number, 1);
    EXPECT_EQ(with(quiet_asking{&log, "a"}, [] { return immovable(2); }).number, 2);
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok"}));
    log.clear();
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(with(quiet_asking{&log, "a"},
                                         []() -> immovable { throw planned_failure("body"); }));
              }),
              "body");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit threw body"}));
}

TEST(with, returns_an_optional_a_pointer_or_completed_where_a_manager_may_suppress) {
    static int number = 5;
    auto gives_int = [] { return 1; };
    auto gives_ref = []() -> int& { return number; };
    auto gives_void = [] {};
    static_assert(std::is_same_v<decltype(with(swallows{}, gives_int)), std::optional<int>>);
    static_assert(std::is_same_v<decltype(with(swallows{}, gives_ref)), int*>);
    static_assert(std::is_same_v<decltype(with(swallows{}, gives_void)), withal::completed>);
    static_assert(
        std::is_same_v<decltype(with(may_fail{}, swallows{}, gives_int)), std::optional<int>>);
    EXPECT_EQ(with(swallows{}, gives_int), 1);
    EXPECT_EQ(with(swallows{}, gives_ref), &number);
    EXPECT_TRUE(with(swallows{}, gives_void));
    EXPECT_EQ(with(swallows{}, []() -> int { throw planned_failure("x"); }), std::nullopt);
    EXPECT_EQ(with(swallows{}, []() -> int& { throw planned_failure("x"); }), nullptr);
    EXPECT_FALSE(with(swallows{}, [] { throw planned_failure("x"); }));
}

TEST(with, destroys_a_result_that_is_dropped_because_an_exit_failed) {
    event_log log;
    std::weak_ptr<int> watch;
    EXPECT_EQ(thrown_by([&] {
                  with(recorder(log, "a").failing_to_exit(), [&](auto&) {
                      auto made = std::make_shared<int>(1);
                      watch = made;
                      return made;
                  });
              }),
              "a.exit");
    EXPECT_TRUE(watch.expired());
}

// --- suppression ---

TEST(with, shows_the_exits_outside_a_suppression_a_success) {
    event_log log;
    const auto value = with(recorder(log, "a"),
                            recorder(log, "b").answering(verdict::suppress),
                            recorder(log, "c"),
                            [](auto&, auto&, auto&) -> int { throw planned_failure("body"); });
    EXPECT_FALSE(value.has_value());
    EXPECT_EQ(log,
              (event_log{"a.enter",
                         "b.enter",
                         "c.enter",
                         "c.exit threw body",
                         "b.exit threw body",
                         "a.exit ok"}));
}

TEST(with, lets_an_error_after_a_suppression_go_on_alone) {
    event_log log;
    try {
        static_cast<void>(with(recorder(log, "a").failing_to_exit(),
                               recorder(log, "b").answering(verdict::suppress),
                               [](auto&, auto&) { throw planned_failure("body"); }));
        FAIL();
    } catch (const planned_failure& e) {
        EXPECT_STREQ(e.what(), "a.exit");
        EXPECT_TRUE(secondary_errors().empty());
    }
}

TEST(with, lets_an_outer_manager_suppress_the_enter_error_of_an_inner_one) {
    event_log log;
    const auto ran = with(recorder(log, "a").answering(verdict::suppress),
                          recorder(log, "b").failing_to_enter(),
                          [](auto&, auto&) { FAIL(); });
    EXPECT_FALSE(ran);
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "a.exit threw b.enter"}));
}

TEST(with, ignores_a_suppress_verdict_after_success) {
    event_log log;
    EXPECT_EQ(with(recorder(log, "a").answering(verdict::suppress), [](auto&) { return 3; }), 3);
}

TEST(with, lets_a_replacement_go_on_with_the_old_errors_under_it) {
    event_log log;
    const auto fresh = std::make_exception_ptr(planned_failure("translated"));
    std::exception_ptr caught;
    event_log under;
    try {
        static_cast<void>(with(recorder(log, "a").answering(verdict::replace(fresh)),
                               recorder(log, "b").failing_to_exit(),
                               [](auto&, auto&) { throw planned_failure("body"); }));
    } catch (...) {
        caught = std::current_exception();
        under = texts_of(secondary_errors());
    }
    EXPECT_EQ(caught, fresh);
    EXPECT_EQ(under, (event_log{"body", "b.exit"}));
}

// --- failure values ---

TEST(with, shows_exits_a_failure_value_as_failed_and_returns_it) {
    event_log log;
    const auto code = std::make_error_code(std::errc::io_error);
    EXPECT_EQ(with(recorder(log, "a"), [&](auto&) { return code; }), code);
    EXPECT_EQ(log.back(), "a.exit failed");
    EXPECT_EQ(with(recorder(log, "a"), [](auto&) { return std::error_code(); }), std::error_code());
    EXPECT_EQ(log.back(), "a.exit ok");
    EXPECT_EQ(with(quiet_asking{&log, "q"}, [&] { return code; }), code);
    EXPECT_EQ(log.back(), "q.exit failed");
}

TEST(with, does_not_let_a_failure_value_be_suppressed) {
    event_log log;
    const auto code = std::make_error_code(std::errc::io_error);
    EXPECT_EQ(with(recorder(log, "a").answering(verdict::suppress), [&](auto&) { return code; }),
              code);
    EXPECT_EQ(log.back(), "a.exit failed");
}

TEST(with, throws_the_exits_error_after_a_failure_value) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(with(recorder(log, "a").failing_to_exit(), [](auto&) {
                      return std::make_error_code(std::errc::io_error);
                  }));
              }),
              "a.exit");
}

// --- factories ---

TEST(with, makes_managers_by_factories_from_the_resources_before) {
    event_log log;
    with(
        recorder(log, "a"),
        [&](std::string& a) { return recorder(log, a + "b"); },
        [&](std::string& a, std::string& b) { return recorder(log, a + b + "c"); },
        [&](auto&, auto&, auto& c) { log.push_back(c); });
    EXPECT_EQ(log,
              (event_log{"a.enter",
                         "ab.enter",
                         "aabc.enter",
                         "aabc",
                         "aabc.exit ok",
                         "ab.exit ok",
                         "a.exit ok"}));
}

TEST(with, takes_a_nullary_factory_first) {
    event_log log;
    with([&] { return recorder(log, "a"); }, [](std::string& a) { EXPECT_EQ(a, "a"); });
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok"}));
}

TEST(with, uses_a_manager_that_a_factory_returns_by_reference_in_place) {
    event_log log;
    recorder outside(log, "a");
    with([&]() -> recorder& { return outside; }, [](auto&) {});
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok"}));
}

/// A resource and a manager that tell when they die.
struct telling {
    event_log* log;
    std::string name;
    telling(event_log& to, std::string called) : log(&to), name(std::move(called)) {}
    telling(const telling&) = delete;
    telling& operator=(const telling&) = delete;
    ~telling() { log->push_back("~" + name); }
};
struct made_manager : telling {
    bool fails;
    made_manager(event_log& to, std::string called, bool failing = false)
        : telling(to, std::move(called)), fails(failing) {}
    telling enter() {
        log->push_back(name + ".enter");
        if (fails) {
            throw planned_failure(name + ".enter");
        }
        return {*log, name + "'s resource"};
    }
    void exit(const outcome& left) {
        log->push_back(name + ".exit " + withal::testing::word_of(left));
    }
};

TEST(with, ends_a_made_manager_after_its_exit_and_before_the_outer_ones) {
    const event_log after{"b.exit ok", "~b's resource", "~b", "a.exit ok", "~a's resource", "~a"};
    for (const bool failing : {false, true}) {
        event_log log;
        EXPECT_EQ(thrown_by([&] {
                      with([&] { return made_manager(log, "a"); },
                           [&](auto&) { return made_manager(log, "b"); },
                           [&](auto&, auto&) {
                               log.clear();
                               if (failing) {
                                   throw planned_failure("ok");
                               }
                           });
                  }),
                  failing ? "ok" : "nothing");
        event_log expected = after;
        for (std::string& each : expected) {
            const auto at = each.find(" ok");
            if (failing && at != std::string::npos) {
                each.replace(at, 3, " threw ok");
            }
        }
        EXPECT_EQ(log, expected);
    }
}

TEST(with, ends_a_made_manager_whose_enter_threw_without_its_exit) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with([&] { return made_manager(log, "a"); },
                       [&](auto&) { return made_manager(log, "b", true); },
                       [](auto&, auto&) { FAIL(); });
              }),
              "b.enter");
    EXPECT_EQ(
        log,
        (event_log{"a.enter", "b.enter", "~b", "a.exit threw b.enter", "~a's resource", "~a"}));
}

TEST(with, exits_the_managers_before_a_factory_that_throws) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(
                      recorder(log, "a"),
                      [](auto&) -> nothing_to_do { throw planned_failure("factory"); },
                      [](auto&) { FAIL(); });
              }),
              "factory");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit threw factory"}));
}

// --- foreign types ---

TEST(with, locks_anything_lockable) {
    std::mutex mutex;
    std::recursive_mutex recursive;
    std::shared_mutex shared;
    with(mutex, recursive, shared, [&] { EXPECT_FALSE(shared.try_lock()); });
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
    EXPECT_EQ(thrown_by([&] { with(mutex, [] { throw planned_failure("body"); }); }), "body");
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
    std::unique_lock<std::mutex> deferred(mutex, std::defer_lock);
    with(deferred, [&] { EXPECT_TRUE(deferred.owns_lock()); });
    EXPECT_FALSE(deferred.owns_lock());
}

// --- in awkward places ---

TEST(with, says_success_inside_a_destructor_that_runs_during_unwinding) {
    event_log log;
    struct cleans_up {
        event_log& log;
        ~cleans_up() {
            with(recorder(log, "inner"), [](auto&) {});
        }
    };
    EXPECT_EQ(thrown_by([&] {
                  const cleans_up local{log};
                  throw planned_failure("outside");
              }),
              "outside");
    EXPECT_EQ(log, (event_log{"inner.enter", "inner.exit ok"}));
}

TEST(with, does_not_mix_its_errors_with_those_of_the_handler_it_runs_in) {
    event_log log;
    try {
        throw planned_failure("handled");
    } catch (...) {
        EXPECT_EQ(thrown_by([&] {
                      with(recorder(log, "a").failing_to_exit(),
                           [](auto&) { throw planned_failure("b"); });
                  }),
                  "b");
        EXPECT_TRUE(secondary_errors().empty());
        EXPECT_EQ(text_of(std::current_exception()), "handled");
    }
}

struct throws_when_moved {
    throws_when_moved() = default;
    throws_when_moved(throws_when_moved&& other) : fails(other.fails) { // NOLINT: may throw
        if (fails) {
            throw planned_failure("moved");
        }
    }
    bool fails = true;
};

TEST(with, exits_once_when_moving_the_result_out_throws) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(with(recorder(log, "a").answering(verdict::propagate),
                                         [](auto&) { return throws_when_moved(); }));
              }),
              "moved");
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok"}));
}

TEST(with, refuses_to_enter_a_single_use_manager_twice_and_names_it) {
    struct ticket : withal::single_use {
        void enter() {}
        void exit() {}
    };
    ticket once;
    with(once, [] {});
    try {
        with(once, [] { FAIL(); });
        FAIL();
    } catch (const withal::logic_error& e) {
        EXPECT_NE(std::string(e.what()).find("ticket"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("only once"), std::string::npos) << e.what();
    }
}

// --- try_with and with_or ---

TEST(try_with, gives_the_value_the_error_or_the_word_that_it_was_suppressed) {
    event_log log;
    auto value = withal::try_with(recorder(log, "a"), [](auto&) { return 1; });
    static_assert(std::is_same_v<decltype(value), withal::result<int>>);
    EXPECT_TRUE(value.has_value());
    EXPECT_EQ(value.value(), 1);
    EXPECT_EQ(value.error(), nullptr);
    EXPECT_FALSE(value.suppressed());
    EXPECT_FALSE(value.cancelled());

    const auto failed = withal::try_with(recorder(log, "a").failing_to_exit(),
                                         [](auto&) -> int { throw planned_failure("body"); });
    EXPECT_FALSE(failed.has_value());
    EXPECT_EQ(text_of(failed.error()), "body");
    EXPECT_EQ(texts_of(failed.secondary()), (event_log{"a.exit"}));
    EXPECT_EQ(thrown_by([&] { static_cast<void>(failed.value()); }), "body");

    const auto suppressed =
        withal::try_with(swallows{}, []() -> int { throw planned_failure("body"); });
    EXPECT_TRUE(suppressed.suppressed());
    EXPECT_EQ(suppressed.error(), nullptr);
    EXPECT_THROW(static_cast<void>(suppressed.value()), withal::logic_error);
}

TEST(try_with, gives_an_error_when_enter_fails) {
    event_log log;
    const auto failed = withal::try_with(
        recorder(log, "a"), recorder(log, "b").failing_to_enter(), [](auto&, auto&) { return 1; });
    EXPECT_EQ(text_of(failed.error()), "b.enter");
    EXPECT_EQ(log.back(), "a.exit threw b.enter");
}

TEST(try_with, holds_references_void_and_move_only_values) {
    static int number = 4;
    auto reference = withal::try_with(may_fail{}, []() -> int& { return number; });
    EXPECT_EQ(&reference.value(), &number);
    const auto nothing = withal::try_with(may_fail{}, [] {});
    EXPECT_TRUE(nothing.has_value());
    nothing.value();
    auto moved = withal::try_with(may_fail{}, [] { return std::make_unique<int>(9); });
    const std::unique_ptr<int> taken = std::move(moved).value();
    EXPECT_EQ(*taken, 9);
}

TEST(try_with, gives_the_error_of_an_exit_after_a_success) {
    event_log log;
    EXPECT_EQ(
        text_of(withal::try_with(recorder(log, "a").failing_to_exit(), [](auto&) { return 1; })
                    .error()),
        "a.exit");
}

TEST(try_with, takes_a_failure_value_for_a_value) {
    const auto code = std::make_error_code(std::errc::io_error);
    const auto tried = withal::try_with(may_fail{}, [&] { return code; });
    EXPECT_TRUE(tried.has_value());
    EXPECT_EQ(tried.value(), code);
}

TEST(try_with, gives_a_group_under_that_policy_and_takes_any_number_of_managers) {
    event_log log;
    const auto tried = withal::try_with<both_failed::group>(
        recorder(log, "a"),
        recorder(log, "b").failing_to_exit(),
        recorder(log, "c"),
        recorder(log, "d"),
        [](auto&, auto&, auto&, auto&) { throw planned_failure("body"); });
    EXPECT_TRUE(outcome::failure(tried.error()).inspect<withal::error_group>([](const auto& group) {
        EXPECT_EQ(texts_of(group.errors()), (event_log{"body", "b.exit"}));
    }));
}

TEST(with_or, gives_the_fallbacks_value_if_the_error_was_suppressed) {
    EXPECT_EQ(withal::with_or(
                  swallows{}, []() -> int { throw planned_failure("x"); }, [] { return -1; }),
              -1);
    EXPECT_EQ(withal::with_or(swallows{}, [] { return 2; }, [] { return -1; }), 2);
    EXPECT_EQ(withal::with_or(may_fail{}, [] { return 3; }, [] { return -1; }), 3);
    static_assert(std::is_same_v<decltype(withal::with_or(
                                     swallows{}, [] { return 1L; }, [] { return 2; })),
                                 long>);
}

TEST(with_or, takes_several_managers_and_runs_the_fallback_after_the_exits) {
    event_log log;
    const std::string got = withal::with_or(
        recorder(log, "a"),
        swallows{},
        recorder(log, "c"),
        [](auto&, auto&) -> std::string { throw planned_failure("x"); },
        [&] {
            log.push_back("fallback");
            return "fell back";
        });
    EXPECT_EQ(got, "fell back");
    EXPECT_EQ(log.back(), "fallback");
    EXPECT_EQ(log[log.size() - 2], "a.exit ok");
}

TEST(with_or, works_for_references_and_for_void) {
    static int one = 1;
    static int two = 2;
    EXPECT_EQ(
        &withal::with_or(
            swallows{}, []() -> int& { throw planned_failure("x"); }, []() -> int& { return two; }),
        &two);
    EXPECT_EQ(&withal::with_or(
                  swallows{}, []() -> int& { return one; }, []() -> int& { return two; }),
              &one);
    bool fell_back = false;
    withal::with_or(swallows{}, [] { throw planned_failure("x"); }, [&] { fell_back = true; });
    EXPECT_TRUE(fell_back);
}

// --- what users' types may do ---

namespace other {

/// Has the names of withal's own functions beside it; argument-dependent lookup must not find them.
struct manager {
    int enter() { return 1; }
    void exit(const outcome& left) { failed = left.failed(); }
    bool failed = false;
};
enum class status { fine, broken };
template <class... Any>
void enter_manager(Any&&...) {}
template <class... Any>
void enter_all(Any&&...) {}
template <class... Any>
bool is_failure(Any&&...) {
    return false;
}
template <class... Any>
const char* label_of(Any&&...) {
    return "";
}

} // namespace other

} // namespace

template <>
struct withal::failure_traits<other::status> {
    static bool failed(const other::status& s) { return s == other::status::broken; }
};

namespace {

TEST(with, is_not_led_astray_by_functions_beside_the_users_types) {
    other::manager m;
    static_cast<void>(with(m, [](int&) { return other::status::broken; }));
    EXPECT_TRUE(m.failed);
}

TEST(with, takes_an_exit_whose_verdict_is_deduced) {
    struct deduced {
        void enter() {}
        auto exit(const outcome&) { return verdict::suppress; }
    };
    EXPECT_FALSE(with(deduced{}, [] { throw planned_failure("x"); }));
}

TEST(with, takes_a_small_temporary_that_cannot_be_moved) {
    struct fixed {
        explicit fixed(int& to) : entered(&to) {}
        fixed(const fixed&) = delete;
        fixed& operator=(const fixed&) = delete;
        void enter() { ++*entered; }
        void exit() {}
        int* entered;
    };
    int entered = 0;
    with(fixed(entered), [] {});
    EXPECT_EQ(entered, 1);
}

TEST(with, takes_a_made_manager_that_is_const) {
    struct constant {
        int enter() const { return 5; }
        void exit() const {}
    };
    const auto make = []() -> const constant { return {}; }; // NOLINT: const is the point
    EXPECT_EQ(with(make, [](int& n) { return n; }), 5);
}

TEST(with, leaves_a_lock_alone_that_the_body_unlocked_early) {
    std::mutex mutex;
    std::unique_lock<std::mutex> lock(mutex, std::defer_lock);
    with(lock, [&] { lock.unlock(); });
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
}

TEST(with_group, throws_a_single_error_that_followed_a_suppression_as_it_is) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(with<both_failed::group>(
                      recorder(log, "a").failing_to_exit(),
                      recorder(log, "b").answering(verdict::suppress),
                      recorder(log, "c").failing_to_exit(),
                      [](auto&, auto&, auto&) { throw planned_failure("body"); }));
              }),
              "a.exit");
}

TEST(with_group, is_flat_when_groups_nest) {
    event_log log;
    try {
        with<both_failed::group>(recorder(log, "outer").failing_to_exit(), [&](auto&) {
            with<both_failed::group>(recorder(log, "inner").failing_to_exit(),
                                     [](auto&) { throw planned_failure("body"); });
        });
        FAIL();
    } catch (const withal::error_group& group) {
        EXPECT_EQ(texts_of(group.errors()), (event_log{"body", "inner.exit", "outer.exit"}));
    }
}

int doubled(int& number) {
    return 2 * number;
}
void nothing_at_all() {}

TEST(with, takes_functions_for_bodies_watched_or_not) {
    const auto run = [] {
        int sum = withal::with(withal::null_context(3), doubled);
        sum += withal::with(withal::null_context(4), &doubled);
        sum += withal::try_with(withal::null_context(5), doubled).value();
        sum += withal::with_or(
            withal::suppress<int>(), withal::null_context(6), doubled, [] { return 0; });
        withal::with(withal::null_context(), nothing_at_all);
        return sum;
    };
    EXPECT_EQ(run(), 36);
    const auto watching = withal::observe([](const withal::event&) noexcept {});
    EXPECT_EQ(run(), 36);
}

} // namespace

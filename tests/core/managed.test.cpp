// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/managed.hpp>

#include <withal/core/all.hpp>
#include <withal/core/exit_stack.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

// What these generators refer to lives until the end of the test.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

namespace {

using withal::managed;
using withal::nothing;
using withal::outcome;
using withal::secondary_errors;
using withal::suppressing_managed;
using withal::verdict;
using withal::with;
using withal::testing::event_log;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::text_of;
using withal::testing::texts_of;
using withal::testing::thrown_by;

/// A local of a generator, whose destruction is written down.
class local {
public:
    local(event_log& log, std::string name) : log_(log), name_(std::move(name)) {}
    ~local() { log_.push_back("~" + name_); }
    local(const local&) = delete;
    local& operator=(const local&) = delete;

private:
    event_log& log_;
    std::string name_;
};

/// A generator as one is mostly written: no try, a local that releases.
managed<std::string> plain(event_log& log, std::string name) {
    const local held(log, name + ".held");
    log.push_back(name + ".enter");
    co_yield name;
    log.push_back(name + ".success");
}

/// Commits or rolls back.
managed<std::string> transaction(event_log& log, std::string name = "t") {
    const local held(log, name + ".held");
    log.push_back(name + ".begin");
    try {
        co_yield name;
    } catch (...) {
        log.push_back(name + ".rollback " + text_of(std::current_exception()));
        throw;
    }
    log.push_back(name + ".commit");
}

/// Catches whatever there is, and finishes.
managed<void> swallowing(event_log& log) {
    try {
        co_yield nothing;
        log.push_back("success");
    } catch (...) {
        log.push_back("caught " + text_of(std::current_exception()));
    }
    log.push_back("finished");
}

suppressing_managed<void> suppressing_all(event_log& log) {
    try {
        co_yield nothing;
        log.push_back("success");
    } catch (...) {
        log.push_back("caught " + text_of(std::current_exception()));
    }
    log.push_back("finished");
}

/// A value that can mean failure.
struct answer {
    int code;
};

} // namespace

template <>
struct withal::failure_traits<answer> {
    static bool failed(const answer& value) { return value.code != 0; }
};

namespace {

// --- what it is ---

static_assert(withal::context_manager<managed<int>>);
static_assert(withal::context_manager<suppressing_managed<int>>);
static_assert(std::is_same_v<withal::entered_t<managed<int>>, int&>);
static_assert(std::is_same_v<withal::entered_t<managed<const int>>, const int&>);
static_assert(std::is_same_v<withal::entered_t<managed<int&>>, int&>);
static_assert(std::is_same_v<withal::entered_t<managed<std::mutex>>, std::mutex&>);
static_assert(std::is_void_v<withal::entered_t<managed<void>>>);
static_assert(!withal::may_suppress<managed<int>>);
static_assert(withal::may_suppress<suppressing_managed<int>>);
static_assert(withal::reuse_of<managed<int>> == withal::reuse::single_use);
static_assert(withal::reuse_of<suppressing_managed<int>> == withal::reuse::single_use);
static_assert(!std::is_copy_constructible_v<managed<int>>);
static_assert(!std::is_copy_assignable_v<managed<int>>);
static_assert(std::is_nothrow_move_constructible_v<managed<int>>);
static_assert(std::is_nothrow_move_assignable_v<managed<int>>);
static_assert(!std::is_default_constructible_v<managed<int>>);
static_assert(std::is_base_of_v<withal::logic_error, withal::generator_error>);

// --- success ---

TEST(managed, runs_the_generator_around_the_body) {
    event_log log;
    const int result = with(plain(log, "a"), [&](std::string& resource) {
        log.push_back("body " + resource);
        return 7;
    });
    EXPECT_EQ(result, 7);
    EXPECT_EQ(log, (event_log{"a.enter", "body a", "a.success", "~a.held"}));
}

TEST(managed, runs_nothing_before_its_enter) {
    event_log log;
    {
        const managed<std::string> dropped = plain(log, "a");
        EXPECT_EQ(log, event_log{});
    }
    EXPECT_EQ(log, event_log{});
}

TEST(managed, commits_after_success_only) {
    event_log log;
    with(transaction(log), [](auto&) {});
    EXPECT_EQ(log, (event_log{"t.begin", "t.commit", "~t.held"}));
}

// --- the body throws ---

TEST(managed, throws_the_bodys_exception_at_the_yield_and_lets_it_go_on) {
    event_log log;
    EXPECT_EQ(
        thrown_by([&] { with(transaction(log), [](auto&) { throw planned_failure("body"); }); }),
        "body");
    EXPECT_EQ(log, (event_log{"t.begin", "t.rollback body", "~t.held"}));
}

managed<void> keeps_what_it_sees(const planned_failure*& seen) {
    try {
        co_yield nothing;
    } catch (const planned_failure& e) {
        seen = &e;
        throw;
    }
}

TEST(managed, shows_the_same_object_inside_and_outside) {
    const planned_failure* inside = nullptr;
    const planned_failure* outside = nullptr;
    std::exception_ptr thrown;
    try {
        with(keeps_what_it_sees(inside), [&] {
            thrown = std::make_exception_ptr(planned_failure("body"));
            std::rethrow_exception(thrown);
        });
    } catch (const planned_failure& e) {
        outside = &e;
        EXPECT_EQ(std::current_exception(), thrown);
        EXPECT_EQ(secondary_errors().size(), 0U);
    }
    EXPECT_NE(inside, nullptr);
    EXPECT_EQ(inside, outside);
}

TEST(managed, without_a_try_runs_its_destructors_and_nothing_behind_the_yield) {
    event_log log;
    std::string caught;
    try {
        with(plain(log, "a"), [](auto&) { throw planned_failure("body"); });
    } catch (const planned_failure& e) {
        caught = e.what();
        EXPECT_EQ(secondary_errors().size(), 0U);
    }
    EXPECT_EQ(caught, "body");
    EXPECT_EQ(log, (event_log{"a.enter", "~a.held"}));
}

TEST(managed, takes_exceptions_of_any_type) {
    event_log log;
    EXPECT_EQ(thrown_by([&] { with(transaction(log), [](auto&) { throw 42; }); }), "42");
    struct unrelated {};
    EXPECT_EQ(thrown_by([&] { with(transaction(log), [](auto&) { throw unrelated(); }); }),
              "unknown");
    EXPECT_EQ(
        log,
        (event_log{
            "t.begin", "t.rollback 42", "~t.held", "t.begin", "t.rollback unknown", "~t.held"}));
}

TEST(managed, that_catches_and_finishes_does_not_suppress) {
    event_log log;
    std::string caught;
    try {
        with(swallowing(log), [] { throw planned_failure("body"); });
    } catch (const planned_failure& e) {
        caught = e.what();
        EXPECT_EQ(secondary_errors().size(), 0U);
    }
    EXPECT_EQ(caught, "body");
    EXPECT_EQ(log, (event_log{"caught body", "finished"}));
}

managed<void> rethrows_what_it_kept() {
    std::exception_ptr kept;
    try {
        co_yield nothing;
    } catch (...) {
        kept = std::current_exception();
    }
    if (kept != nullptr) {
        std::rethrow_exception(kept);
    }
}

TEST(managed, that_throws_the_same_exception_later_has_not_failed) {
    std::string caught;
    try {
        with(rethrows_what_it_kept(), [] { throw planned_failure("body"); });
    } catch (const planned_failure& e) {
        caught = e.what();
        EXPECT_EQ(secondary_errors().size(), 0U);
    }
    EXPECT_EQ(caught, "body");
}

managed<void> fails_to_clean_up(bool after_success = false) {
    try {
        co_yield nothing;
    } catch (const planned_failure& e) {
        throw planned_failure(std::string("cleanup after ") + e.what());
    }
    if (after_success) {
        throw planned_failure("commit");
    }
}

TEST(managed, that_throws_another_exception_has_failed_and_the_bodys_goes_on) {
    std::string caught;
    try {
        with(fails_to_clean_up(), [] { throw planned_failure("body"); });
    } catch (const planned_failure& e) {
        caught = e.what();
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"cleanup after body"}));
    }
    EXPECT_EQ(caught, "body");
}

TEST(managed, that_throws_another_exception_replaces_where_the_policy_says_so) {
    std::string caught;
    try {
        with<withal::both_failed::replace>(fails_to_clean_up(),
                                           [] { throw planned_failure("body"); });
    } catch (const planned_failure& e) {
        caught = e.what();
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"body"}));
    }
    EXPECT_EQ(caught, "cleanup after body");
}

managed<void> throws_a_copy() {
    try {
        co_yield nothing;
    } catch (const planned_failure& e) {
        throw planned_failure(e);
    }
}

TEST(managed, that_throws_a_copy_has_failed_for_a_copy_is_another_exception) {
    try {
        with(throws_a_copy(), [] { throw planned_failure("body"); });
    } catch (const planned_failure&) {
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"body"}));
    }
}

TEST(managed, whose_commit_throws_fails_the_call) {
    EXPECT_EQ(thrown_by([] { with(fails_to_clean_up(true), [] {}); }), "commit");
}

TEST(managed, may_fail_inside_the_handler_with_an_error_of_its_own_with) {
    struct generators {
        static managed<void> cleans_up_with(event_log& log) {
            bool failed = false;
            try {
                co_yield nothing;
            } catch (const planned_failure&) {
                failed = true;
            }
            if (failed) {
                with(recorder(log, "inner").failing_to_exit(),
                     [](auto&) { throw planned_failure("undo"); });
            }
        }
    };
    event_log log;
    try {
        with(generators::cleans_up_with(log), [] { throw planned_failure("body"); });
    } catch (const planned_failure& e) {
        EXPECT_STREQ(e.what(), "body");
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"undo", "inner.exit"}));
    }
    EXPECT_EQ(log, (event_log{"inner.enter", "inner.exit threw undo"}));
}

// --- enter throws ---

managed<int> throws_before_it_yields(event_log& log) {
    const local held(log, "held");
    log.push_back("acquire");
    if (!log.empty()) {
        throw planned_failure("acquire");
    }
    co_yield 1;
}

TEST(managed, that_throws_before_it_yields_is_not_entered) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(recorder(log, "outer"), throws_before_it_yields(log), [&](auto&, int&) {
                      log.push_back("body");
                  });
              }),
              "acquire");
    EXPECT_EQ(log, (event_log{"outer.enter", "acquire", "~held", "outer.exit threw acquire"}));
}

// --- exactly one co_yield ---

managed<int> yields_never(event_log& log) {
    const local held(log, "held");
    if (log.empty()) {
        co_return;
    }
    co_yield 1;
}

managed<int> yields_twice(event_log& log) {
    const local outer(log, "outer");
    co_yield 1;
    const local inner(log, "inner");
    co_yield 2;
    log.push_back("behind");
}

managed<int> yields_after_throw(event_log& log) {
    const local held(log, "held");
    try {
        co_yield 1;
    } catch (...) {
        log.push_back("caught");
    }
    co_yield 2;
    log.push_back("behind");
}

suppressing_managed<int> retries(event_log& log) {
    const local held(log, "held");
    for (int i = 0; i < 2; ++i) {
        try {
            co_yield i;
            log.push_back("success");
        } catch (...) {
            log.push_back("caught");
        }
    }
}

/// The whole text of a generator_error, "another" for other exceptions.
template <class F>
std::string generator_error_of(F&& f) {
    try {
        f();
    } catch (const withal::generator_error& e) {
        return e.what();
    } catch (...) {
        return "another";
    }
    return "nothing";
}

TEST(managed, that_does_not_yield_is_a_generator_error_at_enter) {
    event_log log;
    EXPECT_EQ(generator_error_of([&] { with(yields_never(log), [](int&) {}); }),
              "generator didn't yield");
    EXPECT_EQ(log, (event_log{"~held"}));
}

TEST(managed, that_yields_twice_is_a_generator_error_and_runs_no_further) {
    event_log log;
    EXPECT_EQ(generator_error_of([&] { with(yields_twice(log), [](int&) {}); }),
              "generator didn't stop");
    EXPECT_EQ(log, (event_log{"~inner", "~outer"}));
}

TEST(managed, that_yields_again_after_the_body_threw_is_a_secondary_generator_error) {
    event_log log;
    std::string caught;
    try {
        with(yields_after_throw(log), [](int&) { throw planned_failure("body"); });
    } catch (const planned_failure& e) {
        caught = e.what();
        const auto errors = secondary_errors();
        EXPECT_EQ(errors.size(), 1U);
        EXPECT_EQ(generator_error_of([&] { std::rethrow_exception(*errors.begin()); }),
                  "generator didn't stop after throw");
    }
    EXPECT_EQ(caught, "body");
    EXPECT_EQ(log, (event_log{"caught", "~held"}));
}

TEST(suppressing_managed, that_yields_again_after_the_body_threw_suppresses_nothing) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  static_cast<void>(
                      with(retries(log), [](int&) { throw planned_failure("body"); }));
              }),
              "body");
    EXPECT_EQ(log, (event_log{"caught", "~held"}));
    log.clear();
    EXPECT_EQ(generator_error_of([&] { static_cast<void>(with(retries(log), [](int&) {})); }),
              "generator didn't stop");
    EXPECT_EQ(log, (event_log{"success", "~held"}));
}

// --- suppressing ---

TEST(suppressing_managed, that_catches_and_finishes_suppresses) {
    event_log log;
    const std::optional<int> result =
        with(suppressing_all(log), []() -> int { throw planned_failure("body"); });
    EXPECT_EQ(result, std::nullopt);
    EXPECT_EQ(log, (event_log{"caught body", "finished"}));
}

TEST(suppressing_managed, that_returns_from_its_handler_suppresses) {
    struct generators {
        static suppressing_managed<void> returns_early() {
            try {
                co_yield nothing;
            } catch (int) {
                co_return;
            }
        }
    };
    EXPECT_FALSE(with(generators::returns_early(), [] { throw 42; }));
    EXPECT_EQ(thrown_by([] {
                  static_cast<void>(
                      with(generators::returns_early(), [] { throw planned_failure("body"); }));
              }),
              "body");
}

TEST(suppressing_managed, keeps_the_value_after_success) {
    event_log log;
    EXPECT_EQ(with(suppressing_all(log), [] { return 7; }), 7);
    EXPECT_EQ(log, (event_log{"success", "finished"}));
}

TEST(suppressing_managed, that_throws_another_exception_has_failed) {
    struct generators {
        static suppressing_managed<void> fails() {
            try {
                co_yield nothing;
            } catch (...) {
                throw planned_failure("cleanup");
            }
        }
    };
    try {
        static_cast<void>(with(generators::fails(), [] { throw planned_failure("body"); }));
    } catch (const planned_failure& e) {
        EXPECT_STREQ(e.what(), "body");
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"cleanup"}));
    }
}

TEST(suppressing_managed, shows_those_outside_success_once_it_has_suppressed) {
    event_log log;
    static_cast<void>(
        with(recorder(log, "a"), suppressing_all(log), recorder(log, "b"), [](auto&, auto&) {
            throw planned_failure("body");
        }));
    EXPECT_EQ(
        log,
        (event_log{
            "a.enter", "b.enter", "b.exit threw body", "caught body", "finished", "a.exit ok"}));
}

TEST(suppressing_managed, lets_a_cancellation_go_on) {
    event_log log;
    const auto request = std::make_exception_ptr(planned_failure("stop"));
    suppressing_managed<void> manager = suppressing_all(log);
    manager.enter();
    EXPECT_EQ(manager.exit(withal::detail::outcome_access::cancelled(request)), verdict::propagate);
    EXPECT_EQ(log, (event_log{"caught stop", "finished"}));
}

// --- failures without an exception ---

constexpr const char* failed_text =
    "withal::body_failed: the body failed without an exception that could be shown";

TEST(managed, rolls_back_when_the_body_returns_a_failure) {
    event_log log;
    const answer returned = with(transaction(log), [](auto&) { return answer{3}; });
    EXPECT_EQ(returned.code, 3);
    EXPECT_EQ(log, (event_log{"t.begin", std::string("t.rollback ") + failed_text, "~t.held"}));
    log.clear();
    EXPECT_EQ(with(transaction(log), [](auto&) { return answer{0}; }).code, 0);
    EXPECT_EQ(log, (event_log{"t.begin", "t.commit", "~t.held"}));
}

TEST(managed, without_a_try_does_not_commit_a_failure) {
    event_log log;
    EXPECT_EQ(with(plain(log, "a"), [](auto&) { return answer{3}; }).code, 3);
    EXPECT_EQ(log, (event_log{"a.enter", "~a.held"}));
}

TEST(managed, throws_a_body_failed_that_can_be_caught_by_type) {
    struct generators {
        static managed<void> tells_apart(event_log& log) {
            try {
                co_yield nothing;
            } catch (const withal::body_failed&) {
                log.push_back("failed");
            } catch (...) {
                log.push_back("threw");
            }
        }
    };
    event_log log;
    EXPECT_EQ(with(generators::tells_apart(log), [] { return answer{3}; }).code, 3);
    EXPECT_EQ(thrown_by([&] { with(generators::tells_apart(log), [] { throw 1; }); }), "1");
    const auto code = with(generators::tells_apart(log),
                           [] { return std::make_error_code(std::errc::io_error); });
    EXPECT_EQ(code, std::errc::io_error);
    EXPECT_EQ(log, (event_log{"failed", "threw", "failed"}));
}

TEST(managed, whose_rollback_of_a_failure_throws_fails_the_call) {
    struct generators {
        static managed<void> fails() {
            try {
                co_yield nothing;
            } catch (...) {
                throw planned_failure("rollback");
            }
        }
    };
    EXPECT_EQ(thrown_by([] { with(generators::fails(), [] { return answer{3}; }); }), "rollback");
}

TEST(suppressing_managed, does_not_suppress_a_failure_that_the_body_returned) {
    event_log log;
    const auto result = with(suppressing_all(log), [] { return answer{3}; });
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->code, 3);
    EXPECT_EQ(log, (event_log{std::string("caught ") + failed_text, "finished"}));
}

TEST(managed, rolls_back_when_it_is_abandoned) {
    event_log log;
    {
        withal::exit_stack stack;
        EXPECT_EQ(stack.enter(transaction(log)), "t");
    }
    EXPECT_EQ(log, (event_log{"t.begin", std::string("t.rollback ") + failed_text, "~t.held"}));
}

TEST(managed, rolls_back_in_scoped_when_an_exception_passes) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  auto guard = withal::scoped(transaction(log));
                  log.push_back(*guard);
                  throw planned_failure("body");
              }),
              "body");
    EXPECT_EQ(log,
              (event_log{"t.begin", "t", std::string("t.rollback ") + failed_text, "~t.held"}));
    log.clear();
    { auto guard = withal::scoped(transaction(log)); }
    EXPECT_EQ(log, (event_log{"t.begin", "t.commit", "~t.held"}));
}

// --- what can be yielded ---

managed<int&> lends(int& number) {
    co_yield number;
}

TEST(managed, of_a_reference_gives_the_object_itself) {
    int number = 1;
    EXPECT_EQ(with(lends(number), [](int& same) { return &same; }), &number);
}

managed<std::unique_ptr<int>> gives_move_only(int value) {
    auto owned = std::make_unique<int>(value);
    co_yield owned;
}

TEST(managed, of_a_move_only_type_can_be_moved_from) {
    const std::unique_ptr<int> taken =
        with(gives_move_only(3), [](std::unique_ptr<int>& owned) { return std::move(owned); });
    EXPECT_EQ(*taken, 3);
}

managed<std::mutex> gives_immovable() {
    std::mutex lock;
    co_yield lock;
}

TEST(managed, of_an_immovable_type_gives_what_stands_in_the_generator) {
    EXPECT_TRUE(with(gives_immovable(), [](std::mutex& lock) {
        const std::unique_lock held(lock, std::try_to_lock);
        return held.owns_lock();
    }));
}

managed<const std::string> gives_const() {
    const std::string text = "constant";
    co_yield text;
}

TEST(managed, of_a_const_type_gives_it_const) {
    with(gives_const(), [](auto& text) {
        static_assert(std::is_same_v<decltype(text), const std::string&>);
        EXPECT_EQ(text, "constant");
    });
}

class noisy {
public:
    explicit noisy(event_log& log) : log_(log) {}
    ~noisy() { log_.push_back("~noisy"); }
    noisy(const noisy&) = delete;
    noisy& operator=(const noisy&) = delete;

private:
    event_log& log_;
};

managed<noisy> gives_temporary(event_log& log) {
    co_yield noisy(log);
    log.push_back("behind");
}

TEST(managed, may_yield_a_temporary_that_lives_until_the_exit) {
    event_log log;
    with(gives_temporary(log), [&](noisy&) { log.push_back("body"); });
    EXPECT_EQ(log, (event_log{"body", "~noisy", "behind"}));
}

managed<std::string> gives_converted() {
    co_yield "a text that is long enough not to stand in the string itself";
}

TEST(managed, may_yield_what_converts) {
    EXPECT_EQ(with(gives_converted(), [](std::string& text) { return text.size(); }), 60U);
}

struct base {
    int number = 1;
};
struct derived : base {};

managed<base> gives_derived() {
    derived object;
    object.number = 5;
    co_yield object;
}

TEST(managed, may_yield_a_derived_object) {
    EXPECT_EQ(with(gives_derived(), [](base& object) { return object.number; }), 5);
}

managed<int[3]> gives_array() {
    int numbers[3] = {1, 2, 3};
    co_yield numbers;
}

TEST(managed, may_yield_an_array) {
    EXPECT_EQ(with(gives_array(), [](int(&numbers)[3]) { return numbers[2]; }), 3);
}

struct alignas(64) wide {
    char text[64] = {};
};

managed<wide> gives_aligned(wide parameter) {
    wide here;
    here.text[0] = parameter.text[0];
    here.text[1] = reinterpret_cast<std::uintptr_t>(&parameter) % alignof(wide) == 0 ? 'y' : 'n';
    co_yield here;
}

TEST(managed, of_an_overaligned_type_aligns_it) {
    wide argument;
    argument.text[0] = 'a';
    // The second is beside the first, the third in recycled memory.
    for (int round = 0; round < 2; ++round) {
        with(gives_aligned(argument), gives_aligned(argument), [](wide& one, wide& two) {
            for (wide* each : {&one, &two}) {
                EXPECT_EQ(reinterpret_cast<std::uintptr_t>(each) % alignof(wide), 0U);
                EXPECT_EQ(each->text[0], 'a');
                EXPECT_EQ(each->text[1], 'y');
            }
        });
    }
}

// --- arguments ---

TEST(managed, keeps_its_arguments_in_the_frame) {
    event_log log;
    auto manager = [&] {
        const std::string gone = "a name that is long enough to be on the heap";
        return plain(log, gone);
    }();
    with(std::move(manager), [](std::string& name) {
        EXPECT_EQ(name, "a name that is long enough to be on the heap");
    });
}

/// Counts, and throws when it is copied or moved often enough.
struct counted {
    counted(int& living, int& left) : alive(&living), moves_left(&left) { ++living; }
    counted(const counted& other) : alive(other.alive), moves_left(other.moves_left) {
        if (--*moves_left < 0) {
            throw planned_failure("copy");
        }
        ++*alive;
    }
    ~counted() { --*alive; }
    counted& operator=(const counted&) = delete;
    int* alive;
    int* moves_left;
};

managed<int> takes_two(counted one, counted two) {
    co_yield *two.alive;
    static_cast<void>(one);
}

TEST(managed, destroys_its_arguments_once_wherever_copying_one_throws) {
    const std::size_t kept = withal::detail::frames_here.kept();
    for (int moves = 0; moves < 8; ++moves) {
        int alive = 0;
        int moves_left = moves;
        const std::string thrown = thrown_by([&] {
            const counted one(alive, moves_left);
            const counted two(alive, moves_left);
            with(takes_two(one, two), [](int&) {});
        });
        EXPECT_EQ(alive, 0);
        EXPECT_EQ(thrown, moves < 4 ? "copy" : "nothing");
    }
    EXPECT_LE(withal::detail::frames_here.kept(), kept + 1);
}

managed<int> holds(std::shared_ptr<int> owned) {
    co_yield *owned;
}

TEST(managed, dies_inside_its_exit_before_its_error_is_seen) {
    struct generators {
        static managed<int> fails(std::shared_ptr<int> owned) {
            co_yield *owned;
            throw planned_failure("commit");
        }
        static managed<int> refuses(std::shared_ptr<int> owned) {
            if (*owned == 1) {
                throw planned_failure("acquire");
            }
            co_yield *owned;
        }
    };
    const auto owned = std::make_shared<int>(1);
    const auto uses = [&](managed<int> manager, const outcome& left) {
        std::string thrown = thrown_by([&] {
            manager.enter();
            manager.exit(left);
        });
        return thrown + " " + std::to_string(owned.use_count());
    };
    const outcome threw = outcome::failure(std::make_exception_ptr(planned_failure("body")));
    EXPECT_EQ(uses(holds(owned), outcome::success()), "nothing 1");
    EXPECT_EQ(uses(holds(owned), threw), "nothing 1");
    EXPECT_EQ(uses(generators::fails(owned), outcome::success()), "commit 1");
    EXPECT_EQ(uses(generators::fails(owned), threw), "nothing 1");
    EXPECT_EQ(uses(generators::refuses(owned), threw), "acquire 1");
}

TEST(managed, dropped_before_its_enter_destroys_its_arguments) {
    const auto owned = std::make_shared<int>(1);
    {
        const managed<int> dropped = holds(owned);
        EXPECT_EQ(owned.use_count(), 2);
    }
    EXPECT_EQ(owned.use_count(), 1);
}

// --- dropped, moved, used again ---

TEST(managed, dropped_while_it_is_entered_runs_its_destructors_only) {
    event_log log;
    {
        managed<std::string> dropped = transaction(log);
        EXPECT_EQ(dropped.enter(), "t");
    }
    EXPECT_EQ(log, (event_log{"t.begin", "~t.held"}));
}

TEST(managed, can_be_moved_while_it_is_entered) {
    event_log log;
    managed<std::string> first = transaction(log);
    std::string& resource = first.enter();
    managed<std::string> second = std::move(first);
    resource = "changed";
    second.exit(outcome::success());
    EXPECT_EQ(log, (event_log{"t.begin", "changed.commit", "~t.held"}));
}

TEST(managed, that_another_is_assigned_to_is_dropped) {
    event_log log;
    managed<std::string> one = transaction(log, "one");
    one.enter();
    one = transaction(log, "two");
    EXPECT_EQ(log, (event_log{"one.begin", "~one.held"}));
    with(std::move(one), [](auto&) {});
    EXPECT_EQ(log, (event_log{"one.begin", "~one.held", "two.begin", "two.commit", "~two.held"}));
}

TEST(managed, can_be_assigned_to_itself) {
    event_log log;
    managed<std::string> one = transaction(log);
    managed<std::string>& same = one;
    one = std::move(same);
    with(one, [](auto&) {});
    EXPECT_EQ(log, (event_log{"t.begin", "t.commit", "~t.held"}));
}

const std::string only_once =
    ": this manager can be entered only once; call its generator function again for each use";
const std::string moved_from = ": this manager was moved from; use the one it was moved to";

TEST(managed, entered_twice_says_so_and_names_itself) {
    event_log log;
    managed<std::string> one = plain(log, "a");
    with(one, [](auto&) {});
    const std::string name = withal::detail::type_name<managed<std::string>>();
    EXPECT_NE(name.find("managed<"), std::string::npos);
    EXPECT_EQ(thrown_by([&] { with(one, [](auto&) {}); }), name + only_once);
    EXPECT_EQ(thrown_by([&] { one.enter(); }), name + only_once);
    EXPECT_EQ(thrown_by([&] { one.exit(outcome::success()); }), name + only_once);
    EXPECT_EQ(log, (event_log{"a.enter", "a.success", "~a.held"}));
}

TEST(managed, entered_while_it_is_entered_says_so_and_goes_on) {
    event_log log;
    managed<std::string> one = plain(log, "a");
    EXPECT_EQ(thrown_by([&] { with(one, one, [](auto&, auto&) {}); }),
              withal::detail::type_name<managed<std::string>>() + only_once);
    EXPECT_EQ(log, (event_log{"a.enter", "~a.held"}));
}

TEST(managed, that_failed_to_enter_cannot_be_entered_again) {
    event_log log;
    managed<int> one = throws_before_it_yields(log);
    EXPECT_EQ(thrown_by([&] { one.enter(); }), "acquire");
    EXPECT_EQ(thrown_by([&] { one.enter(); }),
              withal::detail::type_name<managed<int>>() + only_once);
}

TEST(managed, moved_from_says_so) {
    event_log log;
    managed<std::string> one = plain(log, "a");
    const managed<std::string> other = std::move(one);
    EXPECT_EQ(thrown_by([&] { with(one, [](auto&) {}); }),
              withal::detail::type_name<managed<std::string>>() + moved_from);
    EXPECT_EQ(log, event_log{});
}

TEST(managed, exited_before_its_enter_says_so) {
    event_log log;
    managed<std::string> one = plain(log, "a");
    EXPECT_EQ(thrown_by([&] { one.exit(outcome::success()); }),
              withal::detail::type_name<managed<std::string>>() +
                  std::string(": this manager was not entered; let with() enter and exit it"));
    with(one, [](auto&) {});
    EXPECT_EQ(log, (event_log{"a.enter", "a.success", "~a.held"}));
}

// --- with the rest of withal ---

TEST(managed, may_be_made_by_a_factory) {
    event_log log;
    with(
        plain(log, "a"),
        [&](std::string& outer) { return plain(log, outer + "b"); },
        [&](std::string& a, std::string& b) { log.push_back(a + " " + b); });
    EXPECT_EQ(
        log,
        (event_log{
            "a.enter", "ab.enter", "a ab", "ab.success", "~ab.held", "a.success", "~a.held"}));
}

managed<std::string> two_in_one(event_log& log) {
    managed<std::string> inner = transaction(log, "inner");
    withal::exit_stack stack;
    std::string& name = stack.enter(std::move(inner));
    try {
        co_yield name;
    } catch (...) {
        log.push_back("undo");
        stack.close(outcome::failure(std::current_exception()));
        throw;
    }
    stack.close();
}

TEST(managed, may_manage_other_generators) {
    event_log log;
    with(two_in_one(log), [](auto&) {});
    EXPECT_EQ(
        thrown_by([&] { with(two_in_one(log), [](auto&) { throw planned_failure("body"); }); }),
        "body");
    EXPECT_EQ(log,
              (event_log{"inner.begin",
                         "inner.commit",
                         "~inner.held",
                         "inner.begin",
                         "undo",
                         "inner.rollback body",
                         "~inner.held"}));
}

TEST(managed, may_call_with_inside) {
    struct generators {
        static managed<int> sum(event_log& log) {
            int total = with(plain(log, "a"), plain(log, "b"), [](auto& a, auto& b) {
                return static_cast<int>(a.size() + b.size());
            });
            co_yield total;
            with(plain(log, "c"), [](auto&) {});
        }
    };
    event_log log;
    with(generators::sum(log), [&](int& total) { log.push_back(std::to_string(total)); });
    EXPECT_EQ(log,
              (event_log{"a.enter",
                         "b.enter",
                         "b.success",
                         "~b.held",
                         "a.success",
                         "~a.held",
                         "2",
                         "c.enter",
                         "c.success",
                         "~c.held"}));
}

TEST(managed, is_a_value_that_composes) {
    event_log log;
    with(withal::all(plain(log, "a"), plain(log, "b")),
         [&](auto& both) { log.push_back(std::get<0>(both) + std::get<1>(both)); });
    EXPECT_EQ(
        log,
        (event_log{"a.enter", "b.enter", "ab", "b.success", "~b.held", "a.success", "~a.held"}));
}

TEST(managed, in_try_with_gives_its_error_as_a_result) {
    event_log log;
    const withal::result<int> tried =
        withal::try_with(yields_twice(log), [](int& number) { return number; });
    EXPECT_EQ(text_of(tried.error()), "generator didn't stop");
    const withal::result<int> threw =
        withal::try_with(transaction(log), [](auto&) -> int { throw planned_failure("body"); });
    EXPECT_EQ(text_of(threw.error()), "body");
    EXPECT_EQ(threw.secondary().size(), 0U);
}

TEST(managed, unwinds_in_order_among_others) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(recorder(log, "a"),
                       transaction(log),
                       recorder(log, "b").failing_to_exit(),
                       [](auto&, auto&, auto&) { throw planned_failure("body"); });
              }),
              "body");
    EXPECT_EQ(log,
              (event_log{"a.enter",
                         "t.begin",
                         "b.enter",
                         "b.exit threw body",
                         "t.rollback body",
                         "~t.held",
                         "a.exit threw body"}));
}

TEST(managed, rolls_back_when_an_inner_enter_throws) {
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  with(
                      transaction(log), recorder(log, "b").failing_to_enter(), [](auto&, auto&) {});
              }),
              "b.enter");
    EXPECT_EQ(log, (event_log{"t.begin", "b.enter", "t.rollback b.enter", "~t.held"}));
}

TEST(managed, is_observed_by_its_type) {
    event_log log;
    const auto watching = withal::observe([&](const withal::event& seen) {
        if (seen.kind == withal::event_kind::entered || seen.kind == withal::event_kind::exited) {
            log.push_back(seen.manager);
        }
    });
    with(plain(log, "a"), [](auto&) {});
    const std::string name = withal::detail::type_name<managed<std::string>>();
    EXPECT_EQ(log, (event_log{"a.enter", name, "a.success", "~a.held", name}));
}

TEST(managed, runs_in_a_handler_and_in_a_destructor_that_unwinds) {
    struct on_unwind {
        event_log& log;
        ~on_unwind() {
            with(transaction(log, "ok"), [](auto&) {});
            EXPECT_EQ(thrown_by([this] {
                          with(transaction(log, "no"),
                               [](auto&) { throw planned_failure("inner"); });
                      }),
                      "inner");
        }
    };
    event_log log;
    EXPECT_EQ(thrown_by([&] {
                  const on_unwind guard{log};
                  throw planned_failure("outer");
              }),
              "outer");
    EXPECT_EQ(
        log,
        (event_log{
            "ok.begin", "ok.commit", "~ok.held", "no.begin", "no.rollback inner", "~no.held"}));
}

TEST(generator_error, is_a_logic_error_with_exactly_its_words) {
    const withal::generator_error copied = withal::generator_error("generator didn't yield");
    EXPECT_STREQ(copied.what(), "generator didn't yield");
}

} // namespace

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

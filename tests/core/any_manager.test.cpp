// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/any_manager.hpp>

#include <withal/core/adapt.hpp>
#include <withal/core/exit_stack.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using withal::any_manager;
using withal::outcome;
using withal::secondary_errors;
using withal::with;
using withal::testing::event_log;
using withal::testing::fault;
using withal::testing::fault_plan;
using withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::texts_of;
using withal::testing::thrown_by;
using withal::testing::word_of;

template <class F>
std::size_t allocations_of(F&& f) {
    const fault_plan counting;
    f();
    return counting.seen(fault::allocation);
}

/// A manager of `Words` pointers that writes down what is done to it and to its resource.
template <int Words>
struct tracked {
    event_log* log = nullptr;
    std::array<void*, Words - 1> rest{};

    void enter() { log->push_back("enter"); }
    void exit(const outcome& left) { log->push_back("exit " + word_of(left)); }
};
using small = tracked<4>;
using large = tracked<5>;

/// Lives on the heap, so that a sanitizer sees who uses it after its end.
class resource {
public:
    resource(event_log& log, std::string name)
        : log_(&log), name_(new std::string(std::move(name))) {
        log_->push_back(*name_ + " made");
    }
    resource(const resource&) = delete;
    resource& operator=(const resource&) = delete;
    ~resource() { log_->push_back(*name_ + " ended"); }
    [[nodiscard]] const std::string& name() const { return *name_; }

private:
    event_log* log_;
    std::unique_ptr<std::string> name_;
};

/// Enters to a value that can be neither copied nor moved.
struct gives_value {
    event_log* log;
    bool fails = false;

    resource enter() {
        log->push_back("enter");
        if (fails) {
            throw planned_failure("enter");
        }
        return {*log, "value"};
    }
    void exit(const outcome& left) { log->push_back("exit " + word_of(left)); }
};

struct base {
    int number = 1;
    base() = default;
    base(const base&) = default;
    base& operator=(const base&) = default;
    virtual ~base() = default;
    [[nodiscard]] virtual std::string word() const { return "base"; }
};
struct derived : base {
    [[nodiscard]] std::string word() const override { return "derived"; }
};

template <class T>
struct gives {
    T value;
    // NOLINTNEXTLINE(readability-redundant-casting): not where T is a reference
    T enter() { return static_cast<T>(value); }
    void exit() {}
};

// --- what it is ---

static_assert(withal::context_manager<any_manager<void>>);
static_assert(std::is_void_v<withal::entered_t<any_manager<void>>>);
static_assert(std::is_same_v<withal::entered_t<any_manager<int>>, int>);
static_assert(std::is_same_v<withal::entered_t<any_manager<base&>>, base&>);
static_assert(!withal::may_suppress<any_manager<void>>);
static_assert(!std::is_copy_constructible_v<any_manager<void>>);
static_assert(!std::is_constructible_v<any_manager<void>, any_manager<void>&>);
static_assert(!std::is_copy_assignable_v<any_manager<void>>);
static_assert(std::is_move_constructible_v<any_manager<void>>);
static_assert(!std::is_nothrow_move_constructible_v<any_manager<void>>);
static_assert(!std::is_constructible_v<any_manager<void>, int>);
static_assert(!noexcept(std::declval<any_manager<void>&>().enter()));
static_assert(!noexcept(std::declval<any_manager<void>&>().exit(outcome::success())));

TEST(any_manager, enters_and_exits_the_manager_inside_and_passes_the_resource) {
    event_log log;
    any_manager<std::string&> any = recorder(log, "a");
    const std::string* const inside = with(any, [&](std::string& name) {
        log.push_back("body " + name);
        return &name;
    });
    EXPECT_NE(inside, nullptr);
    EXPECT_EQ(log, (event_log{"a.enter", "body a", "a.exit ok"}));
}

TEST(any_manager, may_be_an_rvalue_and_stand_between_other_managers) {
    event_log log;
    with(recorder(log, "out"),
         any_manager<void>(recorder(log, "any")),
         recorder(log, "in"),
         [&](std::string&, std::string&) { log.push_back("body"); });
    EXPECT_EQ(log,
              (event_log{"out.enter",
                         "any.enter",
                         "in.enter",
                         "body",
                         "in.exit ok",
                         "any.exit ok",
                         "out.exit ok"}));
}

TEST(any_manager, of_different_types_stand_in_one_vector_and_are_entered_in_turn) {
    event_log log;
    std::vector<any_manager<void>> managers;
    std::mutex mutex;
    managers.push_back(recorder(log, "a"));
    managers.push_back(small{&log});
    managers.emplace_back(large{&log});
    managers.push_back(gives_value{&log});
    managers.push_back(mutex);
    for (any_manager<void>& each : managers) {
        with(each, [&] { log.push_back("body"); });
    }
    EXPECT_EQ(log,
              (event_log{"a.enter",
                         "body",
                         "a.exit ok", //
                         "enter",
                         "body",
                         "exit ok", //
                         "enter",
                         "body",
                         "exit ok", //
                         "enter",
                         "value made",
                         "body",
                         "exit ok",
                         "value ended",
                         "body"}));
}

TEST(any_manager, shows_the_exit_how_the_body_left) {
    const auto error_code = std::make_error_code(std::errc::io_error);
    event_log log;
    any_manager<void> any = recorder(log, "a");
    const std::exception_ptr thrown = std::make_exception_ptr(planned_failure("same"));
    std::exception_ptr seen;
    struct looks {
        std::exception_ptr* seen;
        void enter() {}
        void exit(const outcome& left) { *seen = left.exception(); }
    };
    any_manager<void> looking = looks{&seen};
    EXPECT_EQ(thrown_by([&] { with(any, looking, [&] { std::rethrow_exception(thrown); }); }),
              "same");
    EXPECT_EQ(seen, thrown);
    EXPECT_EQ(with(any, [&] { return error_code; }), error_code);
    any.enter();
    any.exit(outcome::success());
    EXPECT_EQ(
        log,
        (event_log{
            "a.enter", "a.exit threw same", "a.enter", "a.exit failed", "a.enter", "a.exit ok"}));
}

TEST(any_manager, throws_what_enter_and_exit_throw) {
    event_log log;
    any_manager<void> fails_to_enter = recorder(log, "a").failing_to_enter();
    any_manager<void> fails_to_exit = recorder(log, "b").failing_to_exit();
    EXPECT_EQ(thrown_by([&] { with(fails_to_enter, [] {}); }), "a.enter");
    EXPECT_EQ(thrown_by([&] { with(fails_to_exit, [] {}); }), "b.exit");
    try {
        with(fails_to_exit, [] { throw planned_failure("body"); });
        FAIL();
    } catch (const planned_failure& e) {
        EXPECT_STREQ(e.what(), "body");
        EXPECT_EQ(texts_of(secondary_errors()), (event_log{"b.exit"}));
    }
    // neither is entered now, so both may be moved
    any_manager<void> moved_a = std::move(fails_to_enter);
    any_manager<void> moved_b = std::move(fails_to_exit);
    EXPECT_EQ(log, (event_log{"a.enter", "b.enter", "b.exit ok", "b.enter", "b.exit threw body"}));
}

// --- what it accepts ---

TEST(any_manager, gives_a_reference_to_the_base_of_what_the_manager_gives) {
    derived object;
    any_manager<base&> by_reference = withal::null_context(object);
    any_manager<const base&> by_value = gives<derived>{};
    EXPECT_EQ(with(by_reference, [](base& b) { return &b; }), &object);
    EXPECT_EQ(with(by_value, [](const base& b) { return b.word(); }), "derived");
}

TEST(any_manager, keeps_the_value_it_refers_to_until_the_exit_has_run) {
    event_log log;
    any_manager<resource&> any = gives_value{&log};
    for (int use = 0; use < 2; ++use) {
        with(any, [&](resource& r) { log.push_back("body " + r.name()); });
    }
    const event_log once = {"enter", "value made", "body value", "exit ok", "value ended"};
    event_log twice = once;
    twice.insert(twice.end(), once.begin(), once.end());
    EXPECT_EQ(log, twice);
}

TEST(any_manager, keeps_no_value_when_enter_fails_and_can_be_entered_again) {
    event_log log;
    gives_value manager{&log, true};
    any_manager<resource&> any = manager;
    EXPECT_EQ(thrown_by([&] { with(any, [](resource&) {}); }), "enter");
    manager.fails = false;
    with(any, [](resource&) {});
    EXPECT_EQ(log, (event_log{"enter", "enter", "value made", "exit ok", "value ended"}));
}

TEST(any_manager, ends_the_kept_value_when_the_exit_fails_and_when_it_dies_without_one) {
    event_log log;
    struct fails_to_exit : gives_value {
        void exit() { throw planned_failure("exit"); }
    };
    any_manager<void> failing = fails_to_exit{{&log}};
    EXPECT_EQ(thrown_by([&] { with(failing, [] {}); }), "exit");
    {
        any_manager<void> dropped = gives_value{&log};
        dropped.enter();
    }
    EXPECT_EQ(
        log,
        (event_log{"enter", "value made", "value ended", "enter", "value made", "value ended"}));
}

TEST(any_manager, keeps_one_value_at_a_time) {
    event_log log;
    any_manager<void> any = gives_value{&log};
    const std::string said = thrown_by([&] { with(any, any, [] {}); });
    EXPECT_NE(said.find("is entered already"), std::string::npos) << said;
    EXPECT_NE(said.find("gives_value"), std::string::npos) << said;
    EXPECT_EQ(log, (event_log{"enter", "value made", "exit threw " + said, "value ended"}));
}

TEST(any_manager, gives_a_value_that_cannot_be_moved_where_it_is_to_be) {
    event_log log;
    any_manager<resource> any = gives_value{&log};
    with(any, [&](resource& r) { log.push_back("body " + r.name()); });
    EXPECT_EQ(log, (event_log{"enter", "value made", "body value", "exit ok", "value ended"}));
}

TEST(any_manager, converts_values) {
    struct gives_owner {
        std::unique_ptr<derived> enter() { return std::make_unique<derived>(); }
        void exit() {}
    };
    any_manager<std::unique_ptr<base>> owner = gives_owner{};
    any_manager<long> number = gives<int>{7};
    std::string text = "lives outside";
    any_manager<std::string_view> view = withal::null_context(text);
    EXPECT_EQ(with(owner, [](auto& b) { return b->word(); }), "derived");
    EXPECT_EQ(with(number, [](long& n) { return n; }), 7);
    EXPECT_EQ(with(view, [](std::string_view& v) { return v.data(); }), text.data());
}

TEST(any_manager, does_not_convert_where_something_would_be_lost) {
    using withal::detail::enters_as;
    static_assert(enters_as<derived, base&> && enters_as<derived&, const base&>);
    static_assert(enters_as<const int&, int> && enters_as<int&&, int&>);
    static_assert(!enters_as<const derived&, base&>, "it could be changed");
    static_assert(!enters_as<base&, derived&>, "it may be none");
    static_assert(!enters_as<int&, const long&>, "a reference to a temporary");
    static_assert(!enters_as<derived, base> && !enters_as<derived&, base>, "only a part of it");
    static_assert(!enters_as<long, int> && !enters_as<double, int> && !enters_as<int*, bool>,
                  "digits");
    static_assert(!enters_as<std::string, std::string_view>, "a view of what is gone");
    static_assert(!enters_as<void, int> && !enters_as<void, int&>, "there is nothing");
}

TEST(any_manager, takes_another_any_manager_in) {
    event_log log;
    any_manager<std::string&> inner = recorder(log, "a");
    any_manager<const std::string&> outer = std::move(inner);
    any_manager<void> outermost = outer;
    EXPECT_FALSE(inner);
    with(outer, [](const std::string& name) { EXPECT_EQ(name, "a"); });
    with(outermost, [] {});
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok", "a.enter", "a.exit ok"}));
}

TEST(any_manager, adapts_what_with_adapts) {
    std::mutex mutex;
    any_manager<void> any = mutex;
    with(any, [&] { EXPECT_FALSE(mutex.try_lock()); });
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
}

// --- owning ---

TEST(any_manager, refers_to_an_lvalue_and_owns_an_rvalue) {
    struct counts {
        int entered = 0;
        counts& enter() {
            ++entered;
            return *this;
        }
        void exit() {}
    };
    counts outside;
    any_manager<counts&> refers = outside;
    any_manager<counts&> owns = std::move(outside);
    EXPECT_EQ(with(refers, [](counts& c) { return &c; }), &outside);
    EXPECT_NE(with(owns, [](counts& c) { return &c; }), &outside);
    EXPECT_EQ(outside.entered, 1);
}

TEST(any_manager, enters_a_const_manager_that_can_be) {
    struct constant {
        int number = 6;
        const int& enter() const { return number; }
        void exit() const {}
    };
    const constant outside;
    any_manager<const int&> refers = outside;
    EXPECT_EQ(with(refers, [](const int& n) { return &n; }), &outside.number);
}

TEST(any_manager, makes_a_manager_that_cannot_be_moved_inside) {
    struct immovable {
        event_log* log;
        int number;
        immovable(event_log& to, int n) : log(&to), number(n) {}
        immovable(const immovable&) = delete;
        immovable& operator=(const immovable&) = delete;
        ~immovable() { log->push_back("ended"); }
        int& enter() { return number; }
        void exit() { log->push_back("exit"); }
    };
    event_log log;
    {
        any_manager<int&> any(std::in_place_type<immovable>, log, 5);
        any_manager<int&> moved = std::move(any);
        EXPECT_EQ(with(moved, [](int& n) { return n; }), 5);
    }
    EXPECT_EQ(log, (event_log{"exit", "ended"}));
}

TEST(any_manager, allocates_for_what_is_large_or_may_throw_when_moved_only) {
    struct throwing_move {
        throwing_move() = default;
        throwing_move(throwing_move&&) noexcept(false) {}
        throwing_move(const throwing_move&) = delete;
        throwing_move& operator=(const throwing_move&) = delete;
        ~throwing_move() = default;
        void enter() {}
        void exit() {}
    };
    event_log log;
    log.reserve(100);
    large lvalue{&log};
    const auto uses = [](auto&& manager) {
        return allocations_of([&] {
            any_manager<void> any = std::forward<decltype(manager)>(manager);
            any_manager<void> moved = std::move(any);
            any = std::move(moved);
            with(any, [] {});
        });
    };
    EXPECT_EQ(uses(small{&log}), 0U);
    EXPECT_EQ(uses(lvalue), 0U);
    EXPECT_EQ(uses(withal::null_context()), 0U);
    EXPECT_EQ(uses(large{&log}), 1U);
    EXPECT_EQ(uses(throwing_move()), 1U);
}

TEST(any_manager, is_not_made_when_memory_is_out_and_leaves_the_manager_alone) {
    event_log log;
    recorder manager(log, "a name that is longer than a string keeps inside");
    {
        const fault_plan no_memory(fault::allocation, 1);
        EXPECT_THROW(const any_manager<std::string&> any(std::move(manager)), std::bad_alloc);
    }
    with(manager, [](std::string& name) {
        EXPECT_EQ(name, "a name that is longer than a string keeps inside");
    });
}

TEST(any_manager, throws_what_the_managers_move_throws_and_leaks_nothing) {
    struct throws_when_moved {
        std::unique_ptr<int> owned = std::make_unique<int>(1);
        throws_when_moved() = default;
        throws_when_moved(throws_when_moved&& other) : owned(std::move(other.owned)) {
            throw planned_failure("move");
        }
        throws_when_moved(const throws_when_moved&) = delete;
        throws_when_moved& operator=(const throws_when_moved&) = delete;
        ~throws_when_moved() = default;
        void enter() {}
        void exit() {}
    };
    EXPECT_EQ(thrown_by([] { any_manager<void> any{throws_when_moved()}; }), "move");
    any_manager<void> in_place(std::in_place_type<throws_when_moved>);
    any_manager<void> moved = std::move(in_place); // the manager stays where it is
    with(moved, [] {});
}

TEST(any_manager, keeps_the_alignment_of_managers_and_resources) {
    struct alignas(64) wide {
        int number = 3;
        wide& enter() { return *this; }
        void exit() {}
    };
    struct gives_wide {
        wide enter() { return {}; }
        void exit() {}
    };
    const auto is_aligned = [](wide& w) {
        return reinterpret_cast<std::uintptr_t>(&w) % alignof(wide) == 0;
    };
    std::vector<any_manager<wide&>> managers;
    for (int made = 0; made < 5; ++made) {
        managers.push_back(wide());
        managers.push_back(gives_wide());
    }
    for (any_manager<wide&>& each : managers) {
        EXPECT_TRUE(with(each, is_aligned));
    }
    any_manager<wide> value = gives_wide();
    EXPECT_TRUE(with(value, is_aligned));
}

// --- empty, moved, entered ---

TEST(any_manager, without_a_manager_says_what_to_do) {
    event_log log;
    any_manager<void> any;
    const std::string empty = thrown_by([&] { with(any, [] {}); });
    EXPECT_NE(empty.find("withal::any_manager: there is no manager inside"), std::string::npos);
    EXPECT_NE(empty.find("assign a manager first"), std::string::npos);
    EXPECT_FALSE(any);
    any = recorder(log, "a");
    EXPECT_TRUE(any);
    any_manager<void> moved = std::move(any);
    EXPECT_FALSE(any);
    EXPECT_EQ(thrown_by([&] { with(any, [] {}); }), empty);
    EXPECT_THROW(with(any, [] {}), withal::logic_error);
    with(moved, [] {});
    moved = {};
    EXPECT_FALSE(moved);
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit ok"}));
}

TEST(any_manager, assigned_ends_what_it_held) {
    struct says_end {
        event_log* log;
        std::string name;
        says_end(event_log& to, std::string called) : log(&to), name(std::move(called)) {}
        says_end(says_end&& other) noexcept
            : log(std::exchange(other.log, nullptr)), name(std::move(other.name)) {}
        says_end(const says_end&) = delete;
        says_end& operator=(const says_end&) = delete;
        ~says_end() {
            if (log != nullptr) {
                log->push_back(name + " ended");
            }
        }
        void enter() {}
        void exit() { log->push_back(name + " exit"); }
    };
    event_log log;
    any_manager<void> first = says_end(log, "first");
    any_manager<void> second = says_end(log, "second");
    first = std::move(second);
    with(first, [] {});
    any_manager<void>& itself = first;
    first = std::move(itself);
    with(first, [] {});
    std::swap(first, second);
    EXPECT_FALSE(first);
    with(second, [] {});
    second = any_manager<void>();
    EXPECT_EQ(
        log,
        (event_log{"first ended", "second exit", "second exit", "second exit", "second ended"}));
}

template <class M>
void refuses_to_move_while_entered(M manager, event_log& log) {
    any_manager<void> other = recorder(log, "other");
    any_manager<void> any = std::move(manager);
    with(any, [&] {
        const std::string from = thrown_by([&] { any_manager<void> thief = std::move(any); });
        EXPECT_NE(from.find("is entered, and must stay where it is"), std::string::npos) << from;
        EXPECT_EQ(thrown_by([&] { other = std::move(any); }), from);
        EXPECT_EQ(thrown_by([&] { any = std::move(other); }), from);
    });
    any_manager<void> later = std::move(any);
    with(later, other, [] {});
}

TEST(any_manager, cannot_be_moved_while_entered_wherever_the_manager_stands) {
    event_log log;
    large outside{&log};
    refuses_to_move_while_entered(small{&log}, log);
    refuses_to_move_while_entered(large{&log}, log);
    refuses_to_move_while_entered<large&>(outside, log);
    const event_log once = {"enter", "exit ok", "enter", "other.enter", "other.exit ok", "exit ok"};
    event_log thrice = once;
    thrice.insert(thrice.end(), once.begin(), once.end());
    thrice.insert(thrice.end(), once.begin(), once.end());
    EXPECT_EQ(log, thrice);
}

TEST(any_manager, may_be_moved_after_an_enter_or_an_exit_that_failed) {
    event_log log;
    any_manager<void> one = recorder(log, "a").failing_to_enter();
    any_manager<void> two = recorder(log, "b").failing_to_exit();
    EXPECT_EQ(thrown_by([&] { with(one, [] {}); }), "a.enter");
    EXPECT_EQ(thrown_by([&] { with(two, [] {}); }), "b.exit");
    std::vector<any_manager<void>> managers;
    managers.push_back(std::move(one));
    managers.push_back(std::move(two));
    managers.reserve(managers.capacity() + 1);
    EXPECT_TRUE(managers[0] && managers[1]);
}

// --- again, and for others to see ---

/// Reentrant: it counts how deep it is entered.
struct nests {
    event_log* log;
    int depth = 0;
    void enter() { log->push_back("enter " + std::to_string(++depth)); }
    void exit() { log->push_back("exit " + std::to_string(depth--)); }
};

TEST(any_manager, is_entered_inside_itself_if_the_manager_inside_may) {
    event_log log;
    any_manager<void> any = nests{&log};
    with(any, [&] {
        with(any, [] {});
        // the outer one still holds it
        EXPECT_THROW(const any_manager<void> thief(std::move(any)), withal::logic_error);
    });
    any_manager<void> moved = std::move(any);
    EXPECT_EQ(log, (event_log{"enter 1", "enter 2", "exit 2", "exit 1"}));
}

struct ticket : withal::single_use {
    event_log* log;
    explicit ticket(event_log& to) : log(&to) {}
    void enter() { log->push_back("enter"); }
    void exit() { log->push_back("exit"); }
};

TEST(any_manager, enters_a_single_use_manager_once_also_after_a_move) {
    event_log log;
    any_manager<void> any = ticket(log);
    with(any, [] {});
    any_manager<void> moved = std::move(any);
    const std::string said = thrown_by([&] { with(moved, [] {}); });
    EXPECT_NE(said.find("ticket"), std::string::npos) << said;
    EXPECT_NE(said.find("can be entered only once"), std::string::npos) << said;
    EXPECT_EQ(log, (event_log{"enter", "exit"}));
}

TEST(any_manager, shows_observers_the_words_of_the_manager_inside) {
    struct described {
        void enter() {}
        void exit() {}
        [[nodiscard]] const char* label() const noexcept { return "notes.txt"; }
        [[nodiscard]] const char* note() const noexcept { return "closed"; }
    };
    any_manager<void> with_words = described();
    any_manager<void> without_words = withal::null_context();
    any_manager<void> empty;
    event_log seen;
    {
        const auto watching = withal::observe([&](const withal::event& e) noexcept {
            if (e.kind == withal::event_kind::exited ||
                e.kind == withal::event_kind::enter_failed) {
                seen.push_back(std::string(e.manager) + ", " + (e.note == nullptr ? "-" : e.note));
            }
        });
        with(with_words, [] {});
        with(without_words, [] {});
        EXPECT_THROW(with(empty, [] {}), withal::logic_error);
    }
    EXPECT_EQ(seen,
              (event_log{"notes.txt, closed",
                         "withal::null_manager, -",
                         "withal::any_manager without a manager, -"}));
    EXPECT_EQ(empty.note(), nullptr);
}

// --- in every driver ---

TEST(any_manager, works_in_every_driver) {
    event_log log;
    any_manager<std::string&> any = recorder(log, "a");
    EXPECT_EQ(withal::try_with(any, [](std::string& s) { return s; }).value(), "a");
    EXPECT_EQ(*withal::scoped(any), "a");
    EXPECT_EQ(*withal::scoped(any_manager<std::string&>(recorder(log, "b"))), "b");
    with(withal::all(any, any_manager<void>(recorder(log, "c"))), [](auto&) {});
    with(withal::when(true, any), [](std::string* s) { EXPECT_EQ(*s, "a"); });
    with([&] { return any_manager<void>(recorder(log, "d")); }, [] {});
    EXPECT_EQ(log,
              (event_log{"a.enter",
                         "a.exit ok",
                         "a.enter",
                         "a.exit ok",
                         "b.enter",
                         "b.exit ok",
                         "a.enter",
                         "c.enter",
                         "c.exit ok",
                         "a.exit ok",
                         "a.enter",
                         "a.exit ok",
                         "d.enter",
                         "d.exit ok"}));
}

TEST(any_manager, works_on_an_exit_stack_and_stays_where_it_is_when_the_stack_is_moved) {
    event_log log;
    std::vector<any_manager<void>> referred;
    referred.push_back(small{&log});
    any_manager<void> entered_by_hand = recorder(log, "pushed");
    std::optional<withal::exit_stack> kept;
    const std::string* name = nullptr;
    with(withal::exit_stack(), [&](auto& stack) {
        name = &stack.enter(any_manager<std::string&>(recorder(log, "owned")));
        for (any_manager<void>& each : referred) {
            stack.enter(each);
        }
        entered_by_hand.enter();
        stack.push(entered_by_hand);
        kept.emplace(stack.pop_all());
    });
    EXPECT_EQ(*name, "owned");
    EXPECT_THROW(referred.push_back(small{&log}), withal::logic_error) << "it would have to move";
    kept->close();
    EXPECT_EQ(
        log,
        (event_log{
            "owned.enter", "enter", "pushed.enter", "pushed.exit ok", "exit ok", "owned.exit ok"}));
}

TEST(any_manager, that_is_entered_already_is_exited_when_a_stack_would_have_to_move_it) {
    event_log log;
    any_manager<void> any = recorder(log, "a");
    withal::exit_stack stack;
    any.enter();
    const std::string said = thrown_by([&] { stack.push(std::move(any)); });
    EXPECT_NE(said.find("must stay where it is"), std::string::npos) << said;
    stack.close();
    EXPECT_EQ(log, (event_log{"a.enter", "a.exit threw " + said}));
}

TEST(any_manager, is_exited_once_wherever_memory_runs_out) {
    std::set<event_log> traces;
    event_log log;
    const std::size_t steps = withal::testing::for_each_failure(
        fault::allocation,
        [&] {
            log.clear();
            std::vector<any_manager<void>> managers;
            managers.push_back(recorder(log, "a"));
            managers.push_back(gives<std::vector<int>>{std::vector<int>(3)}); // enter() copies it
            managers.push_back(recorder(log, "b"));
            with(managers[0], managers[1], managers[2], [] {});
        },
        [&] { traces.insert(log); });
    EXPECT_GE(steps, 5U);
    EXPECT_EQ(traces,
              (std::set<event_log>{{},
                                   {"a.enter", "a.exit threw std::bad_alloc"},
                                   {"a.enter", "b.enter", "b.exit ok", "a.exit ok"}}));
}

TEST(any_manager, exits_a_manager_whose_resource_cannot_be_converted) {
    struct picky {
        picky() = default;
        picky(const picky&) { throw 7; }
        picky& operator=(const picky&) = delete;
    };
    struct holder {
        event_log* log;
        bool fails = false;
        picky one{};
        picky& enter() {
            log->emplace_back("enter");
            return one;
        }
        void exit(const withal::outcome& left) {
            log->push_back("exit " + withal::testing::word_of(left));
            if (fails) {
                throw withal::testing::planned_failure("exit");
            }
        }
    };
    event_log log;
    holder here{&log};
    withal::any_manager<picky> erased(here);
    EXPECT_EQ(withal::testing::thrown_by([&] { withal::with(erased, [](picky&) {}); }), "7");
    EXPECT_EQ(log, (event_log{"enter", "exit threw 7"}));
    here.fails = true;
    const auto tried = withal::try_with(erased, [](picky&) {});
    EXPECT_EQ(withal::testing::text_of(tried.error()), "7");
    EXPECT_EQ(withal::testing::texts_of(tried.secondary()), (event_log{"exit"}));
}

} // namespace

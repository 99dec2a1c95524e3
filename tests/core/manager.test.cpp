// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/core/manager.hpp>

#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <mutex>
#include <type_traits>

namespace {

using withal::context_manager;
using withal::entered_t;
using withal::may_suppress;
using withal::outcome;
using withal::reuse;
using withal::reuse_of;
using withal::verdict;

struct plain {
    int enter() { return 1; }
    void exit() {}
};
struct asking {
    int& enter() { return number; }
    void exit(const outcome&) {}
    int number = 0;
};
struct suppressing {
    static constexpr reuse reuse_category = reuse::reentrant;
    void enter() {}
    verdict exit(const outcome&) noexcept { return verdict::suppress; }
};
struct answers_bool {
    void enter() {}
    bool exit(const outcome&) { return true; }
};
struct no_exit {
    void enter() {}
};
struct no_enter {
    void exit() {}
};

static_assert(context_manager<plain> && context_manager<plain&> && context_manager<asking> &&
              context_manager<suppressing> && context_manager<std::mutex>);
static_assert(!context_manager<const plain>, "its members are not const");
static_assert(!context_manager<answers_bool>, "a bool does not say what is true");
static_assert(!context_manager<no_exit> && !context_manager<no_enter> && !context_manager<int>);

static_assert(std::is_same_v<entered_t<plain>, int>);
static_assert(std::is_same_v<entered_t<asking>, int&>);
static_assert(std::is_void_v<entered_t<suppressing>>);
static_assert(std::is_void_v<entered_t<std::mutex&>>);

static_assert(!may_suppress<plain> && !may_suppress<asking> && may_suppress<suppressing>);
static_assert(reuse_of<plain> == reuse::reusable);
static_assert(reuse_of<suppressing&> == reuse::reentrant);
static_assert(reuse_of<withal::single_use> == reuse::single_use);

/// A type of somebody else's, adapted.
struct gate {
    int open = 0;
    bool failed = false;
};

} // namespace

template <>
struct withal::manager_traits<gate> {
    static int enter(gate& g) { return ++g.open; }
    static verdict exit(gate& g, const outcome& left) {
        --g.open;
        g.failed = left.failed();
        return verdict::suppress;
    }
};

namespace {

static_assert(may_suppress<gate>);

TEST(manager_traits, adapt_a_foreign_type) {
    gate g;
    EXPECT_EQ(withal::with(g, [](int& n) { return n; }), 1);
    EXPECT_EQ(g.open, 0);
    EXPECT_FALSE(withal::with(g, [](int&) { throw 1; }));
    EXPECT_TRUE(g.failed);
}

/// Has both forms of exit: the one that is told more is meant.
struct both_exits {
    int* asked;
    void enter() {}
    void exit() { *asked = -1; }
    void exit(const outcome&) { *asked = 1; }
};

TEST(context_manager, with_both_exits_is_told_how_the_body_left) {
    int asked = 0;
    withal::with(both_exits{&asked}, [] {});
    EXPECT_EQ(asked, 1);
}

/// Has lock() and unlock() and is a manager itself: its own words win.
struct lockable_manager {
    int* entered;
    void lock() {}
    void unlock() {}
    void enter() { ++*entered; }
    void exit() {}
};

TEST(context_manager, prefers_its_own_enter_to_its_lock) {
    int entered = 0;
    withal::with(lockable_manager{&entered}, [] {});
    EXPECT_EQ(entered, 1);
}

/// A foreign type whose own exit() means something else.
struct foreign {
    int open = 0;
    void exit() { open = -1; }
};

} // namespace

template <>
struct withal::manager_traits<foreign> {
    static void enter(foreign& f) { ++f.open; }
    static void exit(foreign& f) { --f.open; }
};

namespace {

TEST(manager_traits, are_preferred_to_members_that_mean_other_things) {
    foreign f;
    withal::with(f, [&] { EXPECT_EQ(f.open, 1); });
    EXPECT_EQ(f.open, 0);
}

} // namespace

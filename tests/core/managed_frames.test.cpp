// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where the frames of generators live: how often they are allocated, how many are kept, when they
// are given back.
#include <withal/core/managed.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

// What these generators refer to lives until the end of the test.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

namespace {

using withal::managed;
using withal::outcome;
using withal::suppressing_managed;
using withal::with;
using withal::detail::frame_recycler;
using withal::detail::frames_here;
using withal::testing::allocations_are_counted;
using withal::testing::fault;
using withal::testing::fault_plan;
using withal::testing::live_blocks;

managed<int> number(int value) {
    co_yield value;
}

suppressing_managed<int> swallowing(int value) {
    try {
        co_yield value;
    } catch (int) { // swallow: that is what it is for
    }
}

managed<int> refusing() {
    throw 42;
    co_yield 0;
}

template <std::size_t Size>
managed<char> sized() {
    char room[Size];
    room[0] = 'a';
    room[Size - 1] = 'z';
    co_yield room[0];
    EXPECT_EQ(room[Size - 1], 'z');
}

/// Runs f on a thread of its own, whose recycler is as new.
template <class F>
void on_a_new_thread(F&& f) {
    std::thread(static_cast<F&&>(f)).join();
}

class frames : public testing::Test {
protected:
    void SetUp() override {
        if (!allocations_are_counted()) {
            GTEST_SKIP() << "this build counts no allocations";
        }
    }
};

// --- how often one is allocated ---

TEST_F(frames, are_allocated_once_and_recycled) {
    on_a_new_thread([] {
        fault_plan counting;
        for (int i = 0; i < 100; ++i) {
            EXPECT_EQ(with(number(i), [](int& n) { return n; }), i);
        }
        EXPECT_EQ(counting.seen(fault::allocation), 1U);
        EXPECT_EQ(frames_here.kept(), 1U);
    });
}

TEST_F(frames, are_recycled_however_the_generator_ends) {
    const auto every_way = [] {
        with(number(1), number(2), number(3), [](int&, int&, int&) {});
        static_cast<void>(with(swallowing(1), [](int&) { throw 1; }));
        EXPECT_THROW(with(number(1), [](int&) { throw 1; }), int);
        EXPECT_THROW(with(refusing(), [](int&) {}), int);
        static_cast<void>(number(1)); // dropped before its enter
        managed<int> entered = number(1);
        entered.enter();
    };
    on_a_new_thread([&] {
        every_way();
        const std::size_t kept = frames_here.kept();
        fault_plan counting;
        every_way();
        every_way();
        EXPECT_EQ(counting.seen(fault::allocation), 0U);
        EXPECT_EQ(frames_here.kept(), kept);
    });
}

TEST_F(frames, of_different_sizes_are_kept_apart) {
    const auto every_size = [] {
        with(sized<1>(), [](char&) {});
        with(sized<100>(), [](char&) {});
        with(sized<300>(), [](char&) {});
        with(sized<700>(), [](char&) {});
    };
    on_a_new_thread([&] {
        fault_plan counting;
        every_size();
        EXPECT_EQ(counting.seen(fault::allocation), 4U);
        every_size();
        EXPECT_EQ(counting.seen(fault::allocation), 4U);
        EXPECT_EQ(frames_here.kept(), 4U);
    });
}

// --- how many are kept ---

TEST_F(frames, are_kept_up_to_a_bound) {
    on_a_new_thread([] {
        const std::size_t before = live_blocks();
        {
            std::vector<managed<int>> many;
            for (int i = 0; i < 1000; ++i) {
                many.push_back(number(i));
            }
        }
        EXPECT_GE(frames_here.kept(), 4U);
        EXPECT_LE(frames_here.kept(), frame_recycler::kept_of_a_size / 64 + 1);
        EXPECT_EQ(live_blocks(), before + frames_here.kept());
    });
}

TEST_F(frames, that_are_large_are_not_kept) {
    on_a_new_thread([] {
        const std::size_t before = live_blocks();
        fault_plan counting;
        for (int i = 0; i < 3; ++i) {
            with(sized<2 * frame_recycler::largest_kept>(), [](char&) {});
        }
        EXPECT_EQ(counting.seen(fault::allocation), 3U);
        EXPECT_EQ(frames_here.kept(), 0U);
        EXPECT_EQ(live_blocks(), before);
    });
}

TEST(frame_recycler, keeps_blocks_of_every_size_and_gives_them_out_again) {
    on_a_new_thread([] {
        frame_recycler& here = frames_here;
        for (std::size_t size = 1; size <= frame_recycler::largest_kept + 2; ++size) {
            void* const first = here.take(size);
            void* const second = here.take(size);
            EXPECT_NE(first, second);
            for (void* each : {first, second}) {
                EXPECT_EQ(reinterpret_cast<std::uintptr_t>(each) % frame_recycler::alignment, 0U);
                __builtin_memset(each, 0x5a, size);
            }
            here.give(first, size);
            here.give(second, size);
            if (size <= frame_recycler::largest_kept) {
                EXPECT_EQ(here.take(size), first); // next
                EXPECT_EQ(here.take(size), second);
                here.give(first, size);
                here.give(second, size);
            }
        }
        EXPECT_EQ(here.kept(), 2 * frame_recycler::largest_kept / frame_recycler::alignment);
    });
}

TEST(frame_recycler, refuses_a_size_that_does_not_exist) {
    const auto most = static_cast<std::size_t>(-1);
    EXPECT_THROW(frames_here.take(most), std::bad_alloc);
    EXPECT_THROW(frames_here.take(most - frame_recycler::alignment), std::bad_alloc);
}

// --- no memory ---

managed<int> says_that_it_ran(bool& ran, std::shared_ptr<int> owned) {
    ran = true;
    co_yield *owned;
}

TEST_F(frames, that_cannot_be_had_are_a_bad_alloc_before_anything_runs) {
    on_a_new_thread([] {
        bool ran = false;
        const auto owned = std::make_shared<int>(1);
        {
            fault_plan plan(fault::allocation, 1);
            EXPECT_THROW(with(says_that_it_ran(ran, owned), [](int&) {}), std::bad_alloc);
            EXPECT_TRUE(plan.done());
        }
        EXPECT_FALSE(ran);
        EXPECT_EQ(owned.use_count(), 1);
        with(says_that_it_ran(ran, owned), [](int&) {});
        EXPECT_TRUE(ran);
    });
}

TEST_F(frames, survive_every_failing_allocation) {
    on_a_new_thread([] {
        bool done = false;
        for (std::size_t nth = 1; !done; ++nth) {
            fault_plan plan(fault::allocation, nth);
            try {
                with(sized<500>(), sized<500>(), [](char& a, char& b) {
                    const auto both = std::make_unique<int>(a + b);
                    EXPECT_EQ(*both, 2 * 'a');
                });
            } catch (const std::bad_alloc&) { // swallow: planned
            }
            done = !plan.done();
        }
    });
}

// --- when they are given back ---

TEST_F(frames, are_given_back_when_the_thread_ends) {
    on_a_new_thread([] {}); // what threads keep for themselves
    const std::size_t before = live_blocks();
    on_a_new_thread([] {
        with(number(1), number(2), [](int&, int&) {});
        with(sized<300>(), sized<300>(), sized<300>(), [](char&, char&, char&) {});
        EXPECT_EQ(frames_here.kept(), 5U);
    });
    EXPECT_EQ(live_blocks(), before);
}

/// Dies with its thread, and then uses generators.
struct late {
    ~late() {
        if (held.has_value()) {
            held.reset();
            with(number(1), number(2), [](int& a, int& b) { EXPECT_EQ(a + b, 3); });
            EXPECT_EQ(frames_here.kept(), 0U);
        }
    }
    std::optional<managed<int>> held;
};

TEST_F(frames, that_end_after_the_recycler_of_their_thread_are_given_back) {
    on_a_new_thread([] {});
    const std::size_t before = live_blocks();
    on_a_new_thread([] {
        static thread_local late last; // made first, so it dies last
        last.held.emplace(number(7));
        last.held->enter();
        with(number(1), [](int&) {}); // the first that is kept
        EXPECT_EQ(frames_here.kept(), 1U);
    });
    EXPECT_EQ(live_blocks(), before);
}

TEST_F(frames, of_a_thread_that_kept_none_are_given_back) {
    on_a_new_thread([] {});
    const std::size_t before = live_blocks();
    on_a_new_thread([] {
        static thread_local std::optional<managed<int>> only;
        only.emplace(number(7));
        only->enter();
    });
    EXPECT_EQ(live_blocks(), before);
}

TEST_F(frames, may_end_on_another_thread_which_keeps_them) {
    on_a_new_thread([] {});
    const std::size_t before = live_blocks();
    on_a_new_thread([] {
        std::optional<managed<int>> travelling = number(7);
        EXPECT_EQ(travelling->enter(), 7);
        on_a_new_thread([&] {
            travelling->exit(outcome::success());
            EXPECT_EQ(frames_here.kept(), 1U);
            fault_plan counting;
            with(number(8), [](int&) {});
            EXPECT_EQ(counting.seen(fault::allocation), 0U);
        });
        EXPECT_EQ(frames_here.kept(), 0U);
    });
    EXPECT_EQ(live_blocks(), before);
}

// --- use after the end ---

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITHAL_ADDRESSES_ARE_CHECKED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITHAL_ADDRESSES_ARE_CHECKED 1
#endif

#if defined(WITHAL_ADDRESSES_ARE_CHECKED)
TEST(frames_DeathTest, that_are_kept_are_closed_to_whoever_uses_a_resource_after_its_exit) {
    managed<int> manager = number(7);
    volatile int& resource = manager.enter();
    manager.exit(outcome::success());
    EXPECT_DEATH(resource = 8, "use-after-poison");
}
#endif

} // namespace

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A manager written as a generator, as a class, and by hand. managed_cost.toml says which case is
// held against which.
#include "managers.hpp"
#include "opaque.hpp"
#include <withal/core/managed.hpp>
#include <withal/core/with.hpp>

#include <iterator>
#include <mutex>

namespace {

using namespace withal_bench;

//
// Acquire, release
//

withal::managed<int> as_generator(int seed) {
    const raii one(seed);
    int handle = one.handle;
    co_yield handle;
}

int release_hand(int seed) {
    const raii one(seed);
    return use(one.handle);
}

int release_class(int seed) {
    return withal::with(quiet{seed}, [](int& handle) { return use(handle); });
}

int release_generator(int seed) {
    return withal::with(as_generator(seed), [](int& handle) { return use(handle); });
}

//
// The same with a body of some work
//

int work(int handle) {
    return use(handle) + use(handle + 1) + use(handle + 2) + use(handle + 3);
}

int working_hand(int seed) {
    const raii one(seed);
    return work(one.handle);
}

int working_class(int seed) {
    return withal::with(quiet{seed}, [](int& handle) { return work(handle); });
}

int working_generator(int seed) {
    return withal::with(as_generator(seed), [](int& handle) { return work(handle); });
}

//
// The same under a lock: the least that guards something
//

std::mutex shared;

withal::managed<int> locked_generator(int seed) {
    const std::lock_guard held(shared);
    const raii one(seed);
    int handle = one.handle;
    co_yield handle;
}

int locked_hand(int seed) {
    const std::lock_guard held(shared);
    const raii one(seed);
    return use(one.handle);
}

int locked_class(int seed) {
    return withal::with(shared, quiet{seed}, [](int& handle) { return use(handle); });
}

int locked_by_generator(int seed) {
    return withal::with(locked_generator(seed), [](int& handle) { return use(handle); });
}

//
// Acquire, commit or roll back
//

withal::managed<int> transaction_generator(int seed) {
    int handle = acquire(seed);
    try {
        co_yield handle;
    } catch (...) {
        rollback(handle);
        throw;
    }
    commit(handle);
}

/// As if it stood in another translation unit.
[[gnu::noinline]] withal::managed<int> transaction_elsewhere(int seed) {
    return transaction_generator(seed);
}

template <int (*Body)(int)>
[[gnu::always_inline]] inline int by_hand(int seed) {
    const int handle = acquire(seed);
    int result = 0;
    try {
        result = Body(handle);
    } catch (...) {
        rollback(handle);
        throw;
    }
    commit(handle);
    return result;
}

template <int (*Body)(int), class Manager>
[[gnu::always_inline]] inline int within(Manager&& manager) {
    return withal::with(static_cast<Manager&&>(manager), [](int& handle) { return Body(handle); });
}

int commit_hand(int seed) {
    return by_hand<use>(seed);
}

int commit_class(int seed) {
    return within<use>(transaction{seed});
}

int commit_generator(int seed) {
    return within<use>(transaction_generator(seed));
}

int commit_elsewhere(int seed) {
    return within<use>(transaction_elsewhere(seed));
}

int throwing_hand(int seed) {
    return by_hand<use_and_throw>(seed);
}

int throwing_class(int seed) {
    return within<use_and_throw>(transaction{seed});
}

int throwing_generator(int seed) {
    return within<use_and_throw>(transaction_generator(seed));
}

int throwing_release_class(int seed) {
    return within<use_and_throw>(quiet{seed});
}

int throwing_release_generator(int seed) {
    return within<use_and_throw>(as_generator(seed));
}

constexpr bench_case cases[] = {
    {"release_hand", release_hand},
    {"release_class", release_class},
    {"release_generator", release_generator},
    {"working_hand", working_hand},
    {"working_class", working_class},
    {"working_generator", working_generator},
    {"locked_hand", locked_hand},
    {"locked_class", locked_class},
    {"locked_by_generator", locked_by_generator},
    {"commit_hand", commit_hand},
    {"commit_class", commit_class},
    {"commit_generator", commit_generator},
    {"commit_elsewhere", commit_elsewhere},
    {"throwing_hand", throwing_hand},
    {"throwing_class", throwing_class},
    {"throwing_generator", throwing_generator},
    {"throwing_release_class", throwing_release_class},
    {"throwing_release_generator", throwing_release_generator},
};

} // namespace

int main(int argc, char** argv) {
    return run_cases(argc, argv, cases, std::size(cases));
}

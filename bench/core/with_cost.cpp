// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The same work written with withal::with, by hand, and with the guards of other libraries, side by
// side in one binary. with_cost.toml says which case is held against which.
#include "managers.hpp"
#include "opaque.hpp"
#include <withal/core/with.hpp>

#include <absl/cleanup/cleanup.h>
#include <boost/scope_exit.hpp>
#include <gsl/util>

#include <functional>
#include <optional>
#include <utility>

namespace {

using namespace withal_bench;

struct swallowing {
    int handle;
    int enter() { return handle = acquire(handle); }
    withal::verdict exit(const withal::outcome& left) {
        release_or_throw(handle);
        return left.failed() ? withal::verdict::suppress : withal::verdict::propagate;
    }
};

//
// One manager that cannot fail
//

int noexcept_hand(int seed) {
    const raii one(seed);
    return use(one.handle);
}

int noexcept_with(int seed) {
    return withal::with(quiet{seed}, [](int& handle) { return use(handle); });
}

int noexcept_absl(int seed) {
    const int handle = acquire(seed);
    const absl::Cleanup guard = [handle] { release(handle); };
    return use(handle);
}

int noexcept_gsl(int seed) {
    const int handle = acquire(seed);
    const auto guard = gsl::finally([handle] { release(handle); });
    return use(handle);
}

int noexcept_boost(int seed) {
    const int handle = acquire(seed);
    BOOST_SCOPE_EXIT(handle) {
        release(handle);
    }
    BOOST_SCOPE_EXIT_END
    return use(handle);
}

class function_guard {
public:
    explicit function_guard(std::function<void()> action) : action_(std::move(action)) {}
    ~function_guard() { action_(); }
    function_guard(const function_guard&) = delete;
    function_guard& operator=(const function_guard&) = delete;

private:
    std::function<void()> action_;
};

int noexcept_function(int seed) {
    const int handle = acquire(seed);
    const function_guard guard([handle] { release(handle); });
    return use(handle);
}

int throwing_hand(int seed) {
    const raii one(seed);
    return use_and_throw(one.handle);
}

int throwing_with(int seed) {
    return withal::with(quiet{seed}, [](int& handle) { return use_and_throw(handle); });
}

int throwing_absl(int seed) {
    const int handle = acquire(seed);
    const absl::Cleanup guard = [handle] { release(handle); };
    return use_and_throw(handle);
}

//
// One manager that can
//

int fallible_hand(int seed) {
    const int handle = acquire(seed);
    int result = 0;
    try {
        result = use(handle);
    } catch (...) {
        release_or_throw(handle);
        throw;
    }
    release_or_throw(handle);
    return result;
}

int fallible_with(int seed) {
    return withal::with(fallible{seed}, [](int& handle) { return use(handle); });
}

int commit_hand(int seed) {
    const int handle = acquire(seed);
    int result = 0;
    try {
        result = use(handle);
    } catch (...) {
        rollback(handle);
        throw;
    }
    commit(handle);
    return result;
}

int commit_with(int seed) {
    return withal::with(transaction{seed}, [](int& handle) { return use(handle); });
}

/// A function whose result is missing when the error was swallowed.
[[gnu::noinline]] std::optional<int> swallowed_by_hand(int seed) {
    const int handle = acquire(seed);
    int result = 0;
    try {
        result = use(handle);
    } catch (...) {
        release_or_throw(handle);
        return std::nullopt;
    }
    release_or_throw(handle);
    return result;
}

[[gnu::noinline]] std::optional<int> swallowed_by_with(int seed) {
    return withal::with(swallowing{seed}, [](int& handle) { return use(handle); });
}

int suppress_hand(int seed) {
    return swallowed_by_hand(seed).value_or(-1);
}

int suppress_with(int seed) {
    return swallowed_by_with(seed).value_or(-1);
}

//
// Several managers. By hand: a try block a level, as one would write it.
//

template <int Depth, int (*Body)(int)>
[[gnu::always_inline]] inline int nested_commit(int seed, int sum) {
    if constexpr (Depth == 0) {
        return Body(sum);
    } else {
        const int handle = acquire(seed);
        int result = 0;
        try {
            result = nested_commit<Depth - 1, Body>(seed, sum + handle);
        } catch (...) {
            rollback(handle);
            throw;
        }
        commit(handle);
        return result;
    }
}

int two_hand(int seed) {
    return nested_commit<2, use>(seed, 0);
}

int two_with(int seed) {
    return withal::with(
        transaction{seed}, transaction{seed}, [](int& a, int& b) { return use(a + b); });
}

int three_hand(int seed) {
    return nested_commit<3, use>(seed, 0);
}

int three_with(int seed) {
    return withal::with(transaction{seed},
                        transaction{seed},
                        transaction{seed},
                        [](int& a, int& b, int& c) { return use(a + b + c); });
}

int five_hand(int seed) {
    return nested_commit<5, use>(seed, 0);
}

int five_with(int seed) {
    return withal::with(
        transaction{seed},
        transaction{seed},
        transaction{seed},
        transaction{seed},
        transaction{seed},
        [](int& a, int& b, int& c, int& d, int& e) { return use(a + b + c + d + e); });
}

int five_throwing_hand(int seed) {
    return nested_commit<5, use_and_throw>(seed, 0);
}

int five_throwing_with(int seed) {
    return withal::with(
        transaction{seed},
        transaction{seed},
        transaction{seed},
        transaction{seed},
        transaction{seed},
        [](int& a, int& b, int& c, int& d, int& e) { return use_and_throw(a + b + c + d + e); });
}

int five_noexcept_hand(int seed) {
    const raii a(seed);
    const raii b(seed);
    const raii c(seed);
    const raii d(seed);
    const raii e(seed);
    return use(a.handle + b.handle + c.handle + d.handle + e.handle);
}

int five_noexcept_with(int seed) {
    return withal::with(
        quiet{seed},
        quiet{seed},
        quiet{seed},
        quiet{seed},
        quiet{seed},
        [](int& a, int& b, int& c, int& d, int& e) { return use(a + b + c + d + e); });
}

constexpr bench_case cases[] = {
    {"noexcept_hand", noexcept_hand},
    {"noexcept_with", noexcept_with},
    {"noexcept_absl", noexcept_absl},
    {"noexcept_gsl", noexcept_gsl},
    {"noexcept_boost", noexcept_boost},
    {"noexcept_function", noexcept_function},
    {"throwing_hand", throwing_hand},
    {"throwing_with", throwing_with},
    {"throwing_absl", throwing_absl},
    {"fallible_hand", fallible_hand},
    {"fallible_with", fallible_with},
    {"commit_hand", commit_hand},
    {"commit_with", commit_with},
    {"suppress_hand", suppress_hand},
    {"suppress_with", suppress_with},
    {"two_hand", two_hand},
    {"two_with", two_with},
    {"three_hand", three_hand},
    {"three_with", three_with},
    {"five_hand", five_hand},
    {"five_with", five_with},
    {"five_throwing_hand", five_throwing_hand},
    {"five_throwing_with", five_throwing_with},
    {"five_noexcept_hand", five_noexcept_hand},
    {"five_noexcept_with", five_noexcept_with},
};

} // namespace

int main(int argc, char** argv) {
    return run_cases(argc, argv, cases, std::size(cases));
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// K exits whose number is known at run time only, on an exit_stack and in what one would use
// instead. stack_cost.toml says which case is held against which.
#include "opaque.hpp"
#include <withal/core/exit_stack.hpp>
#include <withal/core/with.hpp>

#include <absl/cleanup/cleanup.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace {

using namespace withal_bench;

//
// One number is all that an exit needs
//

template <int K>
int one_stack(int seed) {
    return withal::with(withal::exit_stack(), [seed](withal::exit_stack& stack) {
        for (int n = 0; n < K; ++n) {
            stack.defer([handle = seed + n] { release(handle); });
        }
        return seed;
    });
}

template <int K>
int one_inplace(int seed) {
    return withal::with(withal::inplace_exit_stack<32 * K>(), [seed](auto& stack) {
        for (int n = 0; n < K; ++n) {
            stack.defer([handle = seed + n] { release(handle); });
        }
        return seed;
    });
}

template <int K>
int one_array(int seed) {
    struct entry {
        void (*function)(int) noexcept;
        int handle;
    };
    entry entries[K];
    std::size_t size = 0;
    for (int n = 0; n < K; ++n) {
        entries[size++] = {&release, seed + n};
    }
    while (size > 0) {
        --size;
        entries[size].function(entries[size].handle);
    }
    return seed;
}

template <int K, bool Reserved>
int one_functions(int seed) {
    std::vector<std::function<void()>> exits;
    if constexpr (Reserved) {
        exits.reserve(K);
    }
    for (int n = 0; n < K; ++n) {
        exits.emplace_back([handle = seed + n] { release(handle); });
    }
    while (!exits.empty()) {
        exits.back()();
        exits.pop_back();
    }
    return seed;
}

template <int K>
int one_cleanups(int seed) {
    std::vector<absl::Cleanup<absl::cleanup_internal::Tag, std::function<void()>>> exits;
    exits.reserve(K);
    for (int n = 0; n < K; ++n) {
        exits.emplace_back(std::function<void()>([handle = seed + n] { release(handle); }));
    }
    while (!exits.empty()) {
        exits.pop_back();
    }
    return seed;
}

//
// Four numbers
//

template <int K>
int four_stack(int seed) {
    return withal::with(withal::exit_stack(), [seed](withal::exit_stack& stack) {
        for (long n = 0; n < K; ++n) {
            stack.defer([handle = seed, n, m = n + 1, o = n + 2] {
                release(handle + static_cast<int>(n + m + o));
            });
        }
        return seed;
    });
}

template <int K>
int four_functions(int seed) {
    std::vector<std::function<void()>> exits;
    for (long n = 0; n < K; ++n) {
        exits.emplace_back([handle = seed, n, m = n + 1, o = n + 2] {
            release(handle + static_cast<int>(n + m + o));
        });
    }
    while (!exits.empty()) {
        exits.back()();
        exits.pop_back();
    }
    return seed;
}

//
// The body fails
//

int throwing_stack_8(int seed) {
    try {
        withal::with(withal::exit_stack(), [seed](withal::exit_stack& stack) {
            for (int n = 0; n < 8; ++n) {
                stack.defer([handle = seed + n] { release(handle); });
            }
            use_and_throw(seed);
        });
    } catch (const failure&) {
        return seed;
    }
    return 0;
}

int throwing_functions_8(int seed) {
    try {
        std::vector<std::function<void()>> exits;
        const auto run = [&exits] {
            while (!exits.empty()) {
                exits.back()();
                exits.pop_back();
            }
        };
        try {
            for (int n = 0; n < 8; ++n) {
                exits.emplace_back([handle = seed + n] { release(handle); });
            }
            use_and_throw(seed);
        } catch (...) {
            run();
            throw;
        }
        run();
    } catch (const failure&) {
        return seed;
    }
    return 0;
}

constexpr bench_case cases[] = {
    {"throwing_stack_8", throwing_stack_8},
    {"throwing_functions_8", throwing_functions_8},
    {"one_stack_1", one_stack<1>},
    {"one_stack_4", one_stack<4>},
    {"one_stack_8", one_stack<8>},
    {"one_stack_32", one_stack<32>},
    {"one_inplace_8", one_inplace<8>},
    {"one_inplace_32", one_inplace<32>},
    {"one_array_1", one_array<1>},
    {"one_array_4", one_array<4>},
    {"one_array_8", one_array<8>},
    {"one_array_32", one_array<32>},
    {"one_functions_1", one_functions<1, false>},
    {"one_functions_4", one_functions<4, false>},
    {"one_functions_8", one_functions<8, false>},
    {"one_functions_32", one_functions<32, false>},
    {"one_reserved_1", one_functions<1, true>},
    {"one_reserved_4", one_functions<4, true>},
    {"one_reserved_8", one_functions<8, true>},
    {"one_reserved_32", one_functions<32, true>},
    {"one_cleanups_8", one_cleanups<8>},
    {"one_cleanups_32", one_cleanups<32>},
    {"four_stack_8", four_stack<8>},
    {"four_functions_8", four_functions<8>},
};

} // namespace

int main(int argc, char** argv) {
    return withal_bench::run_cases(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

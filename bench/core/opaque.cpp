// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "opaque.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace withal_bench {

namespace {
// Written by every call, so that none is without an effect.
volatile int state = 0;
} // namespace

int acquire(int seed) {
    state = seed;
    return seed + 1;
}

int use(int handle) {
    state = handle;
    return handle;
}

int use_and_throw(int handle) {
    state = handle;
    throw failure();
}

void release(int handle) noexcept {
    state = handle;
}

void release_or_throw(int handle) {
    state = handle;
    if (handle < 0) {
        throw failure();
    }
}

void commit(int handle) {
    state = handle;
}

void rollback(int handle) {
    state = -handle;
}

int run_cases(int argc, char** argv, const bench_case* cases, std::size_t count) {
    const char* wanted = argc == 3 ? argv[1] : "";
    for (const bench_case* one = cases; one != cases + count; ++one) {
        if (std::strcmp(one->name, wanted) != 0) {
            continue;
        }
        const int iterations = std::atoi(argv[2]);
        for (int i = 0; i < iterations; ++i) {
            try {
                use(one->run(i));
            } catch (const failure&) {
                rollback(i);
            }
        }
        return EXIT_SUCCESS;
    }
    std::fprintf(stderr, "usage: %s CASE ITERATIONS\ncases:", argv[0]);
    for (const bench_case* one = cases; one != cases + count; ++one) {
        std::fprintf(stderr, " %s", one->name);
    }
    std::fputc('\n', stderr);
    return 2;
}

} // namespace withal_bench

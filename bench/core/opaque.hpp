// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <exception>

// What the benches acquire, use and release. Defined in another translation unit, so that no
// compiler can tell what happens in it and leave something out.
namespace withal_bench {

int acquire(int seed);
int use(int handle);
[[noreturn]] int use_and_throw(int handle);
void release(int handle) noexcept;
void release_or_throw(int handle);
void commit(int handle);
void rollback(int handle);

/// What use_and_throw() throws.
struct failure : std::exception {};

/// Stands for the number of the use where a source is made of many (uses/): no two are the same.
inline constexpr int use_number = 0;

/// One way to write one piece of work.
struct bench_case {
    const char* name;
    int (*run)(int seed);
};

/// main() of a bench: `<program> <case> <iterations>`.
int run_cases(int argc, char** argv, const bench_case* cases, std::size_t count);

} // namespace withal_bench

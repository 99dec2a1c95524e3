// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>

#include <exception>

namespace withal {

/// A generator-written manager broke the rule of exactly one co_yield. Its text is one of
///
/// - "generator didn't yield", thrown at enter;
/// - "generator didn't stop", at exit: there was a second co_yield;
/// - "generator didn't stop after throw", the same after the body failed; the body's exception goes
///   on, and this is secondary to it, as every failure of an exit is.
///
/// Nothing behind the second co_yield runs; the destructors in the generator do.
///
/// **Python.** The RuntimeErrors of contextlib with these words (G5, G6, G8).
class [[gnu::visibility("default")]] generator_error : public logic_error {
public:
    using logic_error::logic_error;
};

/// What is thrown at a generator's co_yield if the body failed but left no exception: it returned a
/// failure (failure_traits), was abandoned, or is inside `scoped`, which cannot see the exception.
///
/// So a `catch (...)` around the co_yield undoes, and what stands behind the co_yield is done after
/// success only, in every case. That it leaves the generator again means nothing.
class [[gnu::visibility("default")]] body_failed : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override {
        return "withal::body_failed: the body failed without an exception that could be shown";
    }
};

} // namespace withal

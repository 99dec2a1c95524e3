// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/frame_recycler.hpp>
#include <withal/core/detail/generator_promise.hpp>
#include <withal/core/detail/type_name.hpp>
#include <withal/core/error.hpp>
#include <withal/core/generator_error.hpp>
#include <withal/core/outcome.hpp>

#include <exception>
#include <type_traits>

namespace withal::detail {

/// The generator in a manager of type Manager: owns the frame, enters and exits it once.
template <class Manager, class T>
class generator {
    static_assert(!std::is_rvalue_reference_v<T>,
                  "withal::managed: T must not be an rvalue reference; yield a T, and let the body "
                  "move from it");

public:
    using promise_type = generator_promise<Manager, T>;

    explicit generator(typename promise_type::handle frame) noexcept : frame_(frame) {}
    generator(generator&& other) noexcept : frame_(other.frame_), is_(other.is_) {
        other.is_ = phase::moved_from;
    }
    generator& operator=(generator&& other) noexcept {
        if (this != &other) {
            drop();
            frame_ = other.frame_;
            is_ = other.is_;
            other.is_ = phase::moved_from;
        }
        return *this;
    }
    generator(const generator&) = delete;
    generator& operator=(const generator&) = delete;
    /// Nothing behind the co_yield runs; the destructors in the frame do.
    ~generator() { drop(); }

    std::add_lvalue_reference_t<T> enter() {
        if (is_ != phase::fresh) [[unlikely]] {
            refuse();
        }
        is_ = phase::entered;
        generator_step<T> step;
        step.yielded = nullptr;
        frame_.promise().resume(step);
        if (step.yielded == nullptr) [[unlikely]] {
            not_entered(step);
        }
        if constexpr (!std::is_void_v<T>) {
            return *step.yielded;
        }
    }

    /// Did the generator catch the exception that the body left by, and finish?
    bool exit(const outcome& left) {
        if (is_ != phase::entered) [[unlikely]] {
            refuse();
        }
        if (left.failed()) [[unlikely]] {
            return exit_after_failure(left);
        }
        generator_step<T> step;
        step.finished = false;
        frame_.promise().resume(step);
        if (!step.finished) [[unlikely]] {
            not_finished(step, "generator didn't stop");
        }
        is_ = phase::used;
        return false;
    }

private:
    enum class phase : unsigned char { moved_from, used, fresh, entered };

    void drop() noexcept {
        if (is_ >= phase::fresh) {
            frame_.destroy();
        }
    }

    /// The frame is at an end that the generator did not reach by itself.
    void end() noexcept {
        is_ = phase::used;
        frame_.destroy();
    }

    [[gnu::cold]] [[gnu::noinline]] bool exit_after_failure(const outcome& left) {
        std::exception_ptr error = left.exception();
        if (error == nullptr) {
            error = std::make_exception_ptr(body_failed());
        }
        generator_step<T> step;
        step.finished = false;
        frame_.promise().resume_throwing(step, error);
        if (step.finished) {
            is_ = phase::used;
            return left.exception() != nullptr && !left.cancelled();
        }
        if (!frame_.done() || step.error.value != error) {
            not_finished(step, "generator didn't stop after throw");
        }
        step.error.value.~exception_ptr();
        end();
        return false;
    }

    [[noreturn]] [[gnu::cold]] [[gnu::noinline]] void not_entered(generator_step<T>& step) {
        if (!step.finished) {
            raise(step);
        }
        is_ = phase::used;
        throw generator_error("generator didn't yield");
    }

    [[noreturn]] [[gnu::cold]] [[gnu::noinline]] void not_finished(generator_step<T>& step,
                                                                   const char* yielded_again) {
        if (frame_.done()) {
            raise(step);
        }
        end();
        throw generator_error(yielded_again);
    }

    /// The frame dies before its error is thrown.
    [[noreturn]] void raise(generator_step<T>& step) {
        const std::exception_ptr error = static_cast<std::exception_ptr&&>(step.error.value);
        step.error.value.~exception_ptr();
        end();
        std::rethrow_exception(error);
    }

    /// Used: or GCC passes the phase instead of `this`, and loads it on the way that is not cold.
    [[noreturn]] [[gnu::cold]] [[gnu::noinline]] [[gnu::used]] void refuse() const {
        const char* const name = type_name<Manager>();
        switch (is_) {
        case phase::moved_from:
            throw logic_error(name, ": this manager was moved from; use the one it was moved to");
        case phase::fresh:
            throw logic_error(name, ": this manager was not entered; let with() enter and exit it");
        default:
            throw logic_error(name,
                              ": this manager can be entered only once; call its generator "
                              "function again for each use");
        }
    }

    typename promise_type::handle frame_;
    phase is_ = phase::fresh;
};

/// Is a parameter of this type aligned in the frame?
template <class Parameter>
inline constexpr bool aligned_in_frame = alignof(Parameter) <= frame_recycler::alignment;
template <class Parameter>
inline constexpr bool aligned_in_frame<Parameter&> = true;
template <class Parameter>
inline constexpr bool aligned_in_frame<Parameter&&> = true;

/// What the parameters of a generator may be.
template <class Manager, class... Parameters>
struct generator_traits {
    static_assert((!std::is_rvalue_reference_v<Parameters> && ...),
                  "withal::managed: a generator's parameter must not be an rvalue reference: it "
                  "refers to a temporary; take it by value, and it is moved into the generator");
    static_assert(
        (aligned_in_frame<Parameters> && ...),
        "withal::managed: a generator's parameter is aligned to more than 64 bytes, which "
        "GCC does not honour in a coroutine; take a reference or a pointer to it");
    using promise_type = typename Manager::promise_type;
};

} // namespace withal::detail

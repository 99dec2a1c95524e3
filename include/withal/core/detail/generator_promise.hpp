// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/frame.hpp>
#include <withal/core/detail/frame_recycler.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <type_traits>

namespace withal {

/// What a generator without a resource yields: `co_yield withal::nothing;`.
struct nothing_t {
    explicit nothing_t() = default;
};
inline constexpr nothing_t nothing{};

} // namespace withal

namespace withal::detail {

/// One resumption of a generator. It lives on the stack of whoever resumes, for the frame of a
/// generator that finishes is gone when that returns. Whoever resumes sets what he is going to read
/// first: `yielded` at enter, `finished` at exit.
template <class T>
struct generator_step { // NOLINT(cppcoreguidelines-pro-type-member-init): each store costs
    /// What was yielded.
    std::add_pointer_t<T> yielded;
    /// The generator has come to its end by itself; otherwise by an exception, if it has at all.
    bool finished;
    /// That exception; made only if there is one.
    slot<std::exception_ptr> error;
};

/// A generator at its co_yield.
class generator_yield {
public:
    /// Makes itself known to whoever resumes.
    explicit generator_yield(generator_yield*& known) noexcept { known = this; }
    generator_yield(const generator_yield&) = delete;
    generator_yield& operator=(const generator_yield&) = delete;
    ~generator_yield() = default;

    /// What is to be thrown here when the generator goes on.
    void throws(const std::exception_ptr& error) noexcept { thrown_ = &error; }

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> /*unused*/) const noexcept {}
    void await_resume() const {
        if (thrown_ != nullptr) [[unlikely]] {
            std::rethrow_exception(*thrown_);
        }
    }

private:
    const std::exception_ptr* thrown_ = nullptr;
};

/// The end of a generator. One that finished dies here, which saves whoever resumed it a call; one
/// that an exception has left waits to be destroyed, for Clang does not destroy a coroutine right
/// that can end only at once and whose unhandled_exception() throws.
class generator_end {
public:
    explicit generator_end(bool finished) noexcept : finished_(finished) {}
    [[nodiscard]] bool await_ready() const noexcept { return finished_; }
    void await_suspend(std::coroutine_handle<> /*unused*/) const noexcept {}
    void await_resume() const noexcept {}

private:
    bool finished_;
};

/// What a promise knows of its generator. Both are set before they are read.
template <class T>
class generator_state {
protected:
    generator_step<T>* step_;
    generator_yield* at_;
};

template <class T>
inline constexpr bool never = false;

/// GCC 12 copies such a temporary into the frame bit by bit, and destroys both.
template <class T>
concept safe_as_temporary = !std::is_aggregate_v<T> || std::is_trivially_copyable_v<T>;

/// What a generator may co_yield; what it may not says so.
template <class T>
class generator_yields : public generator_state<T> {
public:
    generator_yield yield_value(T& resource) noexcept { return at(resource); }
    generator_yield yield_value(T&& resource) noexcept
        requires(!std::is_reference_v<T>)
    {
        static_assert(safe_as_temporary<T>,
                      "withal::managed: name this resource before the co_yield, as in T resource"
                      "{...}; co_yield resource;, because GCC 12 destroys a temporary aggregate "
                      "twice");
        return at(resource);
    }
    template <class Other>
        requires(!std::convertible_to<Other, T&> &&
                 (std::is_reference_v<T> || !std::convertible_to<Other, T &&>))
    generator_yield yield_value(Other&&) noexcept {
        static_assert(never<Other>,
                      "withal::managed: a generator that returns managed<T> must co_yield a T: an "
                      "lvalue that is not const, or, if T is no reference, a temporary");
        return generator_yield(this->at_);
    }

private:
    generator_yield at(T& resource) noexcept {
        this->step_->yielded = __builtin_addressof(resource);
        return generator_yield(this->at_);
    }
};

template <>
class generator_yields<void> : public generator_state<void> {
public:
    generator_yield yield_value(nothing_t /*unused*/) noexcept {
        step_->yielded = this; // anything but null
        return generator_yield(at_);
    }
    template <class Other>
        requires(!std::convertible_to<Other, nothing_t>)
    generator_yield yield_value(Other&&) noexcept {
        static_assert(never<Other>,
                      "withal::managed: a generator that returns managed<void> has no resource; it "
                      "must co_yield withal::nothing");
        return generator_yield(at_);
    }
};

/// The promise of a generator that returns Manager, whose resource is a T.
template <class Manager, class T>
class generator_promise : public generator_yields<T> {
public:
    using handle = std::coroutine_handle<generator_promise>;

    Manager get_return_object() noexcept { return Manager(handle::from_promise(*this)); }
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] generator_end final_suspend() const noexcept {
        return generator_end(this->step_->finished);
    }
    void return_void() const noexcept { this->step_->finished = true; }

    /// A thread that is being cancelled, or an exception that is not C++'s, cannot be held.
    void unhandled_exception() {
        std::exception_ptr error = std::current_exception();
        if (error == nullptr) {
            throw;
        }
        this->step_->finished = false;
        ::new (static_cast<void*>(&this->step_->error.value))
            std::exception_ptr(static_cast<std::exception_ptr&&>(error));
    }

    template <class Awaited>
    std::suspend_never await_transform(Awaited&&) noexcept {
        static_assert(never<Awaited>,
                      "withal::managed: a generator cannot co_await, for with() waits for nothing; "
                      "it may only co_yield, once");
        return {};
    }

    [[gnu::always_inline]] static void* operator new(std::size_t size) {
        return frames_here.take(size);
    }
    [[gnu::always_inline]] static void operator delete(void* frame, std::size_t size) noexcept {
        frames_here.give(frame, size);
    }

    /// Runs the generator until it is suspended or has ended. One that finishes takes its frame
    /// with it.
    [[gnu::always_inline]] void resume(generator_step<T>& step) {
        this->step_ = &step;
        handle::from_promise(*this).resume();
    }

    /// The same, and throws the error at the co_yield.
    void resume_throwing(generator_step<T>& step, const std::exception_ptr& error) {
        this->at_->throws(error);
        resume(step);
    }
};

} // namespace withal::detail

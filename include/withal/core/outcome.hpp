// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/exception_type.hpp>
#include <withal/core/error.hpp>
#include <withal/core/error_list.hpp>

#include <concepts>
#include <exception>
#include <new>

namespace withal {

namespace detail {
struct outcome_access;
}

/// How the part inside a manager left: what exit() is told.
///
///     struct transaction {
///         void enter() {}
///         void exit(const outcome& left) { left.failed() ? roll_back() : commit(); }
///         void commit() {}
///         void roll_back() {}
///     };
///
/// Exactly one of returned() and failed() holds. A body that *returns* a failure (failure_traits)
/// has failed() without threw().
///
/// **Lifetime.** Owns the exception it shows, and can be kept. On success it owns nothing.
/// **Python.** The three arguments of `__exit__`; returned() is `exc_type is None`.
class outcome {
public:
    static constexpr outcome success() noexcept { return outcome(state::returned); }
    static outcome failure(std::exception_ptr error) noexcept {
        return {state::threw, static_cast<std::exception_ptr&&>(error)};
    }

    constexpr outcome(const outcome& other) noexcept : outcome(other.state_) {
        if (owns()) {
            ::new (static_cast<void*>(&exception_)) std::exception_ptr(other.exception());
        }
    }
    outcome& operator=(const outcome& other) noexcept {
        reinterpret_cast<std::exception_ptr&>(exception_) = other.exception();
        state_ = other.state_;
        return *this;
    }
    constexpr ~outcome() {
        if (owns()) {
            reinterpret_cast<std::exception_ptr&>(exception_).~exception_ptr();
        }
    }

    /// The body ran to its end, and what it returned is no failure.
    [[nodiscard]] constexpr bool returned() const noexcept { return state_ == state::returned; }
    /// Anything but success: a transaction that asks only this is right in every case.
    [[nodiscard]] constexpr bool failed() const noexcept { return state_ != state::returned; }
    /// It left by an exception, a cancellation among them.
    [[nodiscard]] bool threw() const noexcept {
        return state_ == state::threw || state_ == state::cancelled;
    }
    /// Somebody asked the work to stop, and it did.
    [[nodiscard]] bool cancelled() const noexcept { return state_ == state::cancelled; }
    /// It will never end: its frame is destroyed, or its thread cancelled.
    [[nodiscard]] bool abandoned() const noexcept { return state_ == state::abandoned; }

    /// The exception itself, the same object that goes on. Null unless threw(), and null under
    /// `scoped`, which knows that there is one but cannot see it.
    [[nodiscard]] const std::exception_ptr& exception() const noexcept {
        return reinterpret_cast<const std::exception_ptr&>(exception_);
    }

    /// Calls `look(const E&)` if the exception is an E or derives from it; costs no rethrow where
    /// the runtime can be asked (libstdc++, E a class).
    ///
    ///     outcome left = outcome::failure(std::make_exception_ptr(std::bad_alloc()));
    ///     bool memory = left.inspect<std::exception>([](const std::exception& e) { e.what(); });
    ///
    /// **Returns.** Whether it was.
    template <class E, class F>
    bool inspect(F&& look) const {
        return exception() != nullptr &&
               detail::inspect_exception<E>(exception(), static_cast<F&&>(look));
    }

    /// The errors that are secondary to exception() so far: exits further in that failed.
    [[nodiscard]] error_list secondary() const { return secondary_errors(exception()); }

private:
    friend struct detail::outcome_access;

    enum class state : unsigned char { returned, failure_value, threw, cancelled, abandoned };

    explicit constexpr outcome(state how) noexcept : state_(how) {}
    outcome(state how, std::exception_ptr&& error) noexcept : state_(how) {
        ::new (static_cast<void*>(&exception_))
            std::exception_ptr(static_cast<std::exception_ptr&&>(error));
    }

    [[nodiscard]] constexpr bool owns() const noexcept {
        return state_ == state::threw || state_ == state::cancelled;
    }

    // Room for an exception_ptr, which is one pointer in both runtimes, null as null. As plain room it
    // lets a success be a constant and die without a call: libc++'s destructor is one.
    static_assert(sizeof(std::exception_ptr) == sizeof(void*));
    void* exception_ = nullptr;
    state state_;
};

/// What exit() answers when it has more to say than "released".
///
///     struct ignore_everything {
///         void enter() {}
///         verdict exit(const outcome&) { return verdict::suppress; }
///     };
///
/// An exit() that returns void never suppresses, and `with` then returns a plain value. A *throw*
/// from exit() is no answer: it says that the cleanup failed.
///
/// **Python.** The truth of what `__exit__` returns; replace() is `raise New from old`.
class verdict {
public:
    enum plain : unsigned char {
        propagate, ///< The exception, if any, goes on. The only verdict that matters on success.
        suppress,  ///< The exception ends here. Ignored after success and after a failure value.
    };

    // Implicit, so that `return verdict::suppress;` reads as it should.
    verdict(plain answer) noexcept // NOLINT(google-explicit-constructor)
        : replacement_(), suppresses_(answer == suppress) {}

    /// The exception is translated on purpose: `fresh` goes on, the old one and what was secondary
    /// to it become secondary to `fresh`. A null pointer means propagate.
    static verdict replace(std::exception_ptr fresh) noexcept {
        verdict answer(propagate);
        answer.replacement_ = static_cast<std::exception_ptr&&>(fresh);
        return answer;
    }

    verdict(const verdict& other) noexcept
        : replacement_(), suppresses_(other.suppresses_) {
        if (other.replacement_ != nullptr) {
            replacement_ = other.replacement_;
        }
    }
    verdict& operator=(const verdict& other) noexcept {
        replacement_ = other.replacement_;
        suppresses_ = other.suppresses_;
        return *this;
    }
    ~verdict() {
        if (replacement_ != nullptr) {
            replacement_.~exception_ptr();
        }
    }

    [[nodiscard]] bool suppresses() const noexcept { return suppresses_; }
    /// What goes on instead; null unless made by replace().
    [[nodiscard]] const std::exception_ptr& replacement() const noexcept { return replacement_; }

    friend bool operator==(const verdict& a, const verdict& b) noexcept {
        return a.suppresses_ == b.suppresses_ && a.replacement_ == b.replacement_;
    }

private:
    union {
        std::exception_ptr replacement_; // destroyed by hand, as outcome's
    };
    bool suppresses_;
};

/// Says when a returned value is a failure, so that transactions roll back without exceptions.
///
///     enum class status { fine, broken };
///     // template <> struct withal::failure_traits<status> {
///     //     static bool failed(const status& s) { return s == status::broken; }
///     // };
///
/// Known without it: types with has_value() and error() (std::expected and its kin), and error
/// codes (value(), category(), true when set). std::optional is none: empty is no failure.
template <class T>
struct failure_traits {};

//
// Implementation
//

namespace detail {

template <class T>
concept states_failure = requires(const T& value) {
    { failure_traits<T>::failed(value) } -> std::same_as<bool>;
};

template <class T>
concept expected_like = requires(const T& value) {
    { value.has_value() } -> std::same_as<bool>;
    value.error();
};

template <class T>
concept error_code_like = requires(const T& value) {
    { value.value() } -> std::same_as<int>;
    value.category();
    static_cast<bool>(value);
};

/// Can a T that the body returned mean failure?
template <class T>
concept can_fail = states_failure<T> || expected_like<T> || error_code_like<T>;

template <can_fail T>
[[nodiscard]] constexpr bool is_failure(const T& value) {
    if constexpr (states_failure<T>) {
        return failure_traits<T>::failed(value);
    } else if constexpr (expected_like<T>) {
        return !value.has_value();
    } else {
        return static_cast<bool>(value);
    }
}

/// What every exit is shown after a success: one object, so that it costs no instruction to make.
inline constexpr outcome success_outcome = outcome::success();

/// Makes the outcomes that only drivers know of.
struct outcome_access {
    static outcome failure_value() noexcept { return outcome(outcome::state::failure_value); }
    static outcome unseen_exception() noexcept { return outcome(outcome::state::threw); }
    static outcome abandoned() noexcept { return outcome(outcome::state::abandoned); }
    static outcome cancelled(std::exception_ptr request) noexcept {
        return {outcome::state::cancelled, static_cast<std::exception_ptr&&>(request)};
    }
};

} // namespace detail

} // namespace withal

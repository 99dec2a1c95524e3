// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>

#include <concepts>
#include <exception>
#include <type_traits>

namespace withal {

/// What an unwinding needs to know of errors. `handle` is a nullable owning pointer to one:
/// std::exception_ptr in C++, an owned PyObject* in Python.
template <class Model>
concept exception_model =
    std::copyable<typename Model::handle> && std::equality_comparable<typename Model::handle> &&
    // a default-made handle is null, and null is false
    std::default_initializable<typename Model::handle> &&
    requires(const typename Model::handle& a, const typename Model::handle& b) {
        { static_cast<bool>(a) };
        // a goes on, with b as its context
        Model::replaced(a, b);
        // a goes on, b is secondary to it
        Model::attached(a, b);
    };

/// What an unwinding came to.
enum class ending : unsigned char {
    clean,      ///< Nothing was in flight at the start, nothing is at the end.
    propagate,  ///< The exception that came in goes on.
    suppressed, ///< The exception that came in was suppressed, and nothing followed it.
    raise,      ///< current() goes on, and it is another than came in.
};

/// The law of unwinding: what each exit is shown, and what goes on after the last.
///
/// A state machine, not a container. It owns no entries, calls none and throws nothing: a driver
/// pops an entry, runs its exit in whatever way it must, and tells the law how that ended.
///
///     std::exception_ptr in_flight; // null: the body succeeded
///     unwinding<cpp_exceptions> law(in_flight, both_failed::keep_body);
///     law.returned(verdict::propagate);
///     bool clean = law.finish() == ending::clean;
///
/// The rules: every exit is told once, in reverse order of enter; a failed exit does not stop the
/// next; an exit that runs after a suppression is shown success; no error is lost, but becomes
/// secondary to the one that goes on.
///
/// **Threads.** One at a time.
/// **Python.** The loop of ExitStack.__exit__ (E6 to E8), with both_failed::replace.
template <exception_model Model>
class unwinding {
public:
    using handle = typename Model::handle;

    /// Starts with the exception the body left by, null for none.
    unwinding(handle in_flight, both_failed policy) noexcept
        : came_in_(in_flight), current_(static_cast<handle&&>(in_flight)), policy_(policy) {}

    /// What the next exit is shown; null: success.
    [[nodiscard]] const handle& current() const noexcept { return current_; }

    /// This exit came back. After success there is nothing to suppress or to replace.
    void returned(const verdict& answer) noexcept {
        if (!current_) {
            return;
        }
        if (answer.suppresses()) {
            current_ = handle();
            both_failed_ = false;
        }
        if constexpr (std::same_as<handle, std::exception_ptr>) {
            if (current_) {
                replaced(answer.replacement());
            } else {
                current_ = answer.replacement();
            }
        }
    }

    /// This exit came back and translated the error on purpose.
    void replaced(const handle& fresh) noexcept {
        if (current_ && fresh && !(fresh == current_)) {
            Model::replaced(fresh, current_);
            current_ = fresh;
        }
    }

    /// This exit failed. Raising the very error it was shown is no failure of its own (W10).
    void raised(handle fresh) noexcept {
        if (!current_) {
            current_ = static_cast<handle&&>(fresh);
        } else if (!(fresh == current_)) {
            both_failed_ = true;
            switch (policy_) {
            case both_failed::keep_body:
            case both_failed::group:
                Model::attached(current_, fresh);
                break;
            case both_failed::replace:
                Model::replaced(fresh, current_);
                current_ = static_cast<handle&&>(fresh);
                break;
            case both_failed::terminate:
                std::terminate();
            }
        }
    }

    /// After the last exit. Under both_failed::group the driver throws current() and its secondary
    /// errors as one if grouped().
    [[nodiscard]] ending finish() const noexcept {
        if (!current_) {
            return came_in_ ? ending::suppressed : ending::clean;
        }
        return current_ == came_in_ && !grouped() ? ending::propagate : ending::raise;
    }

    [[nodiscard]] bool grouped() const noexcept {
        return both_failed_ && policy_ == both_failed::group;
    }

private:
    handle came_in_;
    handle current_;
    both_failed policy_;
    bool both_failed_ = false;
};

/// The exceptions of C++: what with() and exit_stack unwind.
///
/// **Effects.** Both record the one error as secondary to the other (secondary_errors) and tell the
/// hook of on_secondary_error.
struct cpp_exceptions {
    using handle = std::exception_ptr;

    static void replaced(const handle& fresh, const handle& old) noexcept;
    static void attached(const handle& current, const handle& fresh) noexcept;
};

//
// Implementation
//

inline void cpp_exceptions::replaced(const handle& fresh, const handle& old) noexcept {
    detail::note_secondary(fresh, old);
}

inline void cpp_exceptions::attached(const handle& current, const handle& fresh) noexcept {
    detail::note_secondary(current, fresh);
}

} // namespace withal

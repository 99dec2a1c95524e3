// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/held_exception.hpp>

#include <exception>

namespace withal {

namespace detail {
struct verdict_access;
} // namespace detail

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
/// **Lifetime.** Owns its replacement, and can be kept.
/// **Python.** The truth of what `__exit__` returns; replace() is `raise New from old`.
class verdict {
public:
    enum plain : unsigned char {
        propagate, ///< The exception, if any, goes on. The only verdict that matters on success.
        suppress,  ///< The exception ends here. Ignored after success and after a failure value.
    };

    // Implicit, so that `return verdict::suppress;` reads as it should.
    verdict(plain answer) noexcept // NOLINT(google-explicit-constructor)
        : suppresses_(answer == suppress) {}

    /// The exception is translated on purpose: `fresh` goes on, the old one and what was secondary
    /// to it become secondary to `fresh`. A null pointer means propagate.
    static verdict replace(std::exception_ptr fresh) noexcept {
        return verdict(static_cast<std::exception_ptr&&>(fresh));
    }

    /// The exception is to end here.
    [[nodiscard]] bool suppresses() const noexcept { return suppresses_; }
    /// What goes on instead; null unless made by replace(). With suppresses(): what an older entry
    /// of a stack threw after the exception had ended there; that one is not secondary to it.
    [[nodiscard]] const std::exception_ptr& replacement() const noexcept {
        return replacement_.get();
    }

    friend bool operator==(const verdict& a, const verdict& b) noexcept {
        return a.suppresses_ == b.suppresses_ && a.replacement() == b.replacement();
    }

private:
    friend struct detail::verdict_access;

    explicit verdict(std::exception_ptr&& fresh) noexcept
        : replacement_(static_cast<std::exception_ptr&&>(fresh)) {}

    detail::held_exception replacement_;
    bool suppresses_ = false;
};

namespace detail {

/// Makes the verdict that only those have who answer for many exits.
struct verdict_access {
    static verdict suppress_then(std::exception_ptr fresh) noexcept {
        verdict made(static_cast<std::exception_ptr&&>(fresh));
        made.suppresses_ = true;
        return made;
    }
};

} // namespace detail

} // namespace withal

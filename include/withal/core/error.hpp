// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/atomic.hpp>
#include <withal/core/detail/note_secondary.hpp>
#include <withal/core/detail/secondary_store.hpp>
#include <withal/core/detail/text.hpp>
#include <withal/core/error_group.hpp>
#include <withal/core/error_list.hpp>

#include <exception>

namespace withal {

/// What happens to the two errors when the body fails and then an exit fails too.
///
///     with<both_failed::replace>(null_context(), [] { /* the body */ });
enum class both_failed : unsigned char {
    keep_body, ///< The body's exception goes on, the same object; the exit's is secondary to it.
    replace,   ///< The exit's error goes on, the body's is secondary to it. Python's rule (W10).
    group,     ///< All of them are thrown as one error_group.
    terminate, ///< std::terminate(), as a destructor that throws during unwinding would.
};

/// The errors that happened while the exception now being handled was on its way: cleanups that
/// failed, innermost first. Empty outside a handler.
///
///     try {
///         with(null_context(), [] { throw 42; });
///     } catch (...) {
///         for (const std::exception_ptr& error : secondary_errors()) {
///             static_cast<void>(error);
///         }
///     }
///
/// **Lifetime.** The list lives exactly as long as the exception object, whichever thread holds it.
/// **Throws.** std::bad_alloc, when the list must be put together from several and memory is out.
/// **Python.** `__context__`, but of the exception that went on, and all of them at once.
[[nodiscard]] error_list secondary_errors();

/// The same for an exception that is not being handled, or is held elsewhere.
[[nodiscard]] error_list secondary_errors(const std::exception_ptr& primary);

/// Called with every secondary error, at once, on the thread where it happened. `primary` is null
/// where the exception on its way cannot be seen (scoped, destructors).
using secondary_error_hook = void (*)(const std::exception_ptr& primary,
                                      const std::exception_ptr& secondary) noexcept;

/// Installs the hook of the process, null for none, so that logs miss nothing even if no handler
/// asks for secondary_errors().
///
/// **Returns.** The hook before.
/// **Threads.** Any; the hook itself is called from any thread, several at once.
secondary_error_hook on_secondary_error(secondary_error_hook hook) noexcept;

/// A rule of withal was broken: a manager entered twice, a closed stack entered, no value to give.
/// Its text names the manager and what to do.
class [[gnu::visibility("default")]] logic_error : public std::exception {
public:
    /// The pieces are joined; out of memory, the first must do, so it should be a literal.
    template <class... Pieces>
    explicit logic_error(const char* text, Pieces... more) noexcept : text_({text, more...}) {}
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

private:
    detail::shared_text text_;
};

//
// Implementation
//

inline error_list secondary_errors(const std::exception_ptr& primary) {
    return detail::secondaries.errors_of(primary);
}

inline error_list secondary_errors() {
    return secondary_errors(std::current_exception());
}

inline secondary_error_hook on_secondary_error(secondary_error_hook hook) noexcept {
    return detail::exchange(detail::secondary_hook, hook);
}

} // namespace withal

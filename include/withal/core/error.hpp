// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/exception_type.hpp>
#include <withal/core/detail/secondary_store.hpp>
#include <withal/core/detail/text.hpp>
#include <withal/core/error_list.hpp>

#include <exception>
#include <new>
#include <typeinfo>

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
class logic_error : public std::exception {
public:
    /// The pieces are joined; out of memory, the first must do, so it should be a literal.
    template <class... Pieces>
    explicit logic_error(const char* text, Pieces... more) noexcept : text_({text, more...}) {}
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

private:
    detail::shared_text text_;
};

/// Several errors thrown as one, under both_failed::group.
class error_group : public std::exception {
public:
    explicit error_group(error_list errors) noexcept : errors_(static_cast<error_list&&>(errors)) {}

    /// The body's error first, then the exits', innermost first. Never empty, never nested.
    [[nodiscard]] const error_list& errors() const noexcept { return errors_; }
    [[nodiscard]] const char* what() const noexcept override {
        return "withal::error_group: several errors; errors() holds them all";
    }

private:
    error_list errors_;
};

//
// Implementation
//

namespace detail {

[[gnu::visibility("default")]] inline constinit secondary_error_hook secondary_hook = nullptr;

inline error_block* members_of(void* object) noexcept {
    const exception_header* const header = detail::header_of(object);
    return header != nullptr && *header->type == typeid(error_group)
               ? error_list_access::block(static_cast<error_group*>(object)->errors())
               : nullptr;
}

/// Does `group` own `error`, or something that `error` is secondary to?
inline bool leads_to(const error_group& group, const std::exception_ptr& error) noexcept {
    for (const std::exception_ptr& member : group.errors()) {
        if (member == error || secondaries.reaches(member, error)) {
            return true;
        }
    }
    return false;
}

/// Records the members of a group that owns `primary`, and what is secondary to it, instead of the
/// group: the two would own each other. False if it does not own it.
inline bool attach_members(const std::exception_ptr& primary,
                           const std::exception_ptr& secondary) noexcept {
    bool owns = false;
    const auto attach_all = [&primary](const error_list& errors) {
        for (const std::exception_ptr& each : errors) {
            secondaries.attach(primary, each);
        }
    };
    try {
        detail::inspect_exception<error_group>(secondary, [&](const error_group& group) {
            owns = detail::leads_to(group, primary);
            if (owns) {
                attach_all(group.errors());
                attach_all(secondaries.errors_of(secondary));
            }
        });
    } catch (const std::bad_alloc&) {
        // swallow: without memory the hook is told, and that is all
    }
    return owns;
}

/// Every secondary error comes by here: recorded under its primary and shown to the hook.
[[gnu::cold]] inline void note_secondary(const std::exception_ptr& primary,
                                         const std::exception_ptr& secondary) noexcept {
    if (primary == secondary || secondary == nullptr) {
        return;
    }
    if (primary != nullptr && !detail::attach_members(primary, secondary)) {
        secondaries.attach(primary, secondary);
    }
    if (const secondary_error_hook hook = load_acquire(secondary_hook)) {
        hook(primary, secondary);
    }
}

/// The errors of a group: `primary` and everything secondary to it, each once. A group among them
/// gives its own.
inline error_list with_secondaries(const std::exception_ptr& primary) {
    const error_list rest = secondaries.errors_of(primary);
    error_block* all = nullptr;
    bool groups = false; // only through them can an error come by twice
    const auto add = [&](const std::exception_ptr& one) {
        if (groups && all != nullptr && all->contains(one)) {
            return;
        }
        if (!error_block::append(all, one)) {
            if (all != nullptr) {
                all->drop();
            }
            throw std::bad_alloc();
        }
    };
    const auto add_flat = [&](const std::exception_ptr& one) {
        const auto add_each = [&](const error_group& group) {
            groups = true;
            for (const std::exception_ptr& each : group.errors()) {
                add(each);
            }
        };
        if (!detail::inspect_exception<error_group>(one, add_each)) {
            add(one);
        }
    };
    add_flat(primary);
    for (const std::exception_ptr& error : rest) {
        add_flat(error);
    }
    return error_list_access::own(all);
}

/// The same as one exception. Out of memory, `primary` must do; the others stay secondary to it.
[[gnu::cold]] inline std::exception_ptr grouped(const std::exception_ptr& primary) noexcept {
    try {
        return std::make_exception_ptr(error_group(detail::with_secondaries(primary)));
    } catch (const std::bad_alloc&) {
        return primary;
    }
}

} // namespace detail

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

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/atomic.hpp>
#include <withal/core/detail/error_block.hpp>
#include <withal/core/detail/exception_type.hpp>
#include <withal/core/detail/secondary_store.hpp>
#include <withal/core/error_group.hpp>
#include <withal/core/error_list.hpp>

#include <cstddef>
#include <exception>
#include <new>

namespace withal::detail {

using secondary_hook_function = void (*)(const std::exception_ptr& primary,
                                         const std::exception_ptr& secondary) noexcept;

[[gnu::visibility("default")]] inline constinit secondary_hook_function secondary_hook = nullptr;

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
    if (const secondary_hook_function hook = load_acquire(secondary_hook)) {
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

} // namespace withal::detail

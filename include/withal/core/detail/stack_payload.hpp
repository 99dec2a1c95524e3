// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/action.hpp>
#include <withal/core/detail/frame.hpp>
#include <withal/core/detail/watched.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>

#include <new>
#include <source_location>
#include <type_traits>

// What an exit stack keeps of the things that are put on it.
namespace withal::detail {

template <class F>
class kept_action {
public:
    explicit kept_action(F&& action) : action_(static_cast<F&&>(action)) {}

    void exit(const outcome& left) { static_cast<void>(detail::run_action(action_, left)); }

private:
    F action_;
};

/// A manager that was entered elsewhere.
template <class M>
class kept_manager {
public:
    explicit kept_manager(M&& manager) : manager_(static_cast<M&&>(manager)) {}

    decltype(auto) exit(const outcome& left) {
        return protocol<std::remove_reference_t<M>>::exit(manager_, left);
    }

private:
    M manager_;
};

/// A manager, and what its enter() returned if that is a value. It dies
/// with its resource after end(), without it before.
template <class Kept>
class entered_manager {
    using manager_type = std::remove_reference_t<Kept>;
    using entered = entered_t<manager_type>;
    static constexpr bool has_value = !std::is_void_v<entered> && !std::is_reference_v<entered>;
    struct no_value {};
    using value_type = std::conditional_t<has_value, std::remove_cv_t<entered>, no_value>;

public:
    template <class Make>
    explicit entered_manager(const Make& make) : manager_(make()) {}
    entered_manager(entered_manager&& other) noexcept
        requires(std::is_reference_v<Kept> || std::is_nothrow_move_constructible_v<Kept>) &&
                std::is_nothrow_move_constructible_v<value_type>
        : manager_(static_cast<Kept&&>(other.manager_)) {
        if constexpr (has_value) {
            ::new (static_cast<void*>(&value_.value))
                value_type(static_cast<value_type&&>(other.value_.value));
            other.end();
        }
    }
    entered_manager(const entered_manager&) = delete;
    entered_manager& operator=(const entered_manager&) = delete;
    entered_manager& operator=(entered_manager&&) = delete;
    ~entered_manager() = default;

    /// What with() would give the body.
    decltype(auto) enter() {
        if constexpr (has_value) {
            return *::new (static_cast<void*>(__builtin_addressof(value_.value)))
                value_type(detail::enter_manager(manager_));
        } else if constexpr (std::is_reference_v<entered>) {
            entered resource = detail::enter_manager(manager_);
            return static_cast<std::remove_reference_t<entered>&>(resource);
        } else {
            detail::enter_manager(manager_);
        }
    }
    decltype(auto) exit(const outcome& left) {
        return protocol<manager_type>::exit(manager_, left);
    }
    void end() noexcept {
        if constexpr (has_value) {
            value_.value.~value_type();
        }
    }

private:
    Kept manager_;
    [[no_unique_address]] std::conditional_t<has_value, slot<value_type>, no_value> value_;
};

/// The same for one that is watched. It stays where it is.
template <class Kept>
class entered_watched {
public:
    template <class Make>
    entered_watched(std::source_location where, const Make& make)
        : call_{where}, inner_([&] { return watched<Kept>(call_, make); }) {}
    entered_watched(const entered_watched&) = delete;
    entered_watched& operator=(const entered_watched&) = delete;
    ~entered_watched() = default;

    decltype(auto) enter() { return inner_.enter(); }
    decltype(auto) exit(const outcome& left) { return inner_.exit(left); }
    void end() noexcept { inner_.end(); }

private:
    watched_call call_;
    entered_manager<watched<Kept>> inner_;
};

} // namespace withal::detail

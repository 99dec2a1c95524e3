// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/detail/atomic.hpp>
#include <withal/core/detail/frame.hpp>
#include <withal/core/detail/watched.hpp>
#include <withal/core/error.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>

#include <concepts>
#include <exception>
#include <new>
#include <type_traits>

// What stands in an any_manager<T>: an interface, and behind it a manager of any type.
namespace withal::detail {

/// An object of type From, or a reference, given where a To is expected, loses nothing: no part of
/// an object, no digits, and not the owner that a pointer or a view is made from.
template <class From, class To>
concept converts_whole = std::is_convertible_v<From, To> &&
                         (std::same_as<std::remove_cvref_t<From>, To> ||
                          !std::derived_from<std::remove_cvref_t<From>, To>) &&
                         (!std::is_arithmetic_v<To> || requires(From (&make)()) { To{make()}; }) &&
                         (std::is_reference_v<From> || std::is_trivially_destructible_v<From> ||
                          !std::is_trivially_destructible_v<To>);

/// Can a manager that enters to Entered stand in an any_manager<T>? Anything can do without its
/// resource; a reference is to what `with` would give the body, or to a base of it; a value is the
/// same, or converts.
template <class Entered, class T>
concept enters_as =
    std::is_void_v<T> ||
    (std::is_reference_v<T> && !std::is_void_v<Entered> &&
     std::is_convertible_v<std::remove_reference_t<Entered>*, std::remove_reference_t<T>*>) ||
    (std::is_object_v<T> &&
     (std::same_as<std::remove_cv_t<Entered>, T> || converts_whole<Entered, T>));

/// What enter() returned, kept until the exit has run, as `with` does.
template <class Entered>
class kept_resource {
public:
    kept_resource() noexcept = default;
    kept_resource(const kept_resource&) = delete;
    kept_resource& operator=(const kept_resource&) = delete;
    ~kept_resource() {
        if (full_) {
            slot_.destroy();
        }
    }

    template <class M>
    auto& enter(M& manager) {
        if (exchange(full_, true)) {
            throw logic_error("withal::any_manager: ",
                              type_name<M>(),
                              " is entered already, and the value that its enter() returned is "
                              "kept until the exit; use another any_manager");
        }
        bool entering = true;
        const at_end guard([&]() noexcept {
            if (entering) {
                full_ = false;
            }
        });
        slot_.enter(manager);
        entering = false;
        return slot_.get();
    }
    void end() noexcept {
        if (full_) {
            slot_.destroy();
            store_release(full_, false);
        }
    }

private:
    resource_slot<Entered> slot_;
    bool full_ = false;
};

struct nothing_kept {
    void end() noexcept {}
};

/// What any_manager<T> calls.
template <class T>
class erased_manager {
public:
    erased_manager() noexcept = default;
    erased_manager(const erased_manager&) = delete;
    erased_manager& operator=(const erased_manager&) = delete;
    virtual ~erased_manager() = default;

    virtual T enter() = 0;
    virtual void exit(const outcome& left) = 0;
    [[nodiscard]] virtual const char* label() const noexcept = 0;
    [[nodiscard]] virtual const char* note() const noexcept = 0;
    /// Makes the same at `room`, and ends; for one that stands in such a room.
    virtual erased_manager* move_to(void* room) noexcept = 0;
};

/// M is an object, or a reference to one.
template <class T, class M>
class held_manager final : public erased_manager<T> {
    using manager = std::remove_reference_t<M>;
    using entered = entered_t<manager>;
    static constexpr bool keeps =
        std::is_object_v<entered> &&
        (std::is_reference_v<T> ||
         (std::is_void_v<T> && !std::is_trivially_destructible_v<entered>));

public:
    static constexpr bool moves = std::is_reference_v<M> || std::is_nothrow_move_constructible_v<M>;

    template <class... Arguments>
    explicit held_manager(Arguments&&... arguments)
        : manager_(static_cast<Arguments&&>(arguments)...) {}

    T enter() override {
        if constexpr (keeps && std::is_void_v<T>) {
            static_cast<void>(kept_.enter(manager_));
        } else if constexpr (keeps) {
            return kept_.enter(manager_);
        } else if constexpr (std::is_void_v<T>) {
            static_cast<void>(detail::enter_manager(manager_));
        } else if constexpr (std::is_reference_v<T>) {
            auto&& resource = detail::enter_manager(manager_);
            return resource;
        } else if constexpr (std::same_as<std::remove_cv_t<entered>, T>) {
            return detail::enter_manager(manager_);
        } else {
            return enter_and_convert();
        }
    }
    void exit(const outcome& left) override {
        const at_end guard([this]() noexcept { kept_.end(); });
        protocol<manager>::exit(manager_, left);
    }
    [[nodiscard]] const char* label() const noexcept override { return detail::label_of(manager_); }
    [[nodiscard]] const char* note() const noexcept override { return detail::note_of(manager_); }
    erased_manager<T>* move_to(void* room) noexcept override {
        if constexpr (moves) {
            auto* const moved = ::new (room) held_manager(static_cast<M&&>(manager_));
            this->~held_manager();
            return moved;
        } else {
            return this; // never asked: it stands on the heap
        }
    }

private:
    /// Once the manager is entered, a conversion that throws must not leave it so.
    T enter_and_convert() {
        entered resource = detail::enter_manager(manager_);
        try {
            return static_cast<entered&&>(resource);
        } catch (...) {
            exit_after(std::current_exception());
            throw;
        }
    }

    void exit_after(const std::exception_ptr& error) noexcept {
        try {
            exit(error == nullptr ? outcome_access::abandoned() : outcome::failure(error));
        } catch (...) {
            detail::note_secondary(error, std::current_exception());
        }
    }

    M manager_;
    [[no_unique_address]] std::conditional_t<keeps, kept_resource<entered>, nothing_kept> kept_;
};

} // namespace withal::detail

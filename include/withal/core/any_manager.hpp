// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/detail/atomic.hpp>
#include <withal/core/detail/erased_manager.hpp>
#include <withal/core/detail/manager_room.hpp>
#include <withal/core/error.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace withal {

/// Owns a manager of any type whose enter() gives a T, for managers that are chosen at run time or
/// passed through code that must not know their types.
///
///     any_manager<int&> source = null_context(21);
///     int doubled = with(source, [](int& n) { return 2 * n; });
///
///     std::vector<any_manager<void>> managers;
///     managers.push_back(on_exit([] {}));
///     managers.push_back(null_context(42));
///
/// A manager fits by what it enters to. `any_manager<void>` takes all; `any_manager<B&>` those that
/// give the body a B, or what is derived from it; `any_manager<V>` those that give a V, or a value
/// that converts to one without loss: not to a base, to fewer digits, or to a view of what nobody
/// keeps. It must never suppress: `with` would have to return something else.
///
/// **Effects.** enter() and exit() are the manager's. A value that it entered to, but that T does
/// not hold, lives until its exit has run. A single-use manager is entered once, also if moved.
/// **Throws.** logic_error: from enter(), if it is empty or was moved from; from a move, if one of
/// the two is entered: it stays where it is until its exit has run, and so does the resource.
/// **Threads.** As the manager inside; but a kept value has room for one use at a time.
/// **Lifetime.** An lvalue manager is referred to, an rvalue is moved in.
/// **Cost.** A virtual call and an atomic addition for enter, and for exit. No allocation for
/// lvalues and for managers of up to four pointers whose move cannot throw; one for others.
template <class T>
class [[nodiscard]] any_manager {
    static_assert(std::is_void_v<T> || std::is_lvalue_reference_v<T> ||
                      (std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T>),
                  "withal::any_manager: name what enter() gives as void, as a type without const, "
                  "or as an lvalue reference");

public:
    /// Empty: to be assigned.
    any_manager() noexcept = default;

    template <class M>
        requires(!std::same_as<std::remove_cvref_t<M>, any_manager> && context_manager<M>)
    any_manager(M&& manager) { // NOLINT(google-explicit-constructor): any manager is one
        room_.template make<M>(static_cast<M&&>(manager));
    }

    /// Makes the manager inside, for one that cannot be moved.
    ///
    ///     any_manager<void> guard(std::in_place_type<std::mutex>);
    template <context_manager M, class... Arguments>
    explicit any_manager(std::in_place_type_t<M>, Arguments&&... arguments) {
        room_.template make<M>(static_cast<Arguments&&>(arguments)...);
    }

    // May throw: an entered manager must not go from under whoever is to exit it.
    any_manager(any_manager&& other) noexcept(false);
    any_manager& operator=(any_manager&& other) noexcept(false);
    any_manager(const any_manager&) = delete;
    any_manager& operator=(const any_manager&) = delete;
    ~any_manager() = default;

    /// Whether there is a manager inside.
    [[nodiscard]] explicit operator bool() const noexcept { return room_.get() != nullptr; }

    T enter();
    void exit(const outcome& left);
    /// What observers are shown: the manager's own words.
    [[nodiscard]] const char* label() const noexcept;
    [[nodiscard]] const char* note() const noexcept;

private:
    void refuse_if_entered() const;

    detail::manager_room<T> room_;
    int entered_ = 0;
};

//
// Implementation
//

template <class T>
any_manager<T>::any_manager(any_manager&& other) noexcept(false) {
    other.refuse_if_entered();
    room_.take(other.room_);
}

template <class T>
any_manager<T>& any_manager<T>::operator=(any_manager&& other) noexcept(false) {
    refuse_if_entered();
    other.refuse_if_entered();
    if (this != &other) {
        room_.clear();
        room_.take(other.room_);
    }
    return *this;
}

template <class T>
T any_manager<T>::enter() {
    if (room_.get() == nullptr) {
        throw logic_error("withal::any_manager: there is no manager inside, it was never given one "
                          "or was moved from; assign a manager first");
    }
    detail::add(entered_, 1);
    try {
        return room_.get()->enter();
    } catch (...) {
        detail::add(entered_, -1);
        throw;
    }
}

template <class T>
void any_manager<T>::exit(const outcome& left) {
    const detail::at_end guard([this]() noexcept { detail::add(entered_, -1); });
    room_.get()->exit(left);
}

template <class T>
const char* any_manager<T>::label() const noexcept {
    return *this ? room_.get()->label() : "withal::any_manager without a manager";
}

template <class T>
const char* any_manager<T>::note() const noexcept {
    return *this ? room_.get()->note() : nullptr;
}

template <class T>
void any_manager<T>::refuse_if_entered() const {
    if (detail::load_relaxed(entered_) != 0) {
        throw logic_error("withal::any_manager: ",
                          label(),
                          " is entered, and must stay where it is; move it before it is entered or "
                          "after its exit");
    }
}

} // namespace withal

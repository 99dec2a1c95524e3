// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/protocol.hpp>
#include <withal/core/detail/type_name.hpp>
#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace withal {

/// A type that `with` can enter: it acquires something, and gives it back.
///
///     struct connection {
///         int enter() { return 7; }        // or void, or a reference: the body gets it
///         void exit(const outcome& left) { // or void exit(), or returning a verdict
///             left.failed() ? roll_back() : commit();
///         }
///         void commit() {}
///         void roll_back() {}
///     };
///     static_assert(context_manager<connection>);
///
/// If enter() throws, exit() is not called. exit() may throw: that says that the cleanup failed.
/// One that returns void can never suppress. Where a type has both exits, the one that is told how
/// the body left is called.
///
/// **Python.** `__enter__` and `__exit__`, looked up on the type (W2).
template <class M>
concept context_manager =
    // acquires; what it returns is what the body gets
    detail::enterable<std::remove_reference_t<M>> &&
    // releases; may ask how the body left
    detail::exitable<std::remove_reference_t<M>> &&
    // answers nothing, or in words: a bool would not say what is true
    detail::exit_answer<detail::exit_result_t<std::remove_reference_t<M>>>;

/// What enter() returns: void, a value, or a reference.
template <context_manager M>
using entered_t = decltype(detail::protocol<std::remove_reference_t<M>>::enter(
    std::declval<std::remove_reference_t<M>&>()));

/// Can this manager suppress the body's exception? If so, `with` has a result that can be empty.
template <context_manager M>
inline constexpr bool may_suppress =
    !std::is_void_v<detail::exit_result_t<std::remove_reference_t<M>>>;

/// Adapts a type that has no enter() and exit() of its own.
///
///     // template <> struct withal::manager_traits<semaphore> {
///     //     static void enter(semaphore& s) { s.acquire(); }
///     //     static void exit(semaphore& s) noexcept { s.release(); } // or (s, const outcome&)
///     // };
///
/// Anything with lock() and unlock() is adapted already: enter locks, exit unlocks.
template <class T>
struct manager_traits;

/// A lock that knows that it is not held (std::unique_lock) may be unlocked early by the body.
template <detail::lockable T>
    requires(!detail::own_enter<T>)
struct manager_traits<T> {
    static void enter(T& lock) { lock.lock(); }
    static void exit(T& lock) noexcept {
        if constexpr (requires { lock.owns_lock(); }) {
            if (!lock.owns_lock()) {
                return;
            }
        }
        lock.unlock();
    }
};

/// How often a manager may be entered. A manager says so with
/// `static constexpr reuse reuse_category = reuse::...;`, and checks it where that needs state.
enum class reuse : unsigned char {
    single_use, ///< Once.
    reusable,   ///< Again, after its exit. What a manager is if it does not say.
    reentrant,  ///< Again, also while it is entered.
};

/// How often it may be entered; reusable if it does not say.
template <class M>
inline constexpr reuse reuse_of = [] {
    if constexpr (requires { std::remove_reference_t<M>::reuse_category; }) {
        return std::remove_reference_t<M>::reuse_category;
    } else {
        return reuse::reusable;
    }
}();

/// Makes a manager single-use: every driver then refuses to enter the same object twice, with a
/// logic_error that names its type.
///
///     struct ticket : single_use {
///         void enter() {}
///         void exit() {}
///     };
///
/// **Python.** R1; a generator manager entered twice is an AttributeError there (G11).
class single_use {
public:
    static constexpr reuse reuse_category = reuse::single_use;

    /// Throws logic_error if the object was used. Drivers call it before enter().
    void use_once(const char* manager);

private:
    bool used_ = false;
};

//
// Implementation
//

inline void single_use::use_once(const char* manager) {
    if (used_) {
        throw logic_error(manager,
                          ": this manager can be entered only once; make a new one for each use");
    }
    used_ = true;
}

namespace detail {

/// Enters m, after asking a single-use one whether it is fresh.
template <class M>
[[gnu::always_inline]] inline decltype(auto) enter_manager(M& m) {
    if constexpr (std::derived_from<M, single_use>) {
        static_assert(!std::is_const_v<M>,
                      "withal::single_use: a const manager cannot note that it was used; pass one "
                      "that is not const");
        m.use_once(type_name<std::remove_cv_t<M>>());
    }
    return protocol<M>::enter(m);
}

} // namespace detail

} // namespace withal

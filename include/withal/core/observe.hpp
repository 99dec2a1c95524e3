// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/observers.hpp>
#include <withal/core/outcome.hpp>

#include <exception>
#include <source_location>
#include <type_traits>

namespace withal {

enum class event_kind : unsigned char {
    enter,        ///< A manager is about to be entered.
    entered,      ///< It was; the part inside begins.
    enter_failed, ///< It threw: `error`. Nothing follows for this scope.
    exit,         ///< The part inside has left as `left` says; the exit is about to run.
    suppressed,   ///< The exit answered verdict::suppress, and there was something to suppress.
    replaced,     ///< The exit translated the exception: `error` goes on.
    secondary,    ///< The exit failed while `left` was on its way: `error` is the exit's.
    exited,       ///< The exit has run; `error` is what it threw, if it did.
    abandoned,    ///< There will be no exit: it was released, or its frame destroyed.
};

/// One step of one scope, as observers see it. For one scope: enter, entered, the events of what is
/// inside, exit, at most one of suppressed, replaced and secondary, exited.
///
/// **Lifetime.** Everything in it is valid during the call only.
struct event {
    event_kind kind;
    const void* scope;   ///< The same for all events of one scope, distinct among live ones.
    const char* manager; ///< The manager's label(), else the name of its type.
    const char* note;    ///< From exited: the manager's note() on what its exit did, or null.
    const void* call;    ///< The same for all scopes of one call of `with`.
    std::source_location where; ///< The place of that call; line 0 where it is not known.
    const outcome* left;        ///< From exit on: how the part inside left. Null before.
    std::exception_ptr error;   ///< See event_kind.
};

template <class F>
class observation;

/// Shows every event of the process to a callable, until the returned guard dies.
///
///     int entered = 0;
///     auto watching = observe([&](const event& e) noexcept {
///         entered += e.kind == event_kind::entered ? 1 : 0;
///     });
///
/// A manager may describe itself with `const char* label() const noexcept` ("open_file notes.txt")
/// and, once its exit has run, `const char* note() const noexcept` ("removed 14 files").
///
/// **Effects.** While nobody observes, a scope costs one load and one branch more than without.
/// Scopes that began before are not shown.
/// **Threads.** The callable is called from any thread, several at once, and must not throw; the
/// guard's destructor waits until no call is running, so it must not die inside one. Scopes that
/// the callable enters itself are not shown.
template <class F>
[[nodiscard]] observation<F> observe(F callable) noexcept(noexcept(F(static_cast<F&&>(callable))));

//
// Implementation
//

/// The guard that observe() returns.
template <class F>
class observation : private detail::observer {
    static_assert(std::is_invocable_v<F&, const event&>,
                  "withal::observe: the callable must be callable as f(const event&)");

public:
    explicit observation(F callable) noexcept(noexcept(F(static_cast<F&&>(callable))))
        : observer{&observation::show}, callable_(static_cast<F&&>(callable)) {
        detail::observers.add(*this);
    }
    observation(const observation&) = delete;
    observation& operator=(const observation&) = delete;
    ~observation() { detail::observers.remove(*this); }

private:
    static void show(observer& self, const event& seen) noexcept {
        static_cast<observation&>(self).callable_(seen);
    }

    F callable_;
};

template <class F>
observation<F> observe(F callable) noexcept(noexcept(F(static_cast<F&&>(callable)))) {
    return observation<F>(static_cast<F&&>(callable));
}

} // namespace withal

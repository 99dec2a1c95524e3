// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/frame.hpp>
#include <withal/core/detail/watched.hpp>
#include <withal/core/manager.hpp>

#include <exception>
#include <source_location>

namespace withal {

/// A manager entered for the rest of the block: what scoped() returns.
template <class M>
class [[nodiscard]] scoped_guard;

/// Enters a manager now and exits it at the end of the block, for code that must return, break or
/// continue from inside.
///
///     auto context = scoped(null_context(42));
///     int number = *context;
///
/// Prefer with() where you can: a destructor cannot see the exception, cannot suppress it, and
/// learns only from std::uncaught_exceptions() that there is one. So a suppress verdict is ignored;
/// the outcome of a failure has a null exception(); an exit that fails during unwinding reaches
/// on_secondary_error only. An exit that fails otherwise throws from the destructor.
///
/// **Returns.** A guard that cannot be moved; `*g`, `g->` and `get()` are what enter() returned. An
/// lvalue manager is referred to, an rvalue is moved in.
/// **Threads.** Dies on the thread that made it, not by the cancellation of that thread (which is
/// not counted, and so looks like success), and never in a coroutine's frame: a coroutine may
/// be resumed or destroyed while another exception is on its way, and would be told that it failed.
template <class M>
    requires context_manager<M>
[[nodiscard]] scoped_guard<M> scoped(M&& manager,
                                     std::source_location where = std::source_location::current());

//
// Implementation
//

template <class M>
class [[nodiscard]] scoped_guard {
    using manager = detail::watched<M>;
    using frame_type = detail::frame_of<manager&>;

public:
    scoped_guard(M&& kept, std::source_location where)
        : call_{where},
          manager_(call_, [&]() -> M&& { return static_cast<M&&>(kept); }),
          exceptions_(std::uncaught_exceptions()) {
        detail::bind_all<detail::frame_root>(frame_, manager_);
        detail::enter_all<detail::frame_root>(frame_, manager_);
    }
    scoped_guard(const scoped_guard&) = delete;
    scoped_guard& operator=(const scoped_guard&) = delete;

    /// Runs the exit, once. Throws what it throws, unless another exception is on its way.
    ~scoped_guard() noexcept(frame_type::exits_are_noexcept) {
        const bool unwinding = std::uncaught_exceptions() > exceptions_;
        if (!unwinding) {
            frame_.leave(detail::success_outcome);
        } else if constexpr (frame_type::exits_are_noexcept) {
            frame_.leave(detail::outcome_access::unseen_exception());
        } else {
            try {
                frame_.leave(detail::outcome_access::unseen_exception());
            } catch (...) {
                if (std::current_exception() == nullptr) {
                    throw; // a thread is being cancelled
                }
                detail::note_secondary(nullptr, std::current_exception());
            }
        }
    }

    /// What enter() returned, as an lvalue; nothing for a manager that enters to void.
    [[nodiscard]] decltype(auto) get() noexcept { return frame_.apply(same{}); }
    [[nodiscard]] decltype(auto) operator*() noexcept { return get(); }
    [[nodiscard]] auto operator->() noexcept { return __builtin_addressof(get()); }

private:
    struct same {
        template <class R>
        R& operator()(R& resource) const noexcept {
            return resource;
        }
        void operator()() const noexcept {}
    };

    detail::watched_call call_;
    manager manager_;
    int exceptions_;
    frame_type frame_;
};

template <class M>
    requires context_manager<M>
scoped_guard<M> scoped(M&& manager, std::source_location where) {
    return {static_cast<M&&>(manager), where};
}

/// What is no manager is refused here, with a sentence.
template <class M>
    requires(!context_manager<M>)
void scoped(M&&) {
    static_assert(context_manager<M>,
                  "withal::scoped: this is no context manager (enter(), and exit() or exit(const "
                  "outcome&) returning void or withal::verdict)");
}

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/detail/frame.hpp>
#include <withal/core/detail/kept_managers.hpp>
#include <withal/core/detail/outcome_law.hpp>
#include <withal/core/detail/run.hpp>
#include <withal/core/error.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <exception>
#include <tuple>
#include <type_traits>

namespace withal {

/// What all() returns: keeps the managers, and the frame in which they are entered.
template <class... M>
class [[nodiscard]] all_manager {
    using frame_type = detail::frame_of<std::remove_reference_t<M>&...>;
    static constexpr bool quiet = frame_type::exits_are_noexcept;
    static constexpr bool suppresses = frame_type::some_may_suppress;

    struct pack {
        template <class... R>
        std::tuple<R&...> operator()(R&... resources) const noexcept {
            return {resources...};
        }
        void operator()() const noexcept {}
    };

public:
    static constexpr reuse reuse_category =
        ((reuse_of<M> == reuse::single_use) || ...) ? reuse::single_use : reuse::reusable;

    explicit all_manager(M&&... managers) : managers_(static_cast<M&&>(managers)...) {}
    // Copies and moves carry the managers; none of them is entered in the new one. A move may
    // throw: entered managers must not go from under whoever is to exit them.
    all_manager(const all_manager& other)
        requires(std::is_copy_constructible_v<M> && ...)
        : managers_(other.managers_) {}
    all_manager(all_manager&& other) noexcept(false)
        : managers_(static_cast<detail::kept_managers<M...>&&>(other.not_entered().managers_)) {}
    all_manager& operator=(const all_manager&) = delete;
    all_manager& operator=(all_manager&&) = delete;
    /// Dropped without an exit, the resources die all the same.
    ~all_manager() { frame_.all_exits().drop(frame_.live()); }

    decltype(auto) enter() {
        if (frame_.live() != 0) {
            throw logic_error(
                "withal::all: these managers are entered already; enter another all()");
        }
        std::exception_ptr error;
        try {
            managers_.call([this](std::remove_reference_t<M>&... each) {
                detail::bind_all<detail::frame_root>(frame_, each...);
                detail::enter_all<detail::frame_root>(frame_, each...);
            });
        } catch (...) {
            error = caught();
        }
        if (error != nullptr) {
            unsuppressed exits(outcome::failure(error), both_failed::keep_body);
            unwind(exits);
            std::rethrow_exception(exits.current());
        }
        return frame_.apply(pack());
    }

    auto exit(const outcome& left) noexcept(quiet) {
        if (left.exception() == nullptr) {
            leave(left);
            if constexpr (suppresses) {
                return verdict(verdict::propagate);
            }
        } else {
            detail::outcome_law exits(left, both_failed::keep_body);
            unwind(exits);
            if constexpr (suppresses) {
                return exits.answer();
            }
        }
    }

private:
    all_manager& not_entered() {
        if (frame_.live() != 0) {
            throw logic_error("withal::all: these managers are entered; move them before, or after "
                              "their exit");
        }
        return *this;
    }

    /// After a failed enter() there is no body to skip.
    class unsuppressed : public detail::outcome_law {
    public:
        using outcome_law::outcome_law;
        void returned(const verdict& said) noexcept {
            if (!said.suppresses()) {
                outcome_law::returned(said);
            } else if (said.replacement() != nullptr) {
                raised(said.replacement());
            }
        }
    };

    template <class Law>
    void unwind(Law& exits) {
        const detail::at_end guard([this]() noexcept { frame_.forget(); });
        frame_.all_exits().unwind(exits, frame_.live());
    }

    std::exception_ptr caught() {
        std::exception_ptr error = std::current_exception();
        if (error == nullptr) {
            const detail::at_end guard([this]() noexcept { frame_.forget(); });
            frame_.all_exits().abandon(frame_.live());
            throw; // the thread is being cancelled
        }
        return error;
    }

    void leave(const outcome& left) noexcept
        requires quiet
    {
        frame_.leave(left);
    }

    void leave(const outcome& left) {
        std::exception_ptr error;
        try {
            frame_.leave(left);
        } catch (...) {
            error = caught();
        }
        if (error != nullptr) {
            detail::outcome_law exits(left, both_failed::keep_body);
            exits.raised(error);
            unwind(exits);
            static_cast<void>(exits.answer());
        }
    }

    detail::kept_managers<M...> managers_;
    frame_type frame_;
};

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/frame.hpp>
#include <withal/core/detail/kept_managers.hpp>
#include <withal/core/detail/run.hpp>
#include <withal/core/error.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/unwinding.hpp>
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
    explicit all_manager(M&&... managers) : managers_(static_cast<M&&>(managers)...) {}
    // Copies and moves carry the managers; none of them is entered in the new one.
    all_manager(const all_manager& other) : managers_(other.managers_) {}
    all_manager(all_manager&& other) noexcept(
        std::is_nothrow_move_constructible_v<detail::kept_managers<M...>>)
        : managers_(static_cast<detail::kept_managers<M...>&&>(other.managers_)) {}
    all_manager& operator=(const all_manager&) = delete;
    all_manager& operator=(all_manager&&) = delete;
    ~all_manager() = default;

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
            rethrow_after(law(outcome::failure(error), no_suppression));
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
            law exits(left, suppresses);
            unwind(exits);
            if constexpr (suppresses) {
                return exits.answer();
            }
        }
    }

private:
    static constexpr bool no_suppression = false;

    /// The law with what all() adds: exits are shown the outcome all() was, cancelled or not, until
    /// another exception takes its place; and suppression may be out of the question.
    class law {
    public:
        law(const outcome& left, bool may) noexcept
            : left_(left), rules_(left.exception(), both_failed::keep_body), may_suppress_(may) {}

        [[nodiscard]] const std::exception_ptr& current() const noexcept {
            return rules_.current();
        }
        [[nodiscard]] outcome shown() const {
            return current() == left_.exception() ? left_
                   : current() == nullptr         ? detail::success_outcome
                                                  : outcome::failure(current());
        }
        void returned(const verdict& said) noexcept {
            if (may_suppress_ || !said.suppresses()) {
                rules_.returned(said);
            }
        }
        void raised(std::exception_ptr fresh) noexcept {
            rules_.raised(static_cast<std::exception_ptr&&>(fresh));
        }
        [[nodiscard]] verdict answer() const noexcept {
            return current() == nullptr             ? verdict(verdict::suppress)
                   : current() != left_.exception() ? verdict::replace(current())
                                                    : verdict(verdict::propagate);
        }

    private:
        const outcome left_;
        unwinding<cpp_exceptions> rules_;
        bool may_suppress_;
    };

    void unwind(law& exits) {
        frame_.all_exits().unwind(exits, frame_.live());
        frame_.forget();
    }

    std::exception_ptr caught() { return detail::caught(frame_.all_exits(), frame_.live()); }

    void rethrow_after(law exits) {
        unwind(exits);
        if (exits.current() != nullptr) {
            std::rethrow_exception(exits.current());
        }
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
            rethrow_after(law(outcome::failure(error), suppresses));
        }
    }

    detail::kept_managers<M...> managers_;
    frame_type frame_;
};

} // namespace withal

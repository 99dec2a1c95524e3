// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/frame.hpp>
#include <withal/core/detail/kept_managers.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/unwinding.hpp>

#include <exception>
#include <tuple>
#include <type_traits>

namespace withal {

template <class... M>
class all_manager;

/// Several managers as one: entered from left to right, exited from right to left.
///
///     auto workplace = all(null_context(1), null_context(2));
///     int sum = with(workplace, [](auto& both) {
///         auto& [a, b] = both;
///         return a + b;
///     });
///
/// A value to be made in one place and entered in another, as `with(a, b, body)` cannot be. The
/// rules are those of with(): each is exited once, whatever the others do, and keep_body decides.
///
/// **Returns.** A manager that enters to a std::tuple of references to the resources, those of void
/// managers left out; to void if all are. It may suppress if one of them may; but an error from the
/// enter() of a later one is thrown also where an earlier one would suppress it: there is no body
/// to skip.
/// **Lifetime.** Lvalues are referred to, rvalues are moved in.
template <context_manager... M>
[[nodiscard]] all_manager<M...> all(M&&... managers) {
    return all_manager<M...>(static_cast<M&&>(managers)...);
}

//
// Implementation
//

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
        try {
            managers_.call([this](std::remove_reference_t<M>&... each) {
                detail::bind_all<detail::frame_root>(frame_, each...);
                detail::enter_all<detail::frame_root>(frame_, each...);
            });
        } catch (...) {
            unwind_caught();
            throw;
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
            const unwinding<cpp_exceptions> law = unwind(left.exception());
            if constexpr (suppresses) {
                return law.finish() == ending::suppressed ? verdict(verdict::suppress)
                       : law.finish() == ending::raise    ? verdict::replace(law.current())
                                                          : verdict(verdict::propagate);
            }
        }
    }

private:
    unwinding<cpp_exceptions> unwind(const std::exception_ptr& error) {
        unwinding<cpp_exceptions> law(error, both_failed::keep_body);
        frame_.all_exits().unwind(law, frame_.live());
        frame_.forget();
        return law;
    }

    unwinding<cpp_exceptions> unwind_caught() {
        const std::exception_ptr error = std::current_exception();
        if (error == nullptr) { // the thread is being cancelled
            frame_.all_exits().abandon(frame_.live());
            throw;
        }
        return unwind(error);
    }

    void leave(const outcome& left) noexcept
        requires quiet
    {
        frame_.leave(left);
    }

    void leave(const outcome& left) {
        try {
            frame_.leave(left);
        } catch (...) {
            const unwinding<cpp_exceptions> law = unwind_caught();
            if (law.finish() == ending::propagate) {
                throw;
            }
            if (law.finish() == ending::raise) {
                std::rethrow_exception(law.current());
            }
        }
    }

    detail::kept_managers<M...> managers_;
    frame_type frame_;
};

} // namespace withal

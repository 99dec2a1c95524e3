// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/detail/type_name.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/outcome.hpp>

#include <concepts>
#include <exception>
#include <source_location>
#include <type_traits>

namespace withal::detail {

template <class M>
concept labelled = requires(const M& m) {
    { m.label() } noexcept -> std::same_as<const char*>;
};
template <class M>
concept noted = requires(const M& m) {
    { m.note() } noexcept -> std::same_as<const char*>;
};

template <class M>
[[nodiscard]] const char* label_of(const M& m) noexcept {
    if constexpr (labelled<M>) {
        return m.label();
    } else {
        return type_name<M>();
    }
}

template <class M>
[[nodiscard]] const char* note_of(const M& m) noexcept {
    if constexpr (noted<M>) {
        return m.note();
    } else {
        return nullptr;
    }
}

/// One call of with() that is watched; its address is its name.
struct watched_call {
    std::source_location where;
};

/// A manager that tells the observers what another does. M is an object, or a reference to one.
template <class M>
class watched {
    using manager = std::remove_reference_t<M>;
    using answer = std::conditional_t<std::is_void_v<exit_result_t<manager>>, void, verdict>;
    static constexpr bool quiet = exit_is_noexcept<manager>;

public:
    template <class Make>
    watched(const watched_call& call, Make&& make)
        : manager_(static_cast<Make&&>(make)()), call_(call) {}
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;
    ~watched() {
        if (shown_) {
            tell(event_kind::abandoned, nullptr, nullptr);
        }
    }

    [[gnu::cold]] [[gnu::noinline]] decltype(auto) enter() {
        tell(event_kind::enter, nullptr, nullptr);
        bool failed = false;
        const at_end entered([&]() noexcept {
            if (!failed) {
                tell(event_kind::entered, nullptr, nullptr);
            }
        });
        try {
            return detail::enter_manager(manager_);
        } catch (...) {
            failed = true;
            tell(event_kind::enter_failed, nullptr, std::current_exception());
            throw;
        }
    }

    [[gnu::cold]] [[gnu::noinline]] answer exit(const outcome& left) noexcept(quiet) {
        tell(event_kind::exit, &left, nullptr);
        if constexpr (quiet) {
            return answered(left);
        } else {
            try {
                return answered(left);
            } catch (...) {
                const std::exception_ptr error = std::current_exception();
                if (left.threw() && error != left.exception()) {
                    tell(event_kind::secondary, &left, error);
                }
                tell(event_kind::exited, &left, error);
                throw;
            }
        }
    }

private:
    answer answered(const outcome& left) noexcept(quiet) {
        if constexpr (std::is_void_v<answer>) {
            protocol<manager>::exit(manager_, left);
            tell(event_kind::exited, &left, nullptr);
        } else {
            const verdict word = protocol<manager>::exit(manager_, left);
            if (left.threw() && word.replacement() != nullptr &&
                word.replacement() != left.exception()) {
                tell(event_kind::replaced, &left, word.replacement());
            } else if (left.threw() && word.suppresses()) {
                tell(event_kind::suppressed, &left, nullptr);
            }
            tell(event_kind::exited, &left, nullptr);
            return word;
        }
    }

    [[gnu::cold]] [[gnu::noinline]] void
    tell(event_kind kind, const outcome* left, const std::exception_ptr& error) noexcept {
        if (kind == event_kind::enter) {
            shown_ = observers.listening();
        }
        if (shown_) {
            observers.tell({kind,
                            this,
                            detail::label_of(manager_),
                            kind == event_kind::exited ? detail::note_of(manager_) : nullptr,
                            &call_,
                            call_.where,
                            left,
                            error});
            shown_ = kind != event_kind::exited && kind != event_kind::enter_failed;
        }
    }

    M manager_;
    const watched_call& call_;
    bool shown_ = false; // from its enter to its end, or not at all
};

/// A factory of watched managers.
template <class F>
class watched_factory {
public:
    watched_factory(const watched_call& call, F& make) noexcept : make_(make), call_(call) {}

    template <class... Resources>
        requires std::is_invocable_v<F, Resources&...>
    auto operator()(Resources&... resources) {
        using made = std::invoke_result_t<F, Resources&...>;
        return watched<made>(call_,
                             [&]() -> made { return static_cast<F&&>(make_)(resources...); });
    }

private:
    std::remove_reference_t<F>& make_;
    const watched_call& call_;
};

/// An argument of with(), watched.
template <class Argument>
auto watch(const watched_call& call, std::remove_reference_t<Argument>& argument) {
    if constexpr (context_manager<Argument>) {
        return watched<std::remove_reference_t<Argument>&>(call,
                                                           [&]() -> auto& { return argument; });
    } else {
        return watched_factory<Argument>(call, argument);
    }
}

} // namespace withal::detail

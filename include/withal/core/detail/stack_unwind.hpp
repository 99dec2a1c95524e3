// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/detail/held_exception.hpp>
#include <withal/core/detail/outcome_law.hpp>
#include <withal/core/detail/stack_entry.hpp>
#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/verdict.hpp>

#include <cstdint>
#include <exception>
#include <type_traits>

namespace withal::detail {

/// How the entries of an exit stack leave it.
template <class Room>
class stack_unwind {
public:
    stack_unwind(const stack_unwind&) = delete;
    stack_unwind& operator=(const stack_unwind&) = delete;
    stack_unwind& operator=(stack_unwind&&) = delete;

protected:
    using answer = typename Room::answer;
    using entry = typename Room::entry;
    static constexpr bool suppresses = !std::is_void_v<answer>;

    explicit stack_unwind(both_failed policy) noexcept : room_(policy) {}
    stack_unwind(stack_unwind&& other) noexcept = default;
    ~stack_unwind() {
        if (!room_.empty()) {
            abandon();
        }
    }

    /// Everything, for whoever has no exception on its way.
    [[gnu::always_inline]] answer close_all(const outcome& left) { return unwind<true>(left); }
    /// The same on behalf of with().
    [[gnu::always_inline]] answer exit_all(const outcome& left) { return unwind<false>(left); }

    void close_one(std::uint64_t number) {
        if (entry* const one = room_.unlink(number)) {
            const at_end afterwards([this]() noexcept { room_.tidy(); });
            const auto running = room_.running();
            static_cast<void>(one->operations->exit(*one, success_outcome));
        }
    }
    void release_one(std::uint64_t number) noexcept {
        if (entry* const one = room_.unlink(number)) {
            const at_end afterwards([this]() noexcept { room_.tidy(); });
            const auto running = room_.running();
            one->operations->drop(*one);
        }
    }

    /// Runs an exit that found no room, and throws the reason.
    template <class Payload>
    [[noreturn]] [[gnu::cold]] void exit_and_throw(Payload payload,
                                                   const std::exception_ptr& reason) {
        outcome_law law(outcome::failure(reason), room_.policy());
        try {
            static_cast<void>(payload.exit(law.shown()));
        } catch (...) {
            std::exception_ptr fresh = std::current_exception();
            if (fresh == nullptr) {
                throw; // the thread is being cancelled
            }
            law.raised(static_cast<std::exception_ptr&&>(fresh));
        }
        static_cast<void>(law.final_answer());
        std::rethrow_exception(reason);
    }

    Room room_;

private:
    /// As long as nothing has failed, nobody needs the law.
    template <bool Final>
    [[gnu::always_inline]] answer unwind(const outcome& left) {
        if (left.exception() != nullptr) [[unlikely]] {
            return unwind_failed<Final>(left);
        }
        void* first; // NOLINT(cppcoreguidelines-pro-type-member-init): only a handler needs it
        try {
            room_.run(); // to the end: it is closed then
            for (entry* newest = room_.pop(); newest != nullptr; newest = room_.pop()) {
                static_cast<void>(newest->operations->exit(*newest, left));
            }
            room_.close();
            if constexpr (suppresses) {
                return verdict::propagate;
            } else {
                return;
            }
        } catch (...) {
            first = held_exception(caught()).release();
        }
        // Outside the handler, or the cancellation of a thread in an exit would end the process.
        return unwind_after<Final>(left, held_exception::adopt(first));
    }

    template <bool Final>
    [[gnu::cold]] [[gnu::noinline]] answer unwind_failed(const outcome& left) {
        outcome_law law(left, room_.policy());
        return unwind_by<Final>(law);
    }

    template <bool Final>
    [[gnu::cold]] [[gnu::noinline]] answer unwind_after(const outcome& left,
                                                        const held_exception& first) {
        outcome_law law(left, room_.policy());
        law.raised(first.get());
        return unwind_by<Final>(law);
    }

    template <bool Final>
    [[gnu::cold]] [[gnu::noinline]] answer unwind_by(outcome_law& law) {
        {
            const auto running = room_.running();
            while (entry* const newest = room_.pop()) {
                try {
                    if constexpr (suppresses) {
                        law.returned(newest->operations->exit(*newest, law.shown()));
                    } else {
                        newest->operations->exit(*newest, law.shown());
                    }
                } catch (...) {
                    law.raised(caught());
                }
            }
        }
        room_.close();
        const verdict said = Final ? law.final_answer() : law.answer();
        if constexpr (suppresses) {
            return said;
        }
    }

    /// The exception that a handler has caught. A cancelled thread, or an exception that is not
    /// C++'s, cannot be held: the rest is abandoned at once, and it goes on.
    std::exception_ptr caught() {
        std::exception_ptr error = std::current_exception();
        if (error == nullptr) {
            abandon();
            room_.close();
            throw;
        }
        return error;
    }

    [[gnu::cold]] [[gnu::noinline]] void abandon() noexcept {
        const outcome left = outcome_access::abandoned();
        const auto running = room_.running();
        while (entry* const newest = room_.pop()) {
            try {
                static_cast<void>(newest->operations->exit(*newest, left));
            } catch (...) {
                detail::note_secondary(nullptr, std::current_exception());
            }
        }
    }
};

} // namespace withal::detail

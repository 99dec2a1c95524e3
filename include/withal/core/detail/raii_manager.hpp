// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/at_end.hpp>
#include <withal/core/detail/frame.hpp>
#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>

#include <exception>
#include <new>
#include <type_traits>

namespace withal {

/// What as_manager() returns: the recipe, and room for the object.
template <class Make>
class [[nodiscard]] raii_manager {
    using object = std::invoke_result_t<Make&>;
    static_assert(std::is_object_v<object>,
                  "withal::as_manager: the callable must return the RAII object itself");

public:
    explicit raii_manager(Make make) : make_(static_cast<Make&&>(make)) {}
    // Copies and moves carry the recipe. A move may throw: an object that is held must not go from
    // under whoever is to exit it.
    raii_manager(const raii_manager& other)
        requires std::is_copy_constructible_v<Make>
        : make_(other.make_) {}
    raii_manager(raii_manager&& other) noexcept(false)
        : make_(static_cast<Make&&>(other.not_held().make_)) {}
    raii_manager& operator=(const raii_manager&) = delete;
    raii_manager& operator=(raii_manager&&) = delete;
    /// Dropped without an exit, it destroys the object all the same.
    ~raii_manager() {
        if (held_) {
            room_.value.~object();
        }
    }

    object& enter() {
        if (held_) {
            throw logic_error("withal::as_manager: this manager is entered already; it holds one "
                              "object at a time");
        }
        ::new (static_cast<void*>(__builtin_addressof(room_.value))) object(make_());
        held_ = true;
        return room_.value;
    }
    void exit(const outcome& left) noexcept(std::is_nothrow_destructible_v<object>) {
        held_ = false;
        if constexpr (std::is_nothrow_destructible_v<object>) {
            if (left.threw() && left.exception() != nullptr) {
                destroy_unwinding(left.exception());
                return;
            }
        }
        room_.value.~object();
    }

private:
    raii_manager& not_held() {
        if (held_) {
            throw logic_error("withal::as_manager: this manager is entered; move it before, or "
                              "after its exit");
        }
        return *this;
    }

    void destroy_unwinding(const std::exception_ptr& error) noexcept {
        try {
            const detail::at_end guard([this]() noexcept { room_.value.~object(); });
            std::rethrow_exception(error);
        } catch (...) {
            // swallow: `error` is on its way already; this was for the destructor to see
            return;
        }
    }

    Make make_;
    bool held_ = false;
    detail::slot<object> room_;
};

} // namespace withal

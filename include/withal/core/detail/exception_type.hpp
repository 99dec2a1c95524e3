// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <exception>
#include <type_traits>
#include <typeinfo>

namespace withal::detail {

/// Calls look(const E&) if the exception is an E. `error` is not null.
template <class E, class F>
bool inspect_exception(const std::exception_ptr& error, F&& look) {
#if defined(__GLIBCXX__)
    if constexpr (std::is_class_v<E>) {
        // What the unwinder itself asks a catch clause; right for multiple, virtual and private
        // bases, and 25 times cheaper than to throw again.
        void* object = nullptr;
        __builtin_memcpy(static_cast<void*>(&object), &error, sizeof(object));
        const std::type_info* const thrown = error.__cxa_exception_type();
        if (thrown->__is_pointer_p() || !typeid(E).__do_catch(thrown, &object, 1)) {
            return false;
        }
        static_cast<F&&>(look)(*static_cast<const E*>(object));
        return true;
    }
#endif
    // An object outlives the handler, for `error` owns it; a pointer that is caught may stand in
    // room of the rethrow's own, and is copied.
    using found_type = std::conditional_t<std::is_class_v<E>, const E*, std::remove_cv_t<E>>;
    found_type found{};
    try {
        std::rethrow_exception(error);
    } catch (const E& seen) {
        if constexpr (std::is_class_v<E>) {
            found = __builtin_addressof(seen);
        } else {
            found = seen;
        }
    } catch (...) {
        return false; // swallow: it is only being looked at
    }
    if constexpr (std::is_class_v<E>) {
        static_cast<F&&>(look)(*found);
    } else {
        static_cast<F&&>(look)(static_cast<const E&>(found));
    }
    return true;
}

} // namespace withal::detail

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
        __builtin_memcpy(&object, &error, sizeof(object));
        const std::type_info* const thrown = error.__cxa_exception_type();
        if (thrown->__is_pointer_p() || !typeid(E).__do_catch(thrown, &object, 1)) {
            return false;
        }
        static_cast<F&&>(look)(*static_cast<const E*>(object));
        return true;
    }
#endif
    const E* found = nullptr;
    try {
        std::rethrow_exception(error);
    } catch (const E& seen) {
        found = &seen; // alive: `error` owns it, and rethrowing does not copy
    } catch (...) {
        return false; // swallow: it is only being looked at
    }
    static_cast<F&&>(look)(*found);
    return true;
}

} // namespace withal::detail

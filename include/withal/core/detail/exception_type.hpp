// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <exception>
#include <type_traits>
#include <typeinfo>

namespace withal::detail {

/// The exception, if it is an E of no class. Caught by value: of a pointer that
/// std::rethrow_exception threw, Clang cannot take a reference.
template <class E>
bool copy_exception(const std::exception_ptr& error, E& copy) {
    try {
        std::rethrow_exception(error);
    } catch (const E seen) { // NOLINT(misc-throw-by-value-catch-by-reference)
        copy = seen;
        return true;
    } catch (...) {
        return false; // swallow: it is only being looked at
    }
}

/// The address of the exception, if it is an E; `error` keeps it alive. Null if it is none.
template <class E>
const E* find_exception(const std::exception_ptr& error) {
#if defined(__GLIBCXX__) && defined(__cpp_rtti)
    // What the unwinder itself asks a catch clause; right for multiple, virtual and private bases,
    // and 25 times cheaper than to throw again.
    void* object = nullptr;
    __builtin_memcpy(static_cast<void*>(&object), &error, sizeof(object));
    const std::type_info* const thrown = error.__cxa_exception_type();
    const bool caught = !thrown->__is_pointer_p() && typeid(E).__do_catch(thrown, &object, 1);
    return caught ? static_cast<const E*>(object) : nullptr;
#else
    try {
        std::rethrow_exception(error);
    } catch (const E& seen) {
        return __builtin_addressof(seen);
    } catch (...) {
        return nullptr; // swallow: it is only being looked at
    }
#endif
}

/// Calls look(const E&) if the exception is an E. `error` is not null.
template <class E, class F>
bool inspect_exception(const std::exception_ptr& error, F&& look) {
    if constexpr (std::is_class_v<E>) {
        const E* const found = detail::find_exception<E>(error);
        if (found != nullptr) {
            static_cast<F&&>(look)(*found);
        }
        return found != nullptr;
    } else {
        std::remove_cv_t<E> copy{};
        const bool found = detail::copy_exception(error, copy);
        if (found) {
            static_cast<F&&>(look)(static_cast<const E&>(copy));
        }
        return found;
    }
}

} // namespace withal::detail

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace withal::detail {

/// The managers of an all_manager: objects or references.
template <class... M>
struct kept_managers {
    template <class F, class... Before>
    void call(F&& f, Before&... before) {
        f(before...);
    }
};

template <class First, class... Rest>
struct kept_managers<First, Rest...> : kept_managers<Rest...> {
    explicit kept_managers(First&& first, Rest&&... rest)
        : kept_managers<Rest...>(static_cast<Rest&&>(rest)...), kept(static_cast<First&&>(first)) {}

    template <class F, class... Before>
    void call(F&& f, Before&... before) {
        kept_managers<Rest...>::call(static_cast<F&&>(f), before..., kept);
    }

    First kept;
};

} // namespace withal::detail

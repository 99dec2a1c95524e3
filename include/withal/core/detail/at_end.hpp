// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace withal::detail {

/// Calls f at the end of the block. Inlined wherever it stands, if f is.
template <class F>
class [[nodiscard]] at_end {
public:
    [[gnu::always_inline]] explicit at_end(F f) noexcept : f_(f) {}
    [[gnu::always_inline]] ~at_end() { f_(); }
    at_end(const at_end&) = delete;
    at_end& operator=(const at_end&) = delete;

private:
    F f_;
};

} // namespace withal::detail

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/failure.hpp>

namespace withal {

/// Says when a returned value is a failure, so that transactions roll back without exceptions.
///
///     enum class status { fine, broken };
///     // template <> struct withal::failure_traits<status> {
///     //     static bool failed(const status& s) { return s == status::broken; }
///     // };
///
/// Known without it: types with has_value() and error() (std::expected and its kin), and error
/// codes (value(), category(), true when set). std::optional is none: empty is no failure.
template <class T>
struct failure_traits {};

} // namespace withal

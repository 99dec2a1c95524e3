// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace withal {

/// The version of the headers, for code that must know what it was compiled with.
///
///     static_assert(version_major == 0, "read the changelog before moving to the next major");
///
/// The build reads its own version from these three lines, so that there is one place to change.
inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;

} // namespace withal

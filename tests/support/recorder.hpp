// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/testing.hpp>

/// Short names for the public tools.
namespace withal_test {

using events = withal::testing::event_log;
using error = withal::testing::planned_failure;
using withal::testing::recorder;
using withal::testing::text_of;
using withal::testing::texts_of;
using withal::testing::thrown_by;
using withal::testing::word_of;

} // namespace withal_test

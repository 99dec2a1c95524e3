// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

// The tools that withal is tested with, for whoever tests his own managers (docs/testing.md). They
// are not in withal.hpp. replace_new.hpp, which a sweep over allocations needs, is not in here: it
// belongs into exactly one source file of a program.
// IWYU pragma: begin_exports
#include <withal/core/testing/allocations.hpp>
#include <withal/core/testing/fault_plan.hpp>
#include <withal/core/testing/for_each_failure.hpp>
#include <withal/core/testing/planned_failure.hpp>
#include <withal/core/testing/recorder.hpp>
#include <withal/core/testing/throw_at_nth.hpp>
#include <withal/core/testing/virtual_clock.hpp>
#include <withal/core/testing/words.hpp>
// IWYU pragma: end_exports

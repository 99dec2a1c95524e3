// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

// All of core/, and nothing else.
// IWYU pragma: begin_exports
#include <withal/core/adapt.hpp>
#include <withal/core/any_manager.hpp>
#include <withal/core/decorate.hpp>
#include <withal/core/error.hpp>
#include <withal/core/error_group.hpp>
#include <withal/core/exit_stack.hpp>
#include <withal/core/managed.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/unwinding.hpp>
#include <withal/core/with.hpp>
// IWYU pragma: end_exports

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

// The small managers that adapt something else.
#include <withal/core/all.hpp>          // several managers as one
#include <withal/core/as_manager.hpp>   // an RAII object
#include <withal/core/closing.hpp>      // anything with close()
#include <withal/core/null_context.hpp> // nothing
#include <withal/core/on_exit.hpp>      // an action: on_exit, on_fail, on_success
#include <withal/core/suppress.hpp>     // exceptions that may end here
#include <withal/core/when.hpp>         // a manager, on a condition

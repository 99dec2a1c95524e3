// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "load.hpp"
#include <withal/db/sqlite.hpp>

#include <string>

namespace ledger {

/// The report: one HTML page that needs nothing beside it, charts in SVG, light and dark.
std::string make_report(withal::sqlite_connection& db, const run_facts& facts);

} // namespace ledger

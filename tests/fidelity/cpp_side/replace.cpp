// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "machine.hpp"

namespace fidelity {

std::string run_with_replace(const json& program) {
    return machine<both_failed::replace>(program).run_program();
}

} // namespace fidelity

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "machine.hpp"

namespace fidelity {

std::string run_with_keep_body(const json& program) {
    return machine<both_failed::keep_body>(program).run_program();
}

} // namespace fidelity

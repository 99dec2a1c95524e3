# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The job, run as its users run it.
if(TARGET withal.examples.package_ledger AND Python3_FOUND)
    foreach(part IN ITEMS work refusals kills)
        add_test(NAME examples.package_ledger.${part}
                 COMMAND Python3::Interpreter "${CMAKE_CURRENT_LIST_DIR}/package_ledger_test.py"
                         $<TARGET_FILE:withal.examples.package_ledger> ${part})
        set_tests_properties(
            examples.package_ledger.${part} PROPERTIES LABELS examples TIMEOUT 300
        )
    endforeach()
endif()

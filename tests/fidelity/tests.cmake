# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# CPython as the oracle; see README.md.

if(NOT Python3_FOUND)
    return()
endif()
find_package(nlohmann_json 3 QUIET)
if(NOT nlohmann_json_FOUND)
    message(STATUS "fidelity: not built, nlohmann_json is missing (Debian: nlohmann-json3-dev)")
    return()
endif()

file(GLOB cpp_side CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/cpp_side/*.cpp")
add_executable(withal.fidelity ${cpp_side})
target_link_libraries(withal.fidelity PRIVATE withal::core nlohmann_json::nlohmann_json)

function(withal_fidelity_test name)
    add_test(NAME fidelity.${name} COMMAND Python3::Interpreter ${ARGN})
    set_tests_properties(
        fidelity.${name} PROPERTIES LABELS fidelity TIMEOUT 600 PROCESSORS 2
                                    ENVIRONMENT PYTHONDONTWRITEBYTECODE=1
    )
endfunction()
set(fidelity "${CMAKE_CURRENT_LIST_DIR}/fidelity.py" --program $<TARGET_FILE:withal.fidelity>)
file(GLOB fidelity_cases CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/cases/*.jsonl")
withal_fidelity_test(random ${fidelity} --count 20000)
withal_fidelity_test(exhaustive ${fidelity} --exhaustive)
withal_fidelity_test(cases ${fidelity} --cases ${fidelity_cases})
withal_fidelity_test(itself "${CMAKE_CURRENT_LIST_DIR}/test_fidelity.py")

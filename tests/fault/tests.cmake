# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Real faults: killed writers, failing system calls, full disks, races, attackers.

if(TARGET withal::resources)
    file(GLOB fault_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.test.cpp")
    withal_test_program(fault fault "fault" "${fault_sources}" "withal::resources")

    # Started under strace, which counts its system calls.
    add_executable(withal.tests.fault_writer "${CMAKE_CURRENT_LIST_DIR}/writer.cpp")
    target_link_libraries(withal.tests.fault_writer PRIVATE withal::resources)
    target_compile_definitions(
        withal.tests.fault PRIVATE WITHAL_WRITER="$<TARGET_FILE:withal.tests.fault_writer>"
    )
    add_dependencies(withal.tests.fault withal.tests.fault_writer)
endif()

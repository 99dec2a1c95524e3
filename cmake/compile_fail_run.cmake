# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake -DFILE=<file> -P compile_fail_run.cmake -- <compiler> <flags>...
# Fails unless compiling the file fails with the message its second line asks for.

cmake_minimum_required(VERSION 3.25)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
include(WithalCompileFail)
withal_expected_error("${FILE}" regex)

set(command "")
set(seen FALSE)
foreach(index RANGE ${CMAKE_ARGC})
    if(seen)
        list(APPEND command "${CMAKE_ARGV${index}}")
    elseif("${CMAKE_ARGV${index}}" STREQUAL "--")
        set(seen TRUE)
    endif()
endforeach()
list(REMOVE_ITEM command "")

execute_process(
    COMMAND ${command} "${FILE}" RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said
)
if(status EQUAL 0)
    message(FATAL_ERROR "it compiles, but must not: ${FILE}")
elseif(NOT said MATCHES "${regex}")
    message(FATAL_ERROR "it fails, but not with \"${regex}\":\n${said}")
endif()

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Rules that the compiler enforces: tests/compile_fail/*.cpp, one rule a file. The second line of a
# file is `// error: <regex>`: the test passes when the file does not compile and the compiler says
# that. Only the front end runs, so a rule costs a fraction of a second.

function(withal_compile_fail folder)
    file(GLOB files CONFIGURE_DEPENDS "${folder}/*.cpp")
    separate_arguments(flags NATIVE_COMMAND "${CMAKE_CXX_FLAGS}")
    foreach(file IN LISTS files)
        withal_expected_error("${file}" regex)
        cmake_path(GET file STEM name)
        add_test(
            NAME compile_fail.${name}
            COMMAND
                "${CMAKE_COMMAND}" "-DFILE=${file}" -P
                "${PROJECT_SOURCE_DIR}/cmake/compile_fail_run.cmake" -- "${CMAKE_CXX_COMPILER}"
                ${flags} -std=c++20 -fsyntax-only "-I${PROJECT_SOURCE_DIR}/include"
        )
        set_tests_properties(compile_fail.${name} PROPERTIES LABELS compile_fail TIMEOUT 60)
    endforeach()
endfunction()

# The regex of the file's second line; without it the build is not configured.
function(withal_expected_error file result)
    file(STRINGS "${file}" lines LIMIT_COUNT 2 ENCODING UTF-8)
    list(GET lines 1 line)
    if(NOT line MATCHES "^// error: (.+)$")
        message(FATAL_ERROR "${file}: the second line must be `// error: <regex>`")
    endif()
    set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
endfunction()

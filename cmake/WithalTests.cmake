# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

include(GoogleTest)

# GoogleTest as the system has it; compiled from Debian's sources where the system's build does not
# fit, which is so for libc++.
macro(withal_find_googletest)
    if(NOT CMAKE_CXX_FLAGS MATCHES "-stdlib=libc\\+\\+")
        find_package(GTest)
    endif()
    if(NOT TARGET GTest::gtest_main)
        if(NOT EXISTS /usr/src/googletest/CMakeLists.txt)
            message(FATAL_ERROR "The tests need GoogleTest (Debian: libgtest-dev). "
                                "-DWITHAL_BUILD_TESTS=OFF builds without them.")
        endif()
        set(INSTALL_GTEST OFF)
        set(BUILD_GMOCK OFF)
        add_subdirectory(
            /usr/src/googletest "${PROJECT_BINARY_DIR}/googletest" EXCLUDE_FROM_ALL SYSTEM
        )
        # Warnings in it are not ours to mend.
        foreach(target IN ITEMS gtest gtest_main)
            target_compile_options(${target} PRIVATE -w)
        endforeach()
    endif()
endmacro()

# withal_tests(<module> LINKS <target>...): nothing happens where a target is not built.
function(withal_tests module)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS")
    foreach(target IN LISTS arg_LINKS)
        if(NOT TARGET ${target})
            return()
        endif()
    endforeach()
    set(folder "${PROJECT_SOURCE_DIR}/tests/${module}")
    file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.test.cpp")
    set(threads ${sources})
    list(FILTER sources EXCLUDE REGEX "\\.threads\\.test\\.cpp$")
    list(FILTER threads INCLUDE REGEX "\\.threads\\.test\\.cpp$")
    withal_test_program(${module} ${module} "${module}" "${sources}" "${arg_LINKS}")
    # One label, since the discovery of tests takes no list of them: -L is a regex anyway.
    withal_test_program(
        ${module}_threads ${module} ${module}.threads "${threads}" "${arg_LINKS}"
    )
endfunction()

function(withal_test_program name prefix label sources links)
    if(NOT sources)
        return()
    endif()
    # The targets tests.<module> and tests.threads build a part of the test programs.
    string(REPLACE "." ";" groups "${label}")
    set(target withal.tests.${name})
    add_executable(${target} ${sources})
    foreach(group IN LISTS groups)
        if(NOT TARGET tests.${group})
            add_custom_target(tests.${group})
        endif()
        add_dependencies(tests.${group} ${target})
    endforeach()
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(${target} PRIVATE ${links} GTest::gtest_main Threads::Threads)
    target_compile_definitions(
        ${target} PRIVATE WITHAL_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                          WITHAL_BINARY_DIR="${PROJECT_BINARY_DIR}"
    )
    gtest_discover_tests(
        ${target}
        TEST_PREFIX "${prefix}."
        DISCOVERY_MODE PRE_TEST
        DISCOVERY_TIMEOUT 60
        NO_PRETTY_VALUES
        PROPERTIES LABELS ${label} TIMEOUT 300
    )
endfunction()

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# withal is built and installed, static and shared, and used by somebody else's project. These
# builds have their own folders and flags, so they run once and not for every preset.

set(install_dir "${PROJECT_BINARY_DIR}/install_tests")
set(install_options
    -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}"
    "-DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}"
)

function(withal_install_test name source build_options)
    cmake_parse_arguments(PARSE_ARGV 3 arg "" "TARGET;RUN" "PROPERTIES")
    set(command "${CMAKE_CTEST_COMMAND}" --build-and-test "${source}" "${install_dir}/${name}"
                --build-generator Ninja --build-noclean)
    if(arg_TARGET)
        list(APPEND command --build-target ${arg_TARGET})
    endif()
    list(APPEND command --build-options ${install_options} ${build_options})
    if(arg_RUN)
        list(APPEND command --test-command "${install_dir}/${name}/${arg_RUN}")
    endif()
    add_test(NAME install.${name} COMMAND ${command})
    set_tests_properties(install.${name} PROPERTIES LABELS house TIMEOUT 600 ${arg_PROPERTIES})
endfunction()

foreach(kind IN ITEMS static shared)
    set(shared OFF)
    if(kind STREQUAL "shared")
        set(shared ON)
    endif()
    set(prefix "${install_dir}/prefix_${kind}")
    withal_install_test(
        ${kind} "${PROJECT_SOURCE_DIR}"
        "-DBUILD_SHARED_LIBS=${shared};-DCMAKE_INSTALL_PREFIX=${prefix};-DWITHAL_BUILD_TESTS=OFF;-DWITHAL_BUILD_EXAMPLES=OFF;-DWITHAL_BUILD_BENCH=OFF"
        TARGET install
        PROPERTIES FIXTURES_SETUP install_${kind}
    )
    withal_install_test(
        find_package_${kind} "${CMAKE_CURRENT_LIST_DIR}/consumer"
        "-DHOW=find_package;-DCMAKE_PREFIX_PATH=${prefix}"
        RUN consumer
        PROPERTIES FIXTURES_REQUIRED install_${kind}
    )
    add_test(NAME install.pkg_config_${kind}
             COMMAND "${CMAKE_CURRENT_LIST_DIR}/pkg_config.sh" "${CMAKE_CXX_COMPILER}" "${prefix}"
                     "${install_dir}/pkg_config_${kind}")
    set_tests_properties(
        install.pkg_config_${kind} PROPERTIES LABELS house FIXTURES_REQUIRED install_${kind}
    )
endforeach()

withal_install_test(
    add_subdirectory "${CMAKE_CURRENT_LIST_DIR}/consumer"
    "-DHOW=add_subdirectory;-DWITHAL_SOURCE=${PROJECT_SOURCE_DIR}"
    RUN consumer
)
withal_install_test(
    fetch_content "${CMAKE_CURRENT_LIST_DIR}/consumer"
    "-DHOW=fetch_content;-DWITHAL_SOURCE=${PROJECT_SOURCE_DIR};-DBUILD_SHARED_LIBS=ON"
    RUN consumer
)

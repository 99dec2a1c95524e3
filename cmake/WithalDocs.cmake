# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The examples of the documentation as tests (tools/check_docs.py says what is an example):
# docs.headers compiles those of the public headers, docs.<page>.<n> runs those of the pages.

set(withal_docs_tool "${PROJECT_SOURCE_DIR}/tools/check_docs.py")
set(withal_docs_dir "${PROJECT_BINARY_DIR}/docs")

function(withal_docs_headers)
    add_library(withal.docs.headers OBJECT EXCLUDE_FROM_ALL)
    withal_docs_target(withal.docs.headers)
    get_property(modules GLOBAL PROPERTY WITHAL_MODULES)
    foreach(module IN LISTS modules)
        get_target_property(headers withal.${module} HEADER_SET)
        list(FILTER headers EXCLUDE REGEX "/detail/")
        set(source "${withal_docs_dir}/headers_${module}.cpp")
        add_custom_command(
            OUTPUT "${source}"
            COMMAND Python3::Interpreter "${withal_docs_tool}" headers --out "${source}"
                    ${headers}
            DEPENDS "${withal_docs_tool}" ${headers}
            COMMENT "examples of ${module}"
        )
        target_sources(withal.docs.headers PRIVATE "${source}")
    endforeach()
    add_test(NAME docs.headers COMMAND "${CMAKE_COMMAND}" --build "${PROJECT_BINARY_DIR}" --target
                                       withal.docs.headers -- -k 0)
    set_tests_properties(docs.headers PROPERTIES LABELS docs RESOURCE_LOCK build_folder TIMEOUT 600)
endfunction()

function(withal_docs_markdown)
    file(GLOB_RECURSE pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/docs/*.md")
    file(GLOB top_pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/*.md")
    set_property(
        DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${pages} ${top_pages}
                                  "${withal_docs_tool}"
    )
    execute_process(
        COMMAND "${Python3_EXECUTABLE}" "${withal_docs_tool}" markdown --out "${withal_docs_dir}"
                COMMAND_ERROR_IS_FATAL ANY
    )
    add_executable(withal.docs.bodies "${withal_docs_dir}/bodies.cpp")
    withal_docs_target(withal.docs.bodies)
    include("${withal_docs_dir}/docs.cmake")
endfunction()

# What every example may use; what it leaves unused is the reader's to use.
function(withal_docs_target target)
    get_property(modules GLOBAL PROPERTY WITHAL_MODULES)
    list(TRANSFORM modules PREPEND withal::)
    target_link_libraries(${target} PRIVATE ${modules} Threads::Threads)
    target_compile_options(
        ${target} PRIVATE -Wno-unused -Wno-unused-parameter -Wno-unused-result -Wno-shadow
    )
endfunction()

# The two calls that docs.cmake consists of.
function(withal_docs_body name)
    withal_docs_test(${name} ${ARGN} COMMAND $<TARGET_FILE:withal.docs.bodies> ${name})
endfunction()

function(withal_docs_program name source)
    add_executable(withal.docs.${name} "${source}")
    withal_docs_target(withal.docs.${name})
    if(NOT "COMPILE_ONLY" IN_LIST ARGN)
        withal_docs_test(${name} ${ARGN} COMMAND $<TARGET_FILE:withal.docs.${name}>)
    endif()
endfunction()

function(withal_docs_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "PRINTS" "COMMAND")
    if(arg_PRINTS)
        list(PREPEND arg_COMMAND --prints "${arg_PRINTS}")
    endif()
    add_test(NAME docs.${name} COMMAND Python3::Interpreter "${withal_docs_tool}" run
                                       ${arg_COMMAND})
    set_tests_properties(docs.${name} PROPERTIES LABELS docs TIMEOUT 60)
endfunction()

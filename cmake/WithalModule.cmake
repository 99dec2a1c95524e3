# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# One call makes one module: its target, its headers, its place in the install.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# withal_module(<name>
#     [FOLDER <folder>]      include/withal/<folder> and src/<folder>; the module's name if left out
#     [STEMS <glob>...]      the files of that folder that are this module's; all if left out
#     [ROOT_HEADERS]         the headers directly under include/withal are this module's too
#     [USES <module>...]     modules below it, passed on to users
#     [LINKS <target>...]    what its sources need, kept from users
#     [PKG_CONFIG <name>...] pkg-config's names for LINKS
# )
function(withal_module name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "ROOT_HEADERS" "FOLDER" "STEMS;USES;LINKS;PKG_CONFIG")
    if(NOT arg_FOLDER)
        set(arg_FOLDER "${name}")
    endif()
    if(NOT arg_STEMS)
        set(arg_STEMS "*")
    endif()
    set(include_dir "${PROJECT_SOURCE_DIR}/include")

    list(TRANSFORM arg_STEMS REPLACE "(.+)" "${include_dir}/withal/${arg_FOLDER}/\\1.hpp"
         OUTPUT_VARIABLE header_globs)
    list(TRANSFORM arg_STEMS REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/src/${arg_FOLDER}/\\1.cpp"
         OUTPUT_VARIABLE source_globs)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${header_globs})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${source_globs})
    if(NOT headers)
        return()
    endif()
    if(arg_ROOT_HEADERS)
        file(GLOB root_headers CONFIGURE_DEPENDS "${include_dir}/withal/*.hpp")
        list(APPEND headers ${root_headers})
    endif()

    set(target withal.${name})
    if(sources)
        add_library(${target} ${sources})
        set(scope PUBLIC)
        target_link_libraries(${target} PRIVATE ${arg_LINKS})
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
    endif()
    add_library(withal::${name} ALIAS ${target})
    target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS "${include_dir}" FILES ${headers})
    target_compile_features(${target} ${scope} cxx_std_20)
    foreach(used IN LISTS arg_USES)
        target_link_libraries(${target} ${scope} withal::${used})
    endforeach()
    set_target_properties(
        ${target}
        PROPERTIES EXPORT_NAME ${name}
                   OUTPUT_NAME withal_${name}
                   VERSION ${PROJECT_VERSION}
                   SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                   CXX_EXTENSIONS OFF
    )
    install(TARGETS ${target} EXPORT withal-targets FILE_SET HEADERS)
    withal_pkg_config(${name} "${arg_USES}" "${arg_PKG_CONFIG}" "${sources}")
    set_property(GLOBAL APPEND PROPERTY WITHAL_MODULES ${name})
endfunction()

# withal.pc for core, withal-<module>.pc for the others.
function(withal_pkg_config name uses links sources)
    list(TRANSFORM uses PREPEND "withal-")
    list(TRANSFORM uses REPLACE "^withal-core$" "withal")
    set(libs "")
    if(sources)
        set(libs "-L\${libdir} -lwithal_${name}")
        # Whoever links a static library links what that needs, too; a shared one brings it along.
        if(NOT BUILD_SHARED_LIBS)
            list(APPEND uses ${links})
            string(APPEND libs " -pthread")
        endif()
    endif()
    list(JOIN uses " " requires)
    set(pc_name "withal-${name}")
    if(name STREQUAL "core")
        set(pc_name "withal")
    endif()
    configure_file(
        "${PROJECT_SOURCE_DIR}/cmake/withal.pc.in" "${PROJECT_BINARY_DIR}/${pc_name}.pc" @ONLY
    )
    install(FILES "${PROJECT_BINARY_DIR}/${pc_name}.pc"
            DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

# withal::withal: those of the modules that are there.
function(withal_umbrella)
    add_library(withal.withal INTERFACE)
    add_library(withal::withal ALIAS withal.withal)
    foreach(module IN LISTS ARGN)
        if(TARGET withal::${module})
            target_link_libraries(withal.withal INTERFACE withal::${module})
        endif()
    endforeach()
    set_target_properties(withal.withal PROPERTIES EXPORT_NAME withal)
    install(TARGETS withal.withal EXPORT withal-targets)
endfunction()

# What find_package(withal) needs.
function(withal_install)
    set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/withal")
    set(WITHAL_FIND_DEPENDENCIES "")
    # A static library hands the libraries it links to whoever links it.
    if(NOT BUILD_SHARED_LIBS)
        set(WITHAL_FIND_DEPENDENCIES "find_dependency(Threads)")
        if(TARGET withal::sqlite)
            string(APPEND WITHAL_FIND_DEPENDENCIES "\nfind_dependency(SQLite3)")
        endif()
    endif()
    configure_package_config_file(
        "${PROJECT_SOURCE_DIR}/cmake/withal-config.cmake.in"
        "${PROJECT_BINARY_DIR}/withal-config.cmake"
        INSTALL_DESTINATION "${config_dir}"
    )
    write_basic_package_version_file(
        "${PROJECT_BINARY_DIR}/withal-config-version.cmake" COMPATIBILITY SameMinorVersion
    )
    install(FILES "${PROJECT_BINARY_DIR}/withal-config.cmake"
                  "${PROJECT_BINARY_DIR}/withal-config-version.cmake"
            DESTINATION "${config_dir}")
    install(EXPORT withal-targets NAMESPACE withal:: DESTINATION "${config_dir}")
endfunction()

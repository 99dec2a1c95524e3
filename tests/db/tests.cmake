# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Some faults can be had only through SQLite's own interface.
foreach(target IN ITEMS withal.tests.db withal.tests.db_threads)
    if(TARGET ${target})
        target_link_libraries(${target} PRIVATE SQLite::SQLite3)
    endif()
endforeach()

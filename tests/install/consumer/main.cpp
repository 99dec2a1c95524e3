// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Uses something of every module, so that a library or a header that is not found fails here.
#include <withal/resources/file.hpp>
#include <withal/resources/temp.hpp>
#include <withal/trace/tree.hpp>
#include <withal/version.hpp>
#include <withal/withal.hpp>

#ifdef CONSUMER_HAS_SQLITE
#include <withal/db/sqlite.hpp>
#endif

#include <cstdio>
#include <sstream>
#include <string>

static int work(const std::string& folder) {
    withal::with(withal::open_file(folder + "/text", "w"),
                 [](withal::file& out) { out.write("six words"); });
#ifdef CONSUMER_HAS_SQLITE
    return withal::with(withal::sqlite_open(folder + "/db"),
                        [](withal::sqlite_connection& db) { return db.value<int>("SELECT 6"); });
#else
    return 6;
#endif
}

int main() {
    std::ostringstream tree;
    const int six = withal::with(withal::trace_tree(tree, "consumer"), withal::temp_dir(), work);
    const bool traced = tree.str().find("temp_dir") != std::string::npos;
    std::printf("withal %d.%d: %d\n%s",
                withal::version_major,
                withal::version_minor,
                six,
                tree.str().c_str());
    return six == 6 && traced ? 0 : 1;
}

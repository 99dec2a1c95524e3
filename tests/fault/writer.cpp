// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// writer bare|default|backup PATH COUNT: writes a file atomically, so that strace can count.
#include <withal/core/with.hpp>
#include <withal/resources/atomic_file.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

int main(int argc, char** argv) {
    if (argc != 4) {
        return 2;
    }
    const std::string how = argv[1];
    withal::atomic_file_options options;
    if (how == "bare") {
        options = withal::atomic_file_options::bare();
    } else if (how == "backup") {
        options = withal::atomic_file_options::bare();
        options.backup = 1;
    }
    try {
        for (int left = std::atoi(argv[3]); left > 0; --left) {
            withal::with(withal::atomic_file(argv[2], options),
                         [](withal::atomic_writer& out) { out.write("content\n"); });
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}

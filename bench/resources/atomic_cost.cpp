// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// atomic_cost CASE ITERATIONS: writes a file of 4 KiB in the current folder that many times.
#include <withal/core/with.hpp>
#include <withal/resources/atomic_file.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

using withal::atomic_file_options;

const std::string content(4096, 'c');

void check(bool good) {
    if (!good) {
        throw std::runtime_error("a system call failed");
    }
}

// What one writes by hand who knows how: the same calls, each checked.
void by_hand(const char* directory, const char* name, bool durable) {
    static unsigned number = 0;
    char temporary[64];
    std::snprintf(temporary, sizeof temporary, ".%s.%u.tmp", name, ++number);
    const int dir = ::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(dir >= 0);
    const int file =
        ::openat(dir, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    check(file >= 0);
    std::string_view left = content;
    while (!left.empty()) {
        const ssize_t wrote = ::write(file, left.data(), left.size());
        check(wrote > 0);
        left.remove_prefix(static_cast<std::size_t>(wrote));
    }
    check(!durable || ::fsync(file) == 0);
    check(::close(file) == 0);
    // NOLINTNEXTLINE(misc-include-cleaner): <cstdio> has it
    check(::renameat(dir, temporary, dir, name) == 0);
    check(!durable || ::fsync(dir) == 0);
    check(::close(dir) == 0);
}

void with_ours(const atomic_file_options& options) {
    withal::with(withal::atomic_file("./target", options),
                 [](withal::atomic_writer& out) { out.write(content); });
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        return 2;
    }
    const std::string_view which = argv[1];
    atomic_file_options bare = atomic_file_options::bare();
    bare.durability =
        which.starts_with("none") ? withal::durability::none : withal::durability::durable;
    const bool durable = which.starts_with("durable");
    try {
        for (long left = std::atol(argv[2]); left > 0; --left) {
            if (which.ends_with("_hand")) {
                by_hand(".", "target", durable);
            } else if (which.ends_with("_bare")) {
                with_ours(bare);
            } else if (which.ends_with("_default")) {
                with_ours({});
            } else {
                return 2;
            }
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}

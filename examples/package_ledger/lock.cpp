// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lock.hpp"
#include <withal/sys/call.hpp>
#include <withal/sys/fd.hpp>

#include <array>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h> // IWYU pragma: keep
#include <unistd.h>

namespace ledger {

namespace sys = withal::sys;

directory_lock::directory_lock(const std::filesystem::path& directory)
    : path_((directory / "ledger.lock").string()), label_("directory_lock " + path_) {}

void directory_lock::enter() {
    while (true) {
        sys::fd file(static_cast<int>(
            sys::open_at(AT_FDCWD, path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW, 0600)
                .or_throw("lock: open", path_)));
        const sys::returned taken = sys::lock(file.get(), LOCK_EX | LOCK_NB);
        if (taken.error() == EWOULDBLOCK) {
            std::array<char, 20> holder{};
            const sys::returned size =
                sys::read_at(file.get(), holder.data(), holder.size() - 1, 0);
            const std::string who = size.ok() && size.value() > 0
                                        ? std::string("process ") + holder.data()
                                        : "another process";
            throw std::runtime_error(path_ + ": " + who + " is working in this directory");
        }
        taken.or_throw("lock: flock", path_);
        // The holder before us removes its file while it holds the lock: what we locked may have
        // no name any more, and somebody else may hold the file that has it now.
        struct stat locked{};
        struct stat named{};
        sys::status(file.get(), locked).or_throw("lock: fstat", path_);
        const sys::returned there = sys::status_at(AT_FDCWD, path_.c_str(), named);
        if (there.ok() && named.st_ino == locked.st_ino && named.st_dev == locked.st_dev) {
            const std::string id = std::to_string(::getpid());
            sys::truncate(file.get(), 0).or_throw("lock: truncate", path_);
            sys::write_all(file.get(), id.data(), id.size()).or_throw("lock: write", path_);
            file_ = std::move(file);
            return;
        }
    }
}

void directory_lock::exit() {
    const sys::fd file = std::move(file_);
    sys::unlink_at(AT_FDCWD, path_.c_str(), 0).or_throw("lock: unlink", path_);
}

} // namespace ledger

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "atomic_write.hpp"
#include <withal/resources/atomic_file.hpp>
#include <withal/sys/call.hpp>
#include <withal/sys/fd.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace withal {

// Makes `to` hold exactly what `from` holds.
void atomic_file::write::copy(int from, int to, std::string_view what) const {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): read into before it is read
    std::array<char, 65536> buffer;
    off_t at = 0;
    sys::seek(to, 0, SEEK_SET).or_throw(what, path_);
    for (;;) {
        const std::int64_t got =
            sys::read_at(from, buffer.data(), buffer.size(), at).or_throw(what, path_);
        if (got == 0) {
            break;
        }
        sys::write_all(to, buffer.data(), static_cast<std::size_t>(got)).or_throw(what, path_);
        at += got;
    }
    sys::truncate(to, at).or_throw(what, path_);
}

// Through the existing file: for a mount point, or to keep hard links. Not atomic; what was there
// is saved first, and put back if this fails.
void atomic_file::write::write_in_place() {
    const bool synced = options_.durability != durability::none;
    const auto settle = [&](int fd, std::string_view what) {
        if (synced) {
            sys::sync(fd).or_throw(what, path_);
        }
    };
    sys::fd source;
    if (!writer_.is_open()) {
        source = sys::fd(
            static_cast<int>(sys::open_at(dir_.get(), temp_.c_str(), O_RDONLY)
                                 .or_throw("atomic_file: open the temporary file of", path_)));
    }
    const int content = source ? source.get() : writer_.fd();
    sys::fd target(static_cast<int>(sys::open_at(dir_.get(), name_.c_str(), O_RDWR | O_NOFOLLOW)
                                        .or_throw("atomic_file: open", path_)));

    const std::string saved = fresh_name(".wsave", false);
    sys::fd old(static_cast<int>(
        sys::open_at(dir_.get(), saved.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600)
            .or_throw("atomic_file: create a file beside", path_)));
    const auto forget = [&] { return sys::unlink_at(dir_.get(), saved.c_str(), 0); };
    try {
        copy(target.get(), old.get(), "atomic_file: save the old content of");
        settle(old.get(), "atomic_file: fsync the saved content of");
        settle(dir_.get(), "atomic_file: fsync the directory of");
    } catch (...) {
        static_cast<void>(forget());
        throw;
    }
    try {
        copy(content, target.get(), "atomic_file: write in place");
        settle(target.get(), "atomic_file: fsync");
        target.close().or_throw("atomic_file: close", path_);
    } catch (const std::system_error& error) {
        try {
            if (!target) {
                target = sys::fd(
                    static_cast<int>(sys::open_at(dir_.get(), name_.c_str(), O_RDWR | O_NOFOLLOW)
                                         .or_throw("open", path_)));
            }
            copy(old.get(), target.get(), "write back");
            settle(target.get(), "fsync");
        } catch (const std::system_error& second) {
            throw std::system_error(error.code(),
                                    "atomic_file: '" + path_ +
                                        "' was written in place and failed, "
                                        "putting the old content back failed too (" +
                                        second.what() + "); the old content is in '" +
                                        shown(saved) + "'");
        }
        static_cast<void>(forget());
        throw;
    }
    int done = 0;
    const sys::returned kept =
        options_.backup > 0 ? shift_backups(saved, options_.backup, done) : forget();
    discard();
    if (!kept.ok()) {
        throw committed_not_durable(kept.error(),
                                    std::generic_category(),
                                    "atomic_file: '" + path_ + "' is written in place, but '" +
                                        shown(saved) + "' could not be put away");
    }
}

} // namespace withal

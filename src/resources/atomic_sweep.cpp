// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "atomic_write.hpp"
#include <withal/resources/atomic_file.hpp>
#include <withal/sys/call.hpp>
#include <withal/sys/fd.hpp>
#include <withal/sys/path.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>

namespace withal {

// Removes what killed writers of this target left: their lock is free. What cannot be looked at is
// left to the next writer; it is no reason not to write.
void atomic_file::write::sweep() {
    const std::string start = stem();
    std::vector<sys::directory_entry> names;
    while (sys::next_entries(dir_.get(), names).ok() && !names.empty()) {
        for (const sys::directory_entry& entry : names) {
            const std::string& name = entry.name;
            const bool ours = name.starts_with(start) && name.size() > start.size() + 5 &&
                              (name.ends_with(".wtmp") || name.ends_with(".wbak"));
            if (ours && (entry.type == DT_REG || entry.type == DT_UNKNOWN)) {
                sweep_one(name);
            }
        }
    }
}

void atomic_file::write::sweep_one(const std::string& name) {
    sys::returned opened =
        sys::open_at(dir_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!opened.ok()) {
        opened = sys::open_at(dir_.get(), name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
    }
    if (!opened.ok()) {
        return;
    }
    const sys::fd litter(static_cast<int>(opened.value()));
    struct stat held{};
    struct stat named{};
    if (!sys::lock(litter.get(), LOCK_EX | LOCK_NB).ok() || !sys::status(litter.get(), held).ok() ||
        !S_ISREG(held.st_mode) || !sys::status_at(dir_.get(), name.c_str(), named).ok() ||
        held.st_ino != named.st_ino || held.st_dev != named.st_dev) {
        return;
    }
    if (name.ends_with(".wbak")) {
        const std::string_view number = std::string_view(name).substr(stem().size());
        ino_t inode = 0;
        std::from_chars(number.data(), number.data() + number.size(), inode);
        if (inode != held.st_ino) {
            // Old content whose writer was killed between commit and backup: finish for it.
            int done = 0;
            if (!is_finishing(inode)) {
                static_cast<void>(shift_backups(name, std::max(options_.backup, 1), done));
            }
            return;
        }
    }
    static_cast<void>(sys::unlink_at(dir_.get(), name.c_str(), 0));
}

// Is the writer of this inode, which is the target now, still at work?
bool atomic_file::write::is_finishing(ino_t inode) const {
    const sys::returned opened =
        sys::open_at(dir_.get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!opened.ok()) {
        return true; // cannot tell
    }
    const sys::fd target(static_cast<int>(opened.value()));
    struct stat now{};
    return sys::status(target.get(), now).ok() && now.st_ino == inode &&
           !sys::lock(target.get(), LOCK_EX | LOCK_NB).ok();
}

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "removal.hpp"
#include <withal/sys/call.hpp>
#include <withal/sys/fd.hpp>
#include <withal/sys/path.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace withal::detail {

namespace {

constexpr int deepest = 32; // descriptors spent on one path
constexpr std::size_t most_passes = 1000;

/// Lets its owner list and change the directory, if the mode alone forbids it.
void permit(int dir) {
    struct stat now{};
    if (sys::status(dir, now).ok() && (now.st_mode & S_IRWXU) != S_IRWXU) {
        static_cast<void>(sys::change_mode(dir, (now.st_mode & 07777) | S_IRWXU));
    }
}

} // namespace

removal::removal(int root, std::string root_path) : root_(root), root_path_(std::move(root_path)) {}

void removal::leave(int error, const std::string& path) {
    leftovers_.push_back({.path = path, .error = {error, std::generic_category()}});
}

void removal::empty() {
    permit(root_);
    const sys::returned fresh = sys::open_at(root_, ".", O_RDONLY | O_DIRECTORY);
    if (!fresh.ok()) {
        if (fresh.error() != ENOENT) { // else removed by somebody else
            leave(fresh.error(), root_path_);
        }
        return;
    }
    const sys::fd listed(static_cast<int>(fresh.value()));
    empty_one(listed.get(), root_path_, 0);
}

// Reads names and removes them, until a whole reading meets nothing that can be removed: what
// others add meanwhile, and what was lifted into the root, is met in the next one. True: it is
// empty.
bool removal::empty_one(int dir, const std::string& path, int depth) {
    std::vector<sys::directory_entry> names;
    for (std::size_t pass = 0;; ++pass) {
        const std::size_t stuck_before = leftovers_.size();
        bool any = false;
        bool progress = false;
        for (;;) {
            const sys::returned got = sys::next_entries(dir, names);
            if (got.error() == ENOENT) {
                return true; // somebody else removed the directory itself
            }
            if (!got.ok()) {
                leave(got.error(), path);
                return false;
            }
            if (names.empty()) {
                break;
            }
            any = true;
            for (const sys::directory_entry& entry : names) {
                progress |= remove(dir, entry.name, entry.type, sys::join(path, entry.name), depth);
            }
        }
        if (!any) {
            return true;
        }
        if (!progress) {
            return false;
        }
        if (pass > most_passes + lifted_) {
            leave(ENOTEMPTY, path); // somebody fills it as fast as it is emptied
            return false;
        }
        // What is still there will be met again, and reported then.
        leftovers_.resize(stuck_before);
        const sys::returned rewound = sys::seek(dir, 0, SEEK_SET);
        if (!rewound.ok()) {
            leave(rewound.error(), path);
            return false;
        }
    }
}

// True: the name is gone from this directory.
bool removal::remove(
    int dir, const std::string& name, unsigned char type, const std::string& path, int depth) {
    if (type != DT_DIR) {
        const sys::returned gone = sys::unlink_at(dir, name.c_str(), 0);
        if (gone.ok() || gone.error() == ENOENT) {
            removed_ += gone.ok() ? 1U : 0U;
            return true;
        }
        // EISDIR, and EPERM as POSIX has it: a directory, whatever the listing said.
        if (gone.error() != EISDIR && (gone.error() != EPERM || type != DT_UNKNOWN)) {
            leave(gone.error(), path);
            return false;
        }
    }
    return remove_directory(dir, name, path, depth);
}

bool removal::remove_directory(int dir,
                               const std::string& name,
                               const std::string& path,
                               int depth) {
    // Most are empty on a second look, or were from the beginning.
    sys::returned gone = sys::unlink_at(dir, name.c_str(), AT_REMOVEDIR);
    if (gone.ok() || gone.error() == ENOENT) {
        return true;
    }
    if (gone.error() == ENOTDIR) {
        return remove_swapped(dir, name, path);
    }
    if (gone.error() == EBUSY) { // a mount point
        leave(gone.error(), path);
        return false;
    }
    if (depth == deepest) {
        return lift(dir, name, path);
    }
    sys::returned opened =
        sys::open_beneath(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (opened.error() == EACCES) {
        // Mode 0000 or so: O_PATH needs no permission on the directory itself.
        const sys::returned handle =
            sys::open_beneath(dir, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
        if (handle.ok()) {
            const sys::fd locked(static_cast<int>(handle.value()));
            permit(locked.get());
            opened = sys::open_at(locked.get(), ".", O_RDONLY | O_DIRECTORY);
        }
    }
    switch (opened.error()) {
    case 0:
        break;
    case ENOENT:
        return true;
    case ENOTDIR:
    case ELOOP:
        return remove_swapped(dir, name, path);
    default: // EXDEV: a mount point
        leave(opened.error(), path);
        return false;
    }
    {
        const sys::fd inner(static_cast<int>(opened.value()));
        permit(inner.get());
        if (!empty_one(inner.get(), path, depth + 1)) {
            return false;
        }
    }
    gone = sys::unlink_at(dir, name.c_str(), AT_REMOVEDIR);
    if (!gone.ok() && gone.error() != ENOENT) {
        leave(gone.error(), path);
        return false;
    }
    return true;
}

// What was listed as a directory is a link or a file by now.
bool removal::remove_swapped(int dir, const std::string& name, const std::string& path) {
    const sys::returned gone = sys::unlink_at(dir, name.c_str(), 0);
    if (!gone.ok() && gone.error() != ENOENT) {
        leave(gone.error(), path);
        return false;
    }
    removed_ += gone.ok() ? 1U : 0U;
    return true;
}

// Moves a deep directory up into the root, where the next reading meets it.
bool removal::lift(int dir, const std::string& name, const std::string& path) {
    // Moving a directory changes its "..", which its own mode may forbid.
    const sys::returned handle =
        sys::open_beneath(dir, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (handle.ok()) {
        const sys::fd moving(static_cast<int>(handle.value()));
        permit(moving.get());
    }
    constexpr unsigned no_replace = 1; // RENAME_NOREPLACE
    for (;;) {
        const std::string fresh = ".withal-deep-" + std::to_string(++lifted_);
        sys::returned moved = sys::rename_at(dir, name.c_str(), root_, fresh.c_str(), no_replace);
        if (moved.error() == ENOSYS || moved.error() == EINVAL) {
            // A directory never replaces anything but an empty one.
            moved = sys::rename_at(dir, name.c_str(), root_, fresh.c_str());
        }
        if (moved.ok() || moved.error() == ENOENT) {
            return true;
        }
        if (moved.error() != EEXIST && moved.error() != ENOTEMPTY) {
            leave(moved.error(), path);
            return false;
        }
    }
}

void removal::remove_root(int parent, const std::string& name) {
    struct stat held{};
    struct stat named{};
    const sys::returned looked = sys::status_at(parent, name.c_str(), named);
    if (!sys::status(root_, held).ok() || (looked.error() == ENOENT && held.st_nlink == 0)) {
        return; // removed by somebody else
    }
    if (!looked.ok() || held.st_ino != named.st_ino || held.st_dev != named.st_dev) {
        leave(looked.ok() ? ESTALE : looked.error(), root_path_); // moved away
        return;
    }
    const sys::returned gone = sys::unlink_at(parent, name.c_str(), AT_REMOVEDIR);
    if (!gone.ok() && gone.error() != ENOENT && leftovers_.empty()) {
        leave(gone.error(), root_path_);
    }
}

} // namespace withal::detail

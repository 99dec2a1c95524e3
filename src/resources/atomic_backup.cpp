// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "atomic_write.hpp"
#include <withal/resources/atomic_file.hpp>
#include <withal/sys/call.hpp>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <linux/fs.h>
#include <sys/stat.h>

namespace withal {

std::string atomic_file::write::backup_name(int number) const {
    return name_ + ".bak" + (number == 0 ? "" : "." + std::to_string(number));
}

// Exchanges new and old in one step, so that the target always exists, then hands the old content
// down the row of backups, exchanging again: at every instant each copy has a name, and every step
// but the last, which removes the oldest, can be taken back.
bool atomic_file::write::publish_with_backup() {
    if (options_.sweep && !temp_.ends_with(".wbak")) {
        struct stat mine{};
        sys::status(writer_.fd(), mine).or_throw("atomic_file: fstat", path_);
        std::string name = fresh_name(".wbak", false);
        name.insert(stem().size(), std::to_string(mine.st_ino) + "-");
        rename(temp_, name).or_throw("atomic_file: rename the temporary file of", path_);
        temp_ = std::move(name);
    }
    close_checked();
    const sys::returned exchanged = rename(temp_, name_, RENAME_EXCHANGE);
    switch (exchanged.error()) {
    case 0:
        break;
    case EBUSY:
        explain_busy();
        return false;
    case ENOENT: // nothing to keep
        rename(temp_, name_).or_throw("atomic_file: rename", shown(temp_), path_);
        temp_.clear();
        return true;
    case ENOSYS:
    case EINVAL:
        publish_with_linked_backup();
        return true;
    default:
        exchanged.or_throw("atomic_file: rename", shown(temp_), path_);
    }
    // From here on temp_ is old content: an error must not remove it.
    const std::string old = std::exchange(temp_, {});
    int done = 0;
    const sys::returned shifted = shift_backups(old, options_.backup, done);
    if (!shifted.ok()) {
        undo_backups(old, done);
        temp_ = old; // the new content again
        shifted.or_throw("atomic_file: keep a backup of", path_);
    }
    prune_backups();
    return true;
}

// Puts `from` in front of the row and drops what falls off its end. `done` counts the steps that
// undo_backups() can take back if this fails.
sys::returned atomic_file::write::shift_backups(const std::string& from, int copies, int& done) {
    for (done = 0; done < copies; ++done) {
        const std::string next = backup_name(done);
        sys::returned moved = rename(from, next, RENAME_EXCHANGE);
        if (moved.ok()) {
            continue;
        }
        if (moved.error() == ENOENT) {
            moved = rename(from, next);
            struct stat there{};
            if (moved.ok() || sys::status_at(dir_.get(), from.c_str(), there).error() == ENOENT) {
                return sys::returned::value_of(0); // by us, or by a sweeper that finished it for us
            }
        }
        return moved;
    }
    const sys::returned gone = sys::unlink_at(dir_.get(), from.c_str(), 0);
    return gone.error() == ENOENT ? sys::returned::value_of(0) : gone;
}

void atomic_file::write::undo_backups(const std::string& from, int done) {
    bool undone = true;
    while (undone && done > 0) {
        undone = rename(from, backup_name(--done), RENAME_EXCHANGE).ok();
    }
    const sys::returned back = rename(from, name_, RENAME_EXCHANGE);
    if (!undone || !back.ok()) {
        throw committed_not_durable(back.ok() ? EIO : back.error(),
                                    std::generic_category(),
                                    "atomic_file: keeping a backup of '" + path_ +
                                        "' failed, and so did taking it back; old content is in '" +
                                        shown(from) + "'");
    }
}

// For when fewer copies are asked for than before. Too many copies are no reason to fail.
void atomic_file::write::prune_backups() {
    for (int number = options_.backup;
         sys::unlink_at(dir_.get(), backup_name(number).c_str(), 0).ok();) {
        ++number;
    }
}

// Where names cannot be exchanged: the old content gets a second name, and the row of backups moves
// on by one from its end, so that nothing is overwritten and every step can be taken back. What
// there is too much of then is removed last.
void atomic_file::write::publish_with_linked_backup() {
    std::string spare = fresh_name(options_.sweep ? ".wbak" : ".tmp", true);
    spare.insert(stem().size(), "0-");
    const sys::returned linked =
        sys::link_at(dir_.get(), name_.c_str(), dir_.get(), spare.c_str(), 0);
    const bool kept = linked.error() != ENOENT; // else there is nothing to keep
    if (kept) {
        linked.or_throw("atomic_file: keep a backup of", path_);
        move_row(spare);
    }
    const sys::returned renamed = rename(temp_, name_);
    if (!renamed.ok() && kept) {
        move_row_back(spare, 0);
    }
    renamed.or_throw("atomic_file: rename", shown(temp_), path_);
    temp_.clear();
    prune_backups();
}

// Each copy becomes the next older one, and `newest` the first.
void atomic_file::write::move_row(const std::string& newest) {
    for (int number = options_.backup; number >= 0; --number) {
        const std::string from = number == 0 ? newest : backup_name(number - 1);
        sys::returned moved = rename(from, backup_name(number));
        if (moved.error() == ENOENT) {
            struct stat there{};
            const sys::returned looked = sys::status_at(dir_.get(), from.c_str(), there);
            if (looked.error() == ENOENT) {
                continue; // a shorter row, or a sweeper took the newest and finished for us
            }
            moved = looked.ok() ? moved : looked;
        }
        if (!moved.ok()) {
            move_row_back(newest, number + 1);
            moved.or_throw("atomic_file: keep a backup of", path_);
        }
    }
}

// Takes back what move_row() did down to `number`, and removes `newest`. Whatever fails now, each
// copy still has a name, and there is already an error to report.
void atomic_file::write::move_row_back(const std::string& newest, int number) {
    for (; number <= options_.backup; ++number) {
        static_cast<void>(
            rename(backup_name(number), number == 0 ? newest : backup_name(number - 1)));
    }
    static_cast<void>(sys::unlink_at(dir_.get(), newest.c_str(), 0));
}

} // namespace withal

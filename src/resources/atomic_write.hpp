// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/resources/atomic_file.hpp>
#include <withal/sys/call.hpp>
#include <withal/sys/fd.hpp>

#include <string>
#include <string_view>

#include <sys/stat.h>
#include <sys/types.h>

namespace withal {

/// One write of an atomic_file, from enter to exit.
///
/// Its names, all beside the target: `.NAME.*.wtmp` is new content and carries a lock while its
/// writer lives. `.NAME.INODE-*.wbak` is new content too while its inode is INODE; once exchanged
/// with the target it is old content on its way to NAME.bak. `.NAME.*.tmp` belongs to writers that
/// do not lock, and is never swept. `.NAME.*.wsave` is the copy made before a write in place.
class atomic_file::write {
public:
    /// Opens everything. On error nothing is left.
    write(const std::string& path, const atomic_file_options& options);
    write(const write&) = delete;
    write& operator=(const write&) = delete;
    /// Removes the temporary file silently, if discard() and commit() were not called.
    ~write();

    [[nodiscard]] atomic_writer& writer() noexcept { return writer_; }
    [[nodiscard]] bool discarded() const noexcept { return writer_.discarded_; }

    /// **Returns.** What happened, for the note.
    /// **Throws.** committed_not_durable; anything else means that the target is as it was.
    std::string commit();
    /// Throws if the temporary file could not be removed.
    void discard();

private:
    // atomic_write.cpp
    void look();
    void follow_link();
    void create();
    [[nodiscard]] bool create_unnamed(mode_t mode);
    void create_named(mode_t mode);
    [[nodiscard]] bool lock_named();
    void give_up_named();
    void adopt_path();
    [[nodiscard]] bool same_content() const;
    void set_attributes();
    void keep_owner(const struct stat& mine, mode_t& mode);
    void keep_attributes();
    void close_checked();
    void link_unnamed();
    void copy_unnamed();
    [[nodiscard]] bool publish();
    void publish_new();
    void publish_by_link();
    void rename_over();
    void sync_directory();

    // atomic_backup.cpp
    [[nodiscard]] bool publish_with_backup();
    void publish_with_linked_backup();
    void move_row(const std::string& newest);
    void move_row_back(const std::string& newest, int number);
    [[nodiscard]] sys::returned shift_backups(const std::string& from, int copies, int& done);
    void undo_backups(const std::string& from, int done);
    void prune_backups();
    [[nodiscard]] std::string backup_name(int number) const;

    // atomic_sweep.cpp
    void sweep();
    void sweep_one(const std::string& name);
    [[nodiscard]] bool is_finishing(ino_t inode) const;

    // atomic_in_place.cpp
    void write_in_place();
    void copy(int from, int to, std::string_view what) const;

    [[nodiscard]] std::string stem() const;
    [[nodiscard]] std::string fresh_name(std::string_view suffix, bool again) const;
    [[nodiscard]] std::string shown(const std::string& name) const;
    void explain_busy() const;
    [[nodiscard]] sys::returned
    rename(const std::string& from, const std::string& to, unsigned flags = 0) const noexcept;

    const std::string& path_;
    const atomic_file_options& options_;
    sys::fd dir_;
    std::string dir_path_; // for texts
    std::string name_;     // in dir_, links followed
    std::string temp_;     // in dir_; empty: the content has no name
    atomic_writer writer_;
    struct stat old_{};
    bool existed_ = false; // and old_ says how; false if nobody looked
};

} // namespace withal

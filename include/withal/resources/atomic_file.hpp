// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/resources/file.hpp>

#include <memory>
#include <string>
#include <system_error>

#include <sys/types.h>

namespace withal {

/// What a commit has survived once exit() returns.
enum class durability : unsigned char {
    /// A power cut: data and directory are synced. Never torn, never lost.
    durable,
    /// A power cut leaves the old or the new content whole, perhaps the old.
    atomic,
    /// kill -9 and concurrent readers; after a power cut the file may be empty.
    none,
};

/// The mode of the new file.
enum class permissions : unsigned char {
    /// That of the file it replaces; of a new file 0666 & ~umask.
    preserve,
    /// Exactly `atomic_file_options::mode`.
    mode,
    /// 0666 & ~umask.
    umask,
};

/// How much to insist on keeping the old file's owner, or its extended attributes and ACLs.
enum class keeping : unsigned char { best_effort, require, no };

/// What if the target exists?
enum class clobber : unsigned char { replace, no };

/// What if the target is a symbolic link?
enum class symlinks : unsigned char {
    /// Resolved once, at enter; the real file is replaced in its directory.
    follow,
    /// The link itself is replaced by a file.
    replace,
    refuse,
};

/// What if the target is a mount point (a bind-mounted file), which cannot be replaced?
enum class busy : unsigned char { error, in_place };

/// What if the target has other hard links, which would keep the old content?
enum class hard_links : unsigned char { fail, break_them, in_place };

/// The options of atomic_file. `{.durability = durability::atomic, .backup = 3}` sets two.
///
/// `in_place` writes through the existing file, after a synced copy was put beside it, and copies
/// back if that fails. It is not atomic: readers see a mixture, a kill leaves `.NAME.*.wsave`.
struct atomic_file_options {
    enum durability durability = durability::durable;
    permissions perm = permissions::preserve;
    /// For permissions::mode.
    mode_t mode = 0600;
    /// With permissions::preserve only.
    keeping owner = keeping::best_effort;
    /// With permissions::preserve only.
    keeping xattrs = keeping::best_effort;
    enum clobber clobber = clobber::replace;
    symlinks symlink = symlinks::follow;
    /// Same bytes: keep the old file, its inode and its times.
    bool if_changed = false;
    busy on_busy = busy::error;
    hard_links preserve_links = hard_links::break_them;
    /// Old copies to keep: NAME.bak is the newest, then NAME.bak.1 ...
    int backup = 0;
    /// O_TMPFILE where there is one: a killed writer leaves nothing behind.
    bool unnamed = true;
    /// Remove what killed writers of this target left; see docs.
    bool sweep = true;
    /// Others write to temp_path(), and may replace what is there.
    bool by_path = false;

    /// The eight system calls of a durable write and no more: no look at the target, no sweep.
    static atomic_file_options bare() {
        return {.perm = permissions::umask,
                .symlink = symlinks::replace,
                .unnamed = false,
                .sweep = false};
    }
};

/// The new content is in place, but a step after the commit failed: nobody may rely on it surviving
/// a power cut. Its text names the step and the path.
class committed_not_durable : public std::system_error {
public:
    using std::system_error::system_error;
};

/// What the body writes to; committed as a whole or not at all.
class atomic_writer : public file {
public:
    /// Where the content is meanwhile: a name beside the target, or /proc/PID/fd/N if it has none.
    [[nodiscard]] std::string temp_path() const;
    /// Ask for the end of a body that succeeds to throw the content away.
    void discard() noexcept { discarded_ = true; }

private:
    friend class atomic_file;
    using file::close; // the manager's business
    using file::drop;
    atomic_writer() noexcept = default;

    std::string named_; // empty if it has no name
    bool discarded_ = false;
};

/// Replaces a file in one step, or not at all.
///
///     with(atomic_file("/tmp/withal-demo.conf", {.backup = 1}), [](atomic_writer& out) {
///         out.write("answer = 42\n");
///     });
///
/// **Effects.** At every instant the target is the whole old or the whole new content: for readers,
/// after kill -9, and when durable after a power cut. Body ok: flush, fsync, rename, fsync of the
/// directory. Body failed, cancelled or abandoned: the target is untouched, byte for byte.
/// **Throws.** The constructor std::invalid_argument for options that exclude each other; enter
/// and exit std::system_error naming the path, the old content intact; exit
/// committed_not_durable; enter withal::logic_error while it is entered already.
/// **Threads.** Any number of processes may write the same target; the last commit wins, or with
/// clobber::no the first.
/// **Python.** Nothing in the standard library.
class atomic_file {
public:
    static constexpr reuse reuse_category = reuse::reusable;

    explicit atomic_file(std::string path, const atomic_file_options& options = {});
    atomic_file(atomic_file&&) noexcept;
    atomic_file& operator=(atomic_file&&) noexcept;
    atomic_file(const atomic_file&) = delete;
    atomic_file& operator=(const atomic_file&) = delete;
    ~atomic_file();

    /// **Lifetime.** The writer belongs to the manager.
    atomic_writer& enter();
    void exit(const outcome& left);

    [[nodiscard]] const char* label() const noexcept { return label_.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return note_.c_str(); }

private:
    class write;

    std::string path_;
    std::string label_;
    std::string note_;
    atomic_file_options options_;
    std::unique_ptr<write> write_; // while entered
};

} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <sys/types.h>

struct stat; // NOLINT(readability-identifier-naming): the system's own name

namespace withal::sys {

/// What a system call answered: its value, or the errno. Nothing is kept in a global.
///
///     char text[64];
///     const auto size = sys::read(0, text, sizeof text).or_throw("demo: read", "standard input");
///     static_cast<void>(size);
///
/// Whoever asks decides whether an errno is an error: or_throw() turns it into a std::system_error
/// that names the operation and the path, as in "demo: read '/a/b' failed: Input/output error".
class [[nodiscard]] returned {
public:
    static returned value_of(std::int64_t value) noexcept { return {value, 0}; }
    static returned error_of(int error) noexcept { return {-1, error}; }

    [[nodiscard]] bool ok() const noexcept { return error_ == 0; }
    /// The errno; 0 when ok().
    [[nodiscard]] int error() const noexcept { return error_; }
    /// What the call returned; -1 when not ok().
    [[nodiscard]] std::int64_t value() const noexcept { return value_; }
    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(value_); }

    /// **Returns.** value().
    /// **Throws.** std::system_error: "`operation` '`path`' failed: ...", and for the calls that
    /// take two names "`operation` '`from`' to '`to`' failed: ...".
    std::int64_t or_throw(std::string_view operation, std::string_view path) const;
    std::int64_t
    or_throw(std::string_view operation, std::string_view from, std::string_view to) const;

private:
    returned(std::int64_t value, int error) noexcept : value_(value), error_(error) {}

    std::int64_t value_;
    int error_;
};

/// Throws what or_throw() would for this errno.
[[noreturn]] void fail(int error, std::string_view operation, std::string_view path);
[[noreturn]] void
fail(int error, std::string_view operation, std::string_view from, std::string_view to);

// The calls. Every system call of the project is made here, and a test can stand in between
// (seam.hpp). Each is the system's own with its own arguments, apart from three rules:
//
// - Descriptors are always opened O_CLOEXEC.
// - EINTR is not seen by callers. A call that was interrupted before it did anything is made again:
//   open, read, write, sync, truncate, lock, random and the ones that only look or set. Those that
//   change a name (rename_at, link_at, unlink_at, make_directory_at) are not repeated, for they
//   might meet their own work; they report it.
// - close() is never repeated: on Linux the descriptor is gone whatever the answer, and may already
//   be somebody else's. EINTR from it counts as success, any other errno is reported.

returned open_at(int dir, const char* name, int flags, mode_t mode = 0) noexcept;
/// Opens a directory entry without crossing into another mount and without following a symbolic
/// link in any component: EXDEV and ELOOP say that it would have. Where the kernel has no openat2,
/// a mount of the same file system is not noticed.
returned open_beneath(int dir, const char* name, int flags) noexcept;
returned close(int fd) noexcept;
returned duplicate(int fd) noexcept;

/// These may do less than asked; write_all() below does not.
returned read(int fd, void* into, std::size_t size) noexcept;
returned read_at(int fd, void* into, std::size_t size, off_t where) noexcept;
returned write(int fd, const void* from, std::size_t size) noexcept;
returned seek(int fd, off_t offset, int whence) noexcept;
returned truncate(int fd, off_t size) noexcept;
/// fsync. An error is final: the kernel forgets what it could not write, asking again would lie.
returned sync(int fd) noexcept;
/// flock.
returned lock(int fd, int operation) noexcept;

returned status(int fd, struct stat& into) noexcept;
/// Does not follow a symbolic link.
returned status_at(int dir, const char* name, struct stat& into) noexcept;
/// Works on descriptors opened with O_PATH too.
returned change_mode(int fd, mode_t mode) noexcept;
returned change_owner(int fd, uid_t owner, gid_t group) noexcept;
returned attribute_names(int fd, char* into, std::size_t size) noexcept;
returned get_attribute(int fd, const char* name, void* into, std::size_t size) noexcept;
returned set_attribute(int fd, const char* name, const void* from, std::size_t size) noexcept;

returned make_directory_at(int dir, const char* name, mode_t mode) noexcept;
/// The next raw directory entries (getdents64); 0 at the end.
returned entries(int dir, void* into, std::size_t size) noexcept;
returned read_link_at(int dir, const char* name, char* into, std::size_t size) noexcept;
/// renameat if `flags` is 0, else renameat2.
returned
rename_at(int from_dir, const char* from, int to_dir, const char* to, unsigned flags = 0) noexcept;
returned link_at(int from_dir, const char* from, int to_dir, const char* to, int flags) noexcept;
returned unlink_at(int dir, const char* name, int flags) noexcept;

returned random(void* into, std::size_t size) noexcept;
/// getpid. It cannot fail.
pid_t process_id() noexcept;

/// Writes everything, however many calls it takes.
///
/// **Returns.** `size`, or the errno of the call that failed.
returned write_all(int fd, const void* from, std::size_t size) noexcept;

} // namespace withal::sys

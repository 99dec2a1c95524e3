// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <functional>

namespace withal::sys {

/// The kinds of system call, as the kernel knows them.
enum class call : unsigned char {
    openat,
    openat2,
    close,
    dup,
    read,
    pread,
    write,
    lseek,
    ftruncate,
    fsync,
    flock,
    fstat,
    fstatat,
    fchmod,
    fchown,
    flistxattr,
    fgetxattr,
    fsetxattr,
    mkdirat,
    getdents,
    readlinkat,
    renameat,
    linkat,
    unlinkat,
    getrandom,
};

/// The kernel's name of it, as strace prints it for most: "openat", "renameat".
///
/// **Lifetime.** A literal.
const char* name_of(call what) noexcept;

/// A system call about to be made. What a kind does not have is -1, "" or 0.
///
/// **Lifetime.** The names are the caller's and live during the call of the function.
struct attempt {
    call what;
    /// The descriptor, or the directory that `name` is relative to.
    int fd;
    /// The first name.
    const char* name;
    /// The second name (renameat, linkat).
    const char* second;
    /// How much is to be read or written, in bytes.
    std::size_t size;
    /// Of openat O_*, of renameat RENAME_*, of flock LOCK_*, of linkat and unlinkat AT_*.
    int flags;
};

/// What shall become of it.
struct ruling {
    /// Not 0: the call is not made and answers this errno. A close is made all the same, because
    /// the kernel frees the descriptor even when it reports an error.
    int error = 0;
    /// At most so many bytes are read or written: short reads and writes.
    std::size_t limit = static_cast<std::size_t>(-1);
};

/// Stands between this process and the system while it lives: every call of sys/call.hpp is shown
/// to it first, each repetition after EINTR too. This is how tests inject faults and see the order
/// of calls; without one a call pays for one relaxed load.
///
///     sys::interposer disk_full([](const sys::attempt& next) {
///         return next.what == sys::call::write ? sys::ruling{.error = 28} : sys::ruling{};
///     });
///
/// **Effects.** Calls that the function itself makes are not shown to it. The destructor waits
/// until no thread is inside the function.
/// **Throws.** withal::logic_error if there is one already. The function must not throw.
/// **Threads.** The function is called from any thread, several at once.
class interposer {
public:
    using function = std::function<ruling(const attempt&)>;

    /// From here on `decide` rules over every call of the process.
    explicit interposer(function decide);
    ~interposer();
    interposer(const interposer&) = delete;
    interposer& operator=(const interposer&) = delete;

private:
    function decide_;
};

} // namespace withal::sys

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/sys/call.hpp>

#include <withal/core/error.hpp>
#include <withal/sys/seam.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace withal::sys {

namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): the seam is the process's.
constinit std::atomic<const interposer::function*> installed = nullptr;
constinit std::atomic<int> inside = 0;
thread_local bool deciding = false;

[[gnu::cold]] [[gnu::noinline]] ruling ask(const attempt& next) noexcept {
    if (deciding) {
        return {};
    }
    deciding = true;
    inside.fetch_add(1);
    ruling answer;
    // Loaded again after `inside` was raised: the destructor waits for those that see it.
    if (const interposer::function* const decide = installed.load()) {
        answer = (*decide)(next);
    }
    inside.fetch_sub(1);
    deciding = false;
    return answer;
}

enum class interrupted : unsigned char { again, report };

/// Makes one system call. `make` gets how much it may read or write, and answers as libc does.
template <class Make>
returned through(const attempt& next, interrupted rule, Make make) noexcept {
    for (;;) {
        ruling answer;
        if (installed.load(std::memory_order_relaxed) != nullptr) [[unlikely]] {
            answer = ask(next);
        }
        int error = answer.error;
        if (error == 0) {
            const auto value = static_cast<std::int64_t>(make(std::min(next.size, answer.limit)));
            if (value >= 0) {
                return returned::value_of(value);
            }
            error = errno;
        }
        if (error != EINTR || rule == interrupted::report) {
            return returned::error_of(error);
        }
    }
}

attempt on(call what, int fd, std::size_t size = 0, int flags = 0) noexcept {
    return {.what = what, .fd = fd, .name = "", .second = "", .size = size, .flags = flags};
}

attempt at(call what, int dir, const char* name, int flags = 0, const char* second = "") noexcept {
    return {.what = what, .fd = dir, .name = name, .second = second, .size = 0, .flags = flags};
}

std::string text_of(std::string_view operation, std::string_view path) {
    std::string text(operation);
    text.append(" '").append(path).append("'");
    return text;
}

/// "/proc/self/fd/7"
struct descriptor_path {
    explicit descriptor_path(int fd) noexcept {
        constexpr std::string_view head = "/proc/self/fd/";
        char* const digits = std::ranges::copy(head, text.data()).out;
        *std::to_chars(digits, text.data() + text.size() - 1, fd).ptr = '\0';
    }
    std::array<char, 32> text{};
};

} // namespace

std::int64_t returned::or_throw(std::string_view operation, std::string_view path) const {
    if (!ok()) {
        fail(error_, operation, path);
    }
    return value_;
}

std::int64_t
returned::or_throw(std::string_view operation, std::string_view from, std::string_view to) const {
    if (!ok()) {
        fail(error_, operation, from, to);
    }
    return value_;
}

void fail(int error, std::string_view operation, std::string_view path) {
    throw std::system_error(error, std::generic_category(), text_of(operation, path) + " failed");
}

void fail(int error, std::string_view operation, std::string_view from, std::string_view to) {
    throw std::system_error(
        error, std::generic_category(), text_of(text_of(operation, from) + " to", to) + " failed");
}

const char* name_of(call what) noexcept {
    static constexpr std::array names{
        "openat",   "openat2",    "close",     "dup",       "read",    "pread",    "write",
        "lseek",    "ftruncate",  "fsync",     "flock",     "fstat",   "fstatat",  "fchmod",
        "fchown",   "flistxattr", "fgetxattr", "fsetxattr", "mkdirat", "getdents", "readlinkat",
        "renameat", "linkat",     "unlinkat",  "getrandom"};
    static_assert(names.size() == static_cast<std::size_t>(call::getrandom) + 1);
    return names[static_cast<std::size_t>(what)];
}

interposer::interposer(function decide) : decide_(std::move(decide)) {
    const function* none = nullptr;
    if (!installed.compare_exchange_strong(none, &decide_)) {
        throw logic_error("sys::interposer: there is one already; at most one may live at a time");
    }
}

interposer::~interposer() {
    installed.store(nullptr);
    while (inside.load() != 0) {
        std::this_thread::yield();
    }
}

returned open_at(int dir, const char* name, int flags, mode_t mode) noexcept {
    return through(at(call::openat, dir, name, flags), interrupted::again, [&](std::size_t) {
        return ::openat(dir, name, flags | O_CLOEXEC, mode);
    });
}

returned open_beneath(int dir, const char* name, int flags) noexcept {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    const returned opened =
        through(at(call::openat2, dir, name, flags), interrupted::again, [&](std::size_t) {
            return ::syscall(SYS_openat2, dir, name, &how, sizeof how);
        });
    if (opened.error() == EAGAIN) {
        // The kernel could not tell whether a rename elsewhere led it out: ask again.
        return open_beneath(dir, name, flags);
    }
    if (opened.error() != ENOSYS && opened.error() != EPERM) {
        return opened;
    }
    // Before Linux 5.6, or in a sandbox that does not know the call.
    struct stat here{};
    struct stat there{};
    const returned plain = open_at(dir, name, flags | O_NOFOLLOW);
    if (!plain.ok()) {
        return plain;
    }
    const int number = static_cast<int>(plain.value());
    if (!status(dir, here).ok() || !status(number, there).ok() || here.st_dev != there.st_dev) {
        static_cast<void>(close(number));
        return returned::error_of(EXDEV);
    }
    return plain;
}

returned close(int fd) noexcept {
    const attempt next = on(call::close, fd);
    ruling answer;
    if (installed.load(std::memory_order_relaxed) != nullptr) [[unlikely]] {
        answer = ask(next);
    }
    int error = ::close(fd) == 0 ? 0 : errno;
    if (answer.error != 0) {
        error = answer.error;
    }
    return error == 0 || error == EINTR ? returned::value_of(0) : returned::error_of(error);
}

returned duplicate(int fd) noexcept {
    return through(on(call::dup, fd), interrupted::again, [&](std::size_t) {
        return ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    });
}

returned read(int fd, void* into, std::size_t size) noexcept {
    return through(on(call::read, fd, size), interrupted::again, [&](std::size_t allowed) {
        return ::read(fd, into, allowed);
    });
}

returned read_at(int fd, void* into, std::size_t size, off_t where) noexcept {
    return through(on(call::pread, fd, size), interrupted::again, [&](std::size_t allowed) {
        return ::pread(fd, into, allowed, where);
    });
}

returned write(int fd, const void* from, std::size_t size) noexcept {
    return through(on(call::write, fd, size), interrupted::again, [&](std::size_t allowed) {
        return ::write(fd, from, allowed);
    });
}

returned seek(int fd, off_t offset, int whence) noexcept {
    return through(on(call::lseek, fd), interrupted::again, [&](std::size_t) {
        return ::lseek(fd, offset, whence);
    });
}

returned truncate(int fd, off_t size) noexcept {
    return through(on(call::ftruncate, fd, static_cast<std::size_t>(size)),
                   interrupted::again,
                   [&](std::size_t) { return ::ftruncate(fd, size); });
}

returned sync(int fd) noexcept {
    return through(
        on(call::fsync, fd), interrupted::again, [&](std::size_t) { return ::fsync(fd); });
}

returned lock(int fd, int operation) noexcept {
    return through(on(call::flock, fd, 0, operation), interrupted::again, [&](std::size_t) {
        return ::flock(fd, operation);
    });
}

returned status(int fd, struct stat& into) noexcept {
    return through(
        on(call::fstat, fd), interrupted::again, [&](std::size_t) { return ::fstat(fd, &into); });
}

returned status_at(int dir, const char* name, struct stat& into) noexcept {
    return through(at(call::fstatat, dir, name), interrupted::again, [&](std::size_t) {
        return ::fstatat(dir, name, &into, AT_SYMLINK_NOFOLLOW);
    });
}

returned change_mode(int fd, mode_t mode) noexcept {
    const returned changed = through(on(call::fchmod, fd, 0, static_cast<int>(mode)),
                                     interrupted::again,
                                     [&](std::size_t) { return ::fchmod(fd, mode); });
    if (changed.error() != EBADF) {
        return changed;
    }
    // fchmod refuses O_PATH; the magic link leads to exactly the file that is open.
    return through(on(call::fchmod, fd, 0, static_cast<int>(mode)),
                   interrupted::again,
                   [&](std::size_t) { return ::chmod(descriptor_path(fd).text.data(), mode); });
}

returned change_owner(int fd, uid_t owner, gid_t group) noexcept {
    return through(on(call::fchown, fd), interrupted::again, [&](std::size_t) {
        return ::fchown(fd, owner, group);
    });
}

returned attribute_names(int fd, char* into, std::size_t size) noexcept {
    return through(on(call::flistxattr, fd), interrupted::again, [&](std::size_t) {
        return ::flistxattr(fd, into, size);
    });
}

returned get_attribute(int fd, const char* name, void* into, std::size_t size) noexcept {
    return through(at(call::fgetxattr, fd, name), interrupted::again, [&](std::size_t) {
        return ::fgetxattr(fd, name, into, size);
    });
}

returned set_attribute(int fd, const char* name, const void* from, std::size_t size) noexcept {
    return through(at(call::fsetxattr, fd, name), interrupted::again, [&](std::size_t) {
        return ::fsetxattr(fd, name, from, size, 0);
    });
}

returned make_directory_at(int dir, const char* name, mode_t mode) noexcept {
    return through(at(call::mkdirat, dir, name), interrupted::report, [&](std::size_t) {
        return ::mkdirat(dir, name, mode);
    });
}

returned entries(int dir, void* into, std::size_t size) noexcept {
    return through(on(call::getdents, dir), interrupted::again, [&](std::size_t) {
        return ::syscall(SYS_getdents64, dir, into, size);
    });
}

returned read_link_at(int dir, const char* name, char* into, std::size_t size) noexcept {
    return through(at(call::readlinkat, dir, name), interrupted::again, [&](std::size_t) {
        return ::readlinkat(dir, name, into, size);
    });
}

// NOLINTBEGIN(misc-include-cleaner): <cstdio> has both
returned
rename_at(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) noexcept {
    return through(at(call::renameat, from_dir, from, static_cast<int>(flags), to),
                   interrupted::report,
                   [&](std::size_t) {
                       return flags == 0 ? ::renameat(from_dir, from, to_dir, to)
                                         : ::renameat2(from_dir, from, to_dir, to, flags);
                   });
}
// NOLINTEND(misc-include-cleaner)

returned link_at(int from_dir, const char* from, int to_dir, const char* to, int flags) noexcept {
    return through(at(call::linkat, to_dir, from, flags, to),
                   interrupted::report,
                   [&](std::size_t) { return ::linkat(from_dir, from, to_dir, to, flags); });
}

returned unlink_at(int dir, const char* name, int flags) noexcept {
    return through(at(call::unlinkat, dir, name, flags), interrupted::report, [&](std::size_t) {
        return ::unlinkat(dir, name, flags);
    });
}

returned random(void* into, std::size_t size) noexcept {
    return through(on(call::getrandom, -1, size), interrupted::again, [&](std::size_t allowed) {
        return ::getrandom(into, allowed, 0);
    });
}

pid_t process_id() noexcept {
    return ::getpid();
}

returned write_all(int fd, const void* from, std::size_t size) noexcept {
    const char* const bytes = static_cast<const char*>(from);
    std::size_t done = 0;
    while (done < size) {
        const returned wrote = write(fd, bytes + done, size - done);
        if (!wrote.ok()) {
            return wrote;
        }
        if (wrote.value() == 0) {
            return returned::error_of(EIO); // no progress, and no reason given
        }
        done += wrote.size();
    }
    return returned::value_of(static_cast<std::int64_t>(size));
}

} // namespace withal::sys

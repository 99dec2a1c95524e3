// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "atomic_write.hpp"
#include <withal/resources/atomic_file.hpp>
#include <withal/resources/file.hpp>
#include <withal/sys/call.hpp>
#include <withal/sys/fd.hpp>
#include <withal/sys/path.hpp>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>

namespace withal {

namespace {

constexpr const char* owner = "atomic_file";
constexpr mode_t all_bits = 07777;

std::string proc_path(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

/// The file system, or the kernel, does not have it; as Rust's tempfile judges.
bool unsupported_unnamed(int error) {
    return error == EOPNOTSUPP || error == EISDIR || error == ENOENT || error == EINVAL;
}

} // namespace

atomic_file::write::write(const std::string& path, const atomic_file_options& options)
    : path_(path), options_(options) {
    sys::split_path cut = sys::split(path);
    if (cut.name.empty() || cut.name == "." || cut.name == "..") {
        sys::fail(path.empty() ? ENOENT : EISDIR, "atomic_file: open", path);
    }
    dir_ = sys::fd(
        static_cast<int>(sys::open_at(AT_FDCWD, cut.directory.c_str(), O_RDONLY | O_DIRECTORY)
                             .or_throw("atomic_file: open the directory of", path)));
    dir_path_ = std::move(cut.directory);
    name_ = std::move(cut.name);
    look();
    if (options.sweep) {
        sweep();
    }
    create();
}

atomic_file::write::~write() {
    if (!temp_.empty()) {
        static_cast<void>(sys::unlink_at(dir_.get(), temp_.c_str(), 0));
    }
}

// Learns what the options need to know about the target, with one fstatat, and follows links.
void atomic_file::write::look() {
    if (options_.perm != permissions::preserve && options_.symlink == symlinks::replace &&
        options_.clobber == clobber::replace && options_.preserve_links == hard_links::break_them) {
        return;
    }
    constexpr int most_links = 40; // the kernel's own limit
    for (int links = 0;; ++links) {
        const sys::returned looked = sys::status_at(dir_.get(), name_.c_str(), old_);
        if (looked.error() == ENOENT) {
            return;
        }
        looked.or_throw("atomic_file: look at", path_);
        if (options_.clobber == clobber::no) {
            sys::fail(EEXIST, "atomic_file: create", path_);
        }
        if (!S_ISLNK(old_.st_mode)) {
            break;
        }
        if (options_.symlink == symlinks::replace) {
            return;
        }
        if (options_.symlink == symlinks::refuse || links == most_links) {
            sys::fail(ELOOP, "atomic_file: replace the symbolic link", path_);
        }
        follow_link();
    }
    if (S_ISDIR(old_.st_mode)) {
        sys::fail(EISDIR, "atomic_file: replace", path_);
    }
    if (!S_ISREG(old_.st_mode)) {
        sys::fail(EINVAL, "atomic_file: replace the special file", path_);
    }
    if (old_.st_nlink > 1 && options_.preserve_links == hard_links::fail) {
        sys::fail(EMLINK, "atomic_file: keep the hard links of", path_);
    }
    existed_ = true;
}

void atomic_file::write::follow_link() {
    std::array<char, PATH_MAX> text{};
    const auto size = static_cast<std::size_t>(
        sys::read_link_at(dir_.get(), name_.c_str(), text.data(), text.size())
            .or_throw("atomic_file: read the link", path_));
    const std::string_view target(text.data(), size);
    sys::split_path cut = sys::split(target);
    if (cut.name.empty() || cut.name == "." || cut.name == "..") {
        sys::fail(EISDIR, "atomic_file: replace", path_);
    }
    if (target.find('/') != std::string_view::npos) {
        dir_ = sys::fd(static_cast<int>(
            sys::open_at(dir_.get(), cut.directory.c_str(), O_RDONLY | O_DIRECTORY)
                .or_throw("atomic_file: open the directory of the target of", path_)));
        dir_path_ = cut.directory.starts_with('/') ? std::move(cut.directory)
                                                   : sys::join(dir_path_, cut.directory);
    }
    name_ = std::move(cut.name);
}

std::string atomic_file::write::stem() const {
    constexpr std::size_t most = 255 - 48; // a name and what fresh_name() adds fit NAME_MAX
    return "." + name_.substr(0, most) + ".";
}

std::string atomic_file::write::fresh_name(std::string_view suffix, bool again) const {
    constexpr std::size_t random_letters = 10;
    return stem() + sys::distinct_name(random_letters, again).append(suffix);
}

std::string atomic_file::write::shown(const std::string& name) const {
    return dir_path_ == "." ? name : sys::join(dir_path_, name);
}

sys::returned atomic_file::write::rename(const std::string& from,
                                         const std::string& to,
                                         unsigned flags) const noexcept {
    return sys::rename_at(dir_.get(), from.c_str(), dir_.get(), to.c_str(), flags);
}

void atomic_file::write::create() {
    // Where the final mode is set later, nobody else may look in before.
    const bool set_later =
        options_.perm == permissions::mode || (options_.perm == permissions::preserve && existed_);
    const mode_t mode = set_later ? 0600 : 0666;
    if (!options_.unnamed || !create_unnamed(mode)) {
        create_named(mode);
    }
    if (!temp_.empty()) {
        writer_.named_ = options_.by_path ? sys::absolute(shown(temp_)) : shown(temp_);
    }
}

bool atomic_file::write::create_unnamed(mode_t mode) {
    const sys::returned opened = sys::open_at(dir_.get(), ".", O_TMPFILE | O_RDWR, mode);
    if (unsupported_unnamed(opened.error())) {
        return false;
    }
    static_cast<file&>(writer_) = file(
        sys::fd(static_cast<int>(opened.or_throw("atomic_file: create", path_))), path_, owner);
    if (options_.sweep) {
        // Nobody else knows the file: this fails only where there are no locks, and so no sweeps.
        static_cast<void>(sys::lock(writer_.fd(), LOCK_EX | LOCK_NB));
    }
    return true;
}

void atomic_file::write::create_named(mode_t mode) {
    constexpr int attempts = 100;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        std::string name = fresh_name(options_.sweep ? ".wtmp" : ".tmp", attempt != 0);
        const sys::returned opened =
            sys::open_at(dir_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
        if (opened.error() == EEXIST) {
            continue;
        }
        sys::fd fresh(static_cast<int>(opened.or_throw("atomic_file: create", path_)));
        temp_ = std::move(name);
        try {
            static_cast<file&>(writer_) = file(std::move(fresh), path_, owner);
            if (!options_.sweep || lock_named()) {
                return;
            }
            give_up_named();
        } catch (...) {
            static_cast<void>(sys::unlink_at(dir_.get(), temp_.c_str(), 0));
            temp_.clear();
            throw;
        }
    }
    sys::fail(EEXIST, "atomic_file: find a free temporary name for", path_);
}

// Between its creation and its lock a sweeper may have taken the file for litter.
bool atomic_file::write::lock_named() {
    const sys::returned locked = sys::lock(writer_.fd(), LOCK_EX | LOCK_NB);
    if (locked.error() == EWOULDBLOCK) {
        return false;
    }
    if (!locked.ok()) {
        return true; // no locks here, and so no sweeps
    }
    struct stat mine{};
    sys::status(writer_.fd(), mine).or_throw("atomic_file: fstat", path_);
    return mine.st_nlink != 0;
}

// A sweeper was faster: the name may already be somebody else's, and is removed only if it is not.
void atomic_file::write::give_up_named() {
    const std::string name = std::exchange(temp_, {});
    struct stat mine{};
    struct stat named{};
    if (sys::status(writer_.fd(), mine).ok() &&
        sys::status_at(dir_.get(), name.c_str(), named).ok() && mine.st_ino == named.st_ino &&
        mine.st_dev == named.st_dev) {
        static_cast<void>(sys::unlink_at(dir_.get(), name.c_str(), 0));
    }
    writer_.drop();
}

void atomic_file::write::discard() {
    writer_.drop();
    if (temp_.empty()) {
        return;
    }
    const std::string name = std::exchange(temp_, {});
    const sys::returned gone = sys::unlink_at(dir_.get(), name.c_str(), 0);
    if (!gone.ok() && gone.error() != ENOENT) {
        gone.or_throw("atomic_file: remove the temporary file of '" + path_ + "',", shown(name));
    }
}

std::string atomic_file::write::commit() {
    if (!writer_.is_open()) {
        sys::fail(EBADF, "atomic_file: commit the file that the body closed,", path_);
    }
    writer_.flush();
    if (options_.by_path) {
        adopt_path();
    }
    if (options_.if_changed && same_content()) {
        discard();
        return "unchanged";
    }
    const bool in_place =
        existed_ && old_.st_nlink > 1 && options_.preserve_links == hard_links::in_place;
    if (in_place) {
        write_in_place();
        return "committed in place";
    }
    set_attributes();
    if (options_.durability != durability::none) {
        sys::sync(writer_.fd()).or_throw("atomic_file: fsync", path_);
    }
    if (!publish()) {
        write_in_place();
        return "committed in place";
    }
    if (options_.durability == durability::durable) {
        sync_directory();
    }
    writer_.drop(); // and with it the lock
    // Nothing depends on it: what was to be written is synced, and reading loses nothing.
    static_cast<void>(dir_.close());
    return options_.backup > 0 ? "committed, backup " + backup_name(0) : "committed";
}

// Others wrote by name; what is there now is the content, even if it is another file.
void atomic_file::write::adopt_path() {
    struct stat mine{};
    struct stat named{};
    sys::status(writer_.fd(), mine).or_throw("atomic_file: fstat", path_);
    sys::fd found(
        static_cast<int>(sys::open_at(dir_.get(), temp_.c_str(), O_RDWR | O_NOFOLLOW)
                             .or_throw("atomic_file: open the temporary file of", path_)));
    sys::status(found.get(), named).or_throw("atomic_file: fstat", path_);
    if (!S_ISREG(named.st_mode)) {
        sys::fail(EINVAL, "atomic_file: commit the special file that the body made for", path_);
    }
    if (mine.st_ino == named.st_ino && mine.st_dev == named.st_dev) {
        return;
    }
    if (options_.sweep) {
        static_cast<void>(sys::lock(found.get(), LOCK_EX | LOCK_NB));
    }
    static_cast<file&>(writer_) = file(std::move(found), path_, owner);
}

bool atomic_file::write::same_content() const {
    const sys::returned opened =
        sys::open_at(dir_.get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!opened.ok()) {
        return false;
    }
    const sys::fd target(static_cast<int>(opened.value()));
    struct stat theirs{};
    struct stat mine{};
    if (!sys::status(target.get(), theirs).ok() || !sys::status(writer_.fd(), mine).ok() ||
        !S_ISREG(theirs.st_mode) || theirs.st_size != mine.st_size) {
        return false;
    }
    // NOLINTBEGIN(cppcoreguidelines-pro-type-member-init): read into before they are read
    std::array<char, 16384> ours;
    std::array<char, 16384> found;
    // NOLINTEND(cppcoreguidelines-pro-type-member-init)
    for (off_t at = 0; at < mine.st_size;) {
        const sys::returned here = sys::read_at(writer_.fd(), ours.data(), ours.size(), at);
        if (!here.ok() || here.value() == 0) {
            return false;
        }
        std::size_t have = 0;
        while (have < here.size()) {
            const sys::returned there = sys::read_at(target.get(),
                                                     found.data() + have,
                                                     here.size() - have,
                                                     at + static_cast<off_t>(have));
            if (!there.ok() || there.value() == 0) {
                return false;
            }
            have += there.size();
        }
        if (std::memcmp(ours.data(), found.data(), have) != 0) {
            return false;
        }
        at += static_cast<off_t>(have);
    }
    return true;
}

void atomic_file::write::set_attributes() {
    mode_t mode = options_.mode;
    if (options_.perm == permissions::umask ||
        (options_.perm == permissions::preserve && !existed_)) {
        return;
    }
    if (options_.perm == permissions::preserve) {
        mode = old_.st_mode & all_bits;
        if (options_.owner != keeping::no) {
            struct stat mine{};
            sys::status(writer_.fd(), mine).or_throw("atomic_file: fstat", path_);
            keep_owner(mine, mode);
        }
        if (options_.xattrs != keeping::no) {
            keep_attributes();
        }
    }
    sys::change_mode(writer_.fd(), mode).or_throw("atomic_file: fchmod", path_);
}

void atomic_file::write::keep_owner(const struct stat& mine, mode_t& mode) {
    constexpr auto unchanged = static_cast<uid_t>(-1);
    if (mine.st_uid == old_.st_uid && mine.st_gid == old_.st_gid) {
        return;
    }
    const sys::returned both = sys::change_owner(writer_.fd(), old_.st_uid, old_.st_gid);
    if (both.ok()) {
        return;
    }
    if (options_.owner == keeping::require) {
        both.or_throw("atomic_file: keep the owner of", path_);
    }
    // What the old owner or group was allowed is not for another one.
    mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);
    if (mine.st_gid != old_.st_gid &&
        !sys::change_owner(writer_.fd(), unchanged, old_.st_gid).ok()) {
        mode = (mode & ~static_cast<mode_t>(S_IRWXG)) | ((mode & S_IRWXO) << 3U);
    }
}

// Extended attributes, ACLs among them.
void atomic_file::write::keep_attributes() {
    const bool require = options_.xattrs == keeping::require;
    const auto settled = [&](const sys::returned& made) {
        if (!made.ok() && require && made.error() != ENOTSUP && made.error() != ENODATA) {
            made.or_throw("atomic_file: keep the extended attributes of", path_);
        }
        return made.ok();
    };
    const sys::returned opened =
        sys::open_at(dir_.get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!settled(opened)) {
        return;
    }
    const sys::fd target(static_cast<int>(opened.value()));
    const sys::returned size = sys::attribute_names(target.get(), nullptr, 0);
    if (!settled(size) || size.value() == 0) {
        return;
    }
    std::string names(size.size(), '\0');
    const sys::returned got = sys::attribute_names(target.get(), names.data(), names.size());
    if (!settled(got)) {
        return;
    }
    names.resize(got.size());
    std::string value(XATTR_SIZE_MAX, '\0');
    for (std::size_t at = 0; at < names.size();) {
        const char* const name = names.c_str() + at;
        at += std::strlen(name) + 1;
        const sys::returned length =
            sys::get_attribute(target.get(), name, value.data(), value.size());
        if (settled(length)) {
            static_cast<void>(
                settled(sys::set_attribute(writer_.fd(), name, value.data(), length.size())));
        }
    }
}

// Asks for the error that only a close reports, while it can still stop the commit. The lock goes
// with the last descriptor, so a locked file is closed through a second one.
void atomic_file::write::close_checked() {
    if (options_.sweep || temp_.empty()) {
        sys::fd second(static_cast<int>(
            sys::duplicate(writer_.fd()).or_throw("atomic_file: duplicate", path_)));
        second.close().or_throw("atomic_file: close", path_);
    } else {
        writer_.close();
    }
}

// Gives the content a name beside the target.
void atomic_file::write::link_unnamed() {
    std::string suffix = options_.sweep ? ".wtmp" : ".tmp";
    std::string before;
    if (options_.sweep && options_.backup > 0) {
        struct stat mine{};
        sys::status(writer_.fd(), mine).or_throw("atomic_file: fstat", path_);
        before = std::to_string(mine.st_ino) + "-";
        suffix = ".wbak";
    }
    const std::string source = proc_path(writer_.fd());
    for (bool again = false;; again = true) {
        std::string name = fresh_name(suffix, again);
        name.insert(stem().size(), before);
        const sys::returned linked =
            sys::link_at(AT_FDCWD, source.c_str(), dir_.get(), name.c_str(), AT_SYMLINK_FOLLOW);
        if (linked.ok()) {
            temp_ = std::move(name);
            return;
        }
        if (linked.error() == ENOENT || linked.error() == EOPNOTSUPP) {
            copy_unnamed(); // no /proc, or a file system that makes such files and cannot link them
            return;
        }
        if (linked.error() != EEXIST) {
            linked.or_throw("atomic_file: link", shown(name), path_);
        }
    }
}

void atomic_file::write::copy_unnamed() {
    file unnamed = std::move(static_cast<file&>(writer_));
    create_named(0600);
    copy(unnamed.fd(), writer_.fd(), "atomic_file: copy to a temporary file");
    struct stat wanted{};
    sys::status(unnamed.fd(), wanted).or_throw("atomic_file: fstat", path_);
    sys::change_mode(writer_.fd(), wanted.st_mode & all_bits)
        .or_throw("atomic_file: fchmod", path_);
    set_attributes();
    if (options_.durability != durability::none) {
        sys::sync(writer_.fd()).or_throw("atomic_file: fsync", path_);
    }
}

// False: the target is busy and shall be written in place.
bool atomic_file::write::publish() {
    if (options_.clobber == clobber::no) {
        publish_new();
        return true;
    }
    if (temp_.empty()) {
        link_unnamed();
    }
    if (options_.backup > 0) {
        return publish_with_backup();
    }
    close_checked();
    const sys::returned renamed = rename(temp_, name_);
    if (renamed.error() == EBUSY) {
        explain_busy();
        return false;
    }
    renamed.or_throw("atomic_file: rename", shown(temp_), path_);
    temp_.clear(); // the name is free, and may be somebody else's by now
    return true;
}

// Throws, unless the target shall be written in place.
void atomic_file::write::explain_busy() const {
    if (options_.on_busy == busy::error) {
        throw std::system_error(
            EBUSY,
            std::generic_category(),
            "atomic_file: rename '" + shown(temp_) + "' to '" + path_ +
                "' failed: the target is a mount point (a bind-mounted file?), which cannot be "
                "replaced, only written in place (busy::in_place)");
    }
}

// One step that fails if the name is taken.
void atomic_file::write::publish_new() {
    close_checked();
    if (temp_.empty()) {
        const std::string source = proc_path(writer_.fd());
        const sys::returned linked =
            sys::link_at(AT_FDCWD, source.c_str(), dir_.get(), name_.c_str(), AT_SYMLINK_FOLLOW);
        if (linked.error() != ENOENT && linked.error() != EOPNOTSUPP) {
            linked.or_throw("atomic_file: create", path_);
            return;
        }
        copy_unnamed();
    }
    const sys::returned renamed = rename(temp_, name_, RENAME_NOREPLACE);
    if (renamed.error() == ENOSYS || renamed.error() == EINVAL) {
        publish_by_link();
        return;
    }
    renamed.or_throw("atomic_file: create", path_);
    temp_.clear();
}

void atomic_file::write::publish_by_link() {
    sys::link_at(dir_.get(), temp_.c_str(), dir_.get(), name_.c_str(), 0)
        .or_throw("atomic_file: create", path_);
    const std::string second = std::exchange(temp_, {});
    const sys::returned gone = sys::unlink_at(dir_.get(), second.c_str(), 0);
    if (!gone.ok() && gone.error() != ENOENT) {
        throw committed_not_durable(gone.error(),
                                    std::generic_category(),
                                    "atomic_file: '" + path_ + "' is created, but removing '" +
                                        shown(second) + "' failed");
    }
}

void atomic_file::write::sync_directory() {
    const sys::returned synced = sys::sync(dir_.get());
    if (!synced.ok()) {
        throw committed_not_durable(synced.error(),
                                    std::generic_category(),
                                    "atomic_file: '" + path_ +
                                        "' is replaced, but fsync of its directory failed");
    }
}

} // namespace withal

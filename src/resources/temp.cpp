// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/resources/temp.hpp>

#include "entered.hpp"
#include "removal.hpp"
#include <withal/core/outcome.hpp>
#include <withal/resources/file.hpp>
#include <withal/sys/call.hpp>
#include <withal/sys/fd.hpp>
#include <withal/sys/path.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>

namespace withal {

namespace {

constexpr int attempts = 100;
constexpr std::size_t random_letters = 10;

temp_options checked(temp_options options, const std::string& manager) {
    const auto reject = [&](const char* what) {
        throw std::invalid_argument(manager + ": option " + what);
    };
    if (options.prefix.find('/') != std::string::npos) {
        reject("prefix must not contain a slash");
    }
    if (options.suffix.find('/') != std::string::npos) {
        reject("suffix must not contain a slash");
    }
    if (options.mode > 07777) {
        reject("mode must be within 0 and 07777");
    }
    return options;
}

std::string parent_of(const temp_options& options) {
    return sys::absolute(options.parent.empty() ? sys::temporary_directory() : options.parent);
}

// O_PATH: a directory that may be entered but not listed will do.
sys::fd open_parent(const std::string& path, const char* operation) {
    return sys::fd(static_cast<int>(
        sys::open_at(AT_FDCWD, path.c_str(), O_PATH | O_DIRECTORY).or_throw(operation, path)));
}

std::string fresh_name(const temp_options& options) {
    return options.prefix + sys::random_name(random_letters) + options.suffix;
}

// Where there are no locks there is no cleaner that asks for them.
void hold(const temp_options& options, int fd) {
    if (options.lock) {
        static_cast<void>(sys::lock(fd, LOCK_EX | LOCK_NB));
    }
}

bool stays(const temp_options& options, const outcome& left) {
    return options.keep == keep::always || (options.keep == keep::on_failure && left.failed());
}

std::string kept(const std::string& path, const outcome& left) {
    return left.failed() ? "kept " + path + " (body " + detail::word_of(left) + ")"
                         : "kept " + path;
}

std::string text_of(const std::string& what, const std::vector<leaked_error::leftover>& all) {
    constexpr std::size_t named = 10;
    std::string text = what + ": could not remove ";
    for (std::size_t at = 0; at < std::min(named, all.size()); ++at) {
        text += at == 0 ? "'" : ", '";
        text += all[at].path + "' (" + all[at].error.message() + ")";
    }
    if (all.size() > named) {
        text += " and " + std::to_string(all.size() - named) + " more";
    }
    return text;
}

} // namespace

leaked_error::leaked_error(const std::string& what, std::vector<leftover> all)
    : std::system_error(all.empty() ? std::error_code() : all.front().error, text_of(what, all)),
      all_(std::make_shared<const std::vector<leftover>>(std::move(all))) {}

temp_dir::temp_dir(temp_options options)
    : options_(checked(std::move(options), "temp_dir")), label_("temp_dir") {}

temp_dir::~temp_dir() {
    if (self_) {
        try {
            exit(outcome::failure(nullptr));
        } catch (...) { // swallow: nobody is there to be told; exit() is where errors are reported
        }
    }
}

const std::string& temp_dir::enter() {
    if (self_) {
        detail::already_entered(label_);
    }
    note_.clear();
    const std::string where = parent_of(options_);
    parent_ = open_parent(where, "temp_dir: open");
    sys::returned made = sys::returned::error_of(EEXIST);
    for (int attempt = 0; attempt < attempts && made.error() == EEXIST; ++attempt) {
        name_ = fresh_name(options_);
        made = sys::make_directory_at(parent_.get(), name_.c_str(), S_IRWXU);
    }
    path_ = sys::join(where, name_);
    label_ = "temp_dir " + path_;
    made.or_throw("temp_dir: create", path_);
    try {
        // Opened in two steps, for a umask may have taken the right to read it.
        const sys::fd handle(static_cast<int>(
            sys::open_at(parent_.get(), name_.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW)
                .or_throw("temp_dir: open", path_)));
        struct stat now{};
        sys::status(handle.get(), now).or_throw("temp_dir: fstat", path_);
        if ((now.st_mode & S_IRUSR) == 0 || (now.st_mode & S_IXUSR) == 0) {
            sys::change_mode(handle.get(), S_IRWXU).or_throw("temp_dir: chmod", path_);
        }
        self_ = sys::fd(static_cast<int>(sys::open_at(handle.get(), ".", O_RDONLY | O_DIRECTORY)
                                             .or_throw("temp_dir: open", path_)));
        if ((now.st_mode & 07777) != options_.mode) {
            sys::change_mode(self_.get(), options_.mode).or_throw("temp_dir: chmod", path_);
        }
        hold(options_, self_.get());
    } catch (...) {
        self_.reset();
        static_cast<void>(sys::unlink_at(parent_.get(), name_.c_str(), AT_REMOVEDIR));
        parent_.reset();
        throw;
    }
    return path_;
}

void temp_dir::exit(const outcome& left) {
    const sys::fd parent = std::move(parent_);
    const sys::fd self = std::move(self_);
    if (stays(options_, left)) {
        note_ = kept(path_, left);
        return;
    }
    detail::removal work(self.get(), path_);
    work.empty();
    work.remove_root(parent.get(), name_);
    if (!work.leftovers().empty()) {
        note_ = "LEAKED " + std::to_string(work.leftovers().size()) + " entries in " + path_;
        throw leaked_error("temp_dir", std::move(work.leftovers()));
    }
    note_ =
        "removed " + std::to_string(work.removed()) + (work.removed() == 1 ? " file" : " files");
}

temp_file::temp_file(temp_options options)
    : options_(checked(std::move(options), "temp_file")), label_("temp_file") {}

temp_file::~temp_file() {
    if (!name_.empty()) {
        static_cast<void>(sys::unlink_at(parent_.get(), name_.c_str(), 0));
    }
}

file& temp_file::enter() {
    if (file_.is_open() || !name_.empty()) {
        detail::already_entered(label_);
    }
    note_.clear();
    persisted_ = false;
    const std::string where = parent_of(options_);
    parent_ = open_parent(where, "temp_file: open");
    const mode_t mode = options_.mode & 0666;
    std::string name;
    sys::returned opened = sys::returned::error_of(EEXIST);
    for (int attempt = 0; attempt < attempts && opened.error() == EEXIST; ++attempt) {
        name = fresh_name(options_);
        opened = sys::open_at(
            parent_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    }
    path_ = sys::join(where, name);
    label_ = "temp_file " + path_;
    sys::fd fresh(static_cast<int>(opened.or_throw("temp_file: create", path_)));
    name_ = std::move(name);
    try {
        struct stat now{};
        sys::status(fresh.get(), now).or_throw("temp_file: fstat", path_);
        if ((now.st_mode & 07777) != mode) {
            sys::change_mode(fresh.get(), mode).or_throw("temp_file: chmod", path_);
        }
        hold(options_, fresh.get());
        file_ = file(std::move(fresh), path_, "temp_file");
    } catch (...) {
        static_cast<void>(sys::unlink_at(parent_.get(), name_.c_str(), 0));
        name_.clear();
        parent_.reset();
        throw;
    }
    return file_;
}

void temp_file::persist(const std::string& path) {
    if (name_.empty()) {
        sys::fail(EBADF, "temp_file: persist", path_, path);
    }
    if (file_.is_open()) {
        file_.flush();
    }
    sys::rename_at(parent_.get(), name_.c_str(), AT_FDCWD, path.c_str())
        .or_throw("temp_file: rename", path_, path);
    name_.clear();
    persisted_ = true;
    path_ = path;
    label_ = "temp_file " + path_;
}

void temp_file::exit(const outcome& left) {
    const sys::fd parent = std::move(parent_);
    const std::string name = std::exchange(name_, {});
    if (persisted_ || stays(options_, left)) {
        note_ = persisted_ ? "persisted as " + path_ : kept(path_, left);
        file_.close();
        return;
    }
    file_.drop(); // what it holds goes with it
    const sys::returned gone = sys::unlink_at(parent.get(), name.c_str(), 0);
    if (!gone.ok() && gone.error() != ENOENT) {
        note_ = "LEAKED " + path_;
        throw leaked_error("temp_file",
                           {{.path = path_, .error = {gone.error(), std::generic_category()}}});
    }
    note_ = "removed";
}

} // namespace withal

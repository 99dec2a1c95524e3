// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/resources/file.hpp>
#include <withal/sys/fd.hpp>

#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <sys/types.h>

namespace withal {

/// When a temporary file or directory stays.
enum class keep : unsigned char {
    never,
    /// If the body failed, for whoever wants to know why.
    on_failure,
    always,
};

/// The options of temp_dir and temp_file.
///
/// `temp_dir({.prefix = "build-", .keep = keep::on_failure})` sets two of them.
struct temp_options {
    /// Where; empty: $TMPDIR, else /tmp. It is made absolute at enter.
    std::string parent{};
    std::string prefix = "withal-";
    /// Ten random characters stand before it.
    std::string suffix{};
    /// Exactly this, whatever the umask; of a temp_file its 0666 part.
    mode_t mode = 0700;
    enum keep keep = keep::never;
    /// Hold a lock on it, by which systemd-tmpfiles knows not to clean it up.
    bool lock = true;
};

/// What could not be removed, all of it. Its text names the first few.
class leaked_error : public std::system_error {
public:
    struct leftover {
        std::string path;
        std::error_code error;
    };
    leaked_error(const std::string& what, std::vector<leftover> all);
    [[nodiscard]] const std::vector<leftover>& leftovers() const noexcept { return *all_; }

private:
    std::shared_ptr<const std::vector<leftover>> all_; // copying an exception must not throw
};

/// A new directory for the body, removed with everything in it.
///
///     with(temp_dir(), [](const std::string& path) {
///         with(open_file(path + "/notes", "w"), [](file& f) { f.write("scratch"); });
///     });
///
/// **Effects.** Removal works on open directories only and never looks a path up twice: whatever is
/// done to the tree meanwhile, nothing outside is touched. It follows no symbolic link, enters no
/// mount, opens directories whose mode forbids it, has no limit of depth or number, and goes on
/// after an error.
/// **Throws.** enter std::system_error; exit leaked_error; enter withal::logic_error while it is
/// entered already; the constructor std::invalid_argument for impossible options.
/// **Python.** `tempfile.TemporaryDirectory`.
class temp_dir {
public:
    static constexpr reuse reuse_category = reuse::reusable;

    explicit temp_dir(temp_options options = {});
    temp_dir(temp_dir&&) noexcept = default;
    temp_dir& operator=(temp_dir&&) noexcept = default;
    temp_dir(const temp_dir&) = delete;
    temp_dir& operator=(const temp_dir&) = delete;
    ~temp_dir();

    /// **Returns.** The absolute path. **Lifetime.** It belongs to the manager.
    const std::string& enter();
    void exit(const outcome& left);

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// The open directory while entered, to work relative to it; else -1.
    [[nodiscard]] int fd() const noexcept { return self_.get(); }
    [[nodiscard]] const char* label() const noexcept { return label_.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return note_.c_str(); }

private:
    temp_options options_;
    std::string path_;
    std::string name_;
    std::string label_;
    std::string note_;
    sys::fd parent_;
    sys::fd self_;
};

/// A new file for the body, open for reading and writing, closed and removed afterwards.
///
///     temp_file scratch({.suffix = ".csv"});
///     with(scratch, [&](file& f) {
///         f.write("a,b\n");
///         f.flush();
///         scratch.persist("/tmp/withal-demo.csv"); // or it is removed
///     });
///
/// **Throws.** As temp_dir. A close that fails is reported if the file is kept.
/// **Python.** `tempfile.NamedTemporaryFile`.
class temp_file {
public:
    static constexpr reuse reuse_category = reuse::reusable;

    explicit temp_file(temp_options options = {});
    temp_file(temp_file&&) noexcept = default;
    temp_file& operator=(temp_file&&) noexcept = default;
    temp_file(const temp_file&) = delete;
    temp_file& operator=(const temp_file&) = delete;
    ~temp_file();

    /// **Lifetime.** The file belongs to the manager. file::path() is its absolute path.
    file& enter();
    void exit(const outcome& left);

    /// Gives the file, as it is, this name on the same file system; what had the name is replaced.
    /// It stays after the body however that ends. For more guarantees see atomic_file.
    void persist(const std::string& path);

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const char* label() const noexcept { return label_.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return note_.c_str(); }

private:
    temp_options options_;
    std::string path_;
    std::string name_; // empty: nothing to remove
    std::string label_;
    std::string note_;
    sys::fd parent_;
    file file_;
    bool persisted_ = false;
};

} // namespace withal

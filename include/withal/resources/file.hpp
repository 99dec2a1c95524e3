// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/sys/fd.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace withal {

/// An open file, read and written through one buffer. Every error is a std::system_error that names
/// the operation and the path; a write error is remembered: flush() and close() throw it again, so
/// that nobody takes a file with a hole for a whole one.
///
///     with(open_file("/tmp/withal-demo.txt", "w+"), [](file& out) {
///         out.write("first\nsecond\n");
///         out.seek(0);
///         for (const std::string& line : out.lines()) {
///             static_cast<void>(line);
///         }
///     });
///
/// **Threads.** One at a time.
/// **Python.** The object that `open()` returns, without an encoding: text is bytes.
class file {
public:
    class line_range;

    file() noexcept = default;
    /// `reader` begins the text of every error, as "open_file" does.
    file(sys::fd descriptor, std::string path, const char* reader);

    /// Reads up to `size` bytes. 0 only at the end of the file.
    std::size_t read(void* into, std::size_t size);
    [[nodiscard]] std::string read_all();
    /// Reads the next line without its '\n'; false at the end.
    [[nodiscard]] bool read_line(std::string& line);
    /// The lines from here to the end, one at a time.
    [[nodiscard]] line_range lines();

    void write(std::string_view text) { write(text.data(), text.size()); }
    void write(const void* from, std::size_t size);
    /// Hands what is buffered to the system.
    void flush();
    /// flush() and fsync: on return the bytes survive a power cut. The file's *name* may not.
    void sync();

    /// `whence`: SEEK_SET, SEEK_CUR or SEEK_END. **Returns.** The new position.
    std::int64_t seek(std::int64_t offset, int whence = 0);
    [[nodiscard]] std::int64_t tell() const;

    /// Flushes, closes, and throws the first error there was. The descriptor is gone in any case.
    /// Closing a closed file does nothing.
    void close();
    /// Closes; what was not flushed is dropped, errors are not reported.
    void drop() noexcept;
    [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }

    /// The descriptor, after flush() if somebody else is to write. -1 when closed.
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /// The path that errors name: the one it was opened by, or is to be committed to.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::size_t fill();
    void put_back();
    [[noreturn]] void fail(const char* verb, int error) const;
    [[nodiscard]] std::string operation(const char* verb) const;

    sys::fd fd_;
    std::string path_;
    const char* owner_ = "file";
    std::unique_ptr<char[]> buffer_; // made at the first use
    std::size_t begin_ = 0;          // what was read and not yet given out: [begin_, end_)
    std::size_t end_ = 0;
    std::size_t pending_ = 0; // what was written and not yet handed over: [0, pending_)
    int broken_ = 0;          // the errno of the first write that failed
};

/// For `for (const std::string& line : f.lines())`. A single pass.
class file::line_range {
public:
    class iterator;
    struct end_of_file {};
    explicit line_range(file& from) noexcept : from_(&from) {}
    [[nodiscard]] iterator begin();
    [[nodiscard]] end_of_file end() const noexcept { return {}; }

private:
    file* from_;
    std::string line_;
    bool more_ = false;
};

/// Opens a file for the body and closes it afterwards, and closing is *checked*: what a full disk
/// or a server reports only then is thrown, or attached to the body's error if it failed too.
///
///     const std::string name = with(open_file("/etc/hostname"), [](file& f) {
///         return f.read_all();
///     });
///
/// `mode` is Python's: one of r (read, the default), w (empty or create), a (append or create),
/// x (create, must not exist); + for reading and writing; b or t, which are the same on POSIX.
///
/// **Throws.** The constructor std::invalid_argument for any other mode; enter and exit
/// std::system_error naming the path; enter withal::logic_error while it is entered already.
/// **Python.** `with open(path, mode) as f`.
class open_file {
public:
    static constexpr reuse reuse_category = reuse::reusable;

    explicit open_file(std::string path, std::string_view mode = "r", mode_t create_perm = 0666);

    /// **Lifetime.** The file belongs to the manager.
    file& enter();
    void exit();

    [[nodiscard]] const char* label() const noexcept { return label_.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return note_; }

private:
    std::string path_;
    std::string label_;
    const char* note_ = "";
    int flags_;
    mode_t create_perm_;
    file file_;
};

//
// Implementation
//

class file::line_range::iterator {
public:
    explicit iterator(line_range& range) noexcept : range_(&range) {}
    const std::string& operator*() const noexcept { return range_->line_; }
    iterator& operator++() {
        range_->more_ = range_->from_->read_line(range_->line_);
        return *this;
    }
    bool operator==(end_of_file /*end*/) const noexcept { return !range_->more_; }

private:
    line_range* range_;
};

inline file::line_range::iterator file::line_range::begin() {
    return ++iterator(*this);
}

inline file::line_range file::lines() {
    return line_range(*this);
}

} // namespace withal

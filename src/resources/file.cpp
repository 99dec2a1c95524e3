// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/resources/file.hpp>

#include "entered.hpp"
#include <withal/sys/call.hpp>
#include <withal/sys/fd.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace withal {

namespace {

constexpr std::size_t capacity = 65536;

/// The flags of open(2) for one of Python's modes.
int flags_of(std::string_view mode, const std::string& path) {
    int action = -1;
    bool both = false;
    bool once[2] = {false, false}; // b, t
    bool valid = true;
    for (const char letter : mode) {
        int next = -1;
        switch (letter) {
        case 'r':
            next = 0;
            break;
        case 'w':
            next = O_CREAT | O_TRUNC;
            break;
        case 'a':
            next = O_CREAT | O_APPEND;
            break;
        case 'x':
            next = O_CREAT | O_EXCL;
            break;
        case '+':
            valid = valid && !both;
            both = true;
            continue;
        case 'b':
        case 't':
            valid = valid && !once[0] && !once[1];
            once[letter == 't' ? 1 : 0] = true;
            continue;
        default:
            valid = false;
            continue;
        }
        valid = valid && action < 0;
        action = next;
    }
    if (!valid || action < 0) {
        throw std::invalid_argument("open_file '" + path + "': mode '" + std::string(mode) +
                                    "' is not possible; allowed is one of r, w, a, x, with at "
                                    "most one + and at most one of b and t");
    }
    return action | (both ? O_RDWR : action == 0 ? O_RDONLY : O_WRONLY);
}

} // namespace

file::file(sys::fd descriptor, std::string path, const char* reader)
    : fd_(std::move(descriptor)), path_(std::move(path)), owner_(reader) {}

std::string file::operation(const char* verb) const {
    return std::string(owner_) + ": " + verb;
}

void file::fail(const char* verb, int error) const {
    sys::fail(error, operation(verb), path_);
}

// Reads into the empty buffer.
std::size_t file::fill() {
    flush();
    if (buffer_ == nullptr) {
        buffer_ = std::make_unique_for_overwrite<char[]>(capacity);
    }
    begin_ = end_ = 0;
    const sys::returned got = sys::read(fd_.get(), buffer_.get(), capacity);
    if (!got.ok()) {
        fail("read", got.error());
    }
    end_ = got.size();
    return end_;
}

// Forgets what was read ahead: the system's position becomes the caller's.
void file::put_back() {
    if (begin_ != end_) {
        const auto ahead = static_cast<std::int64_t>(end_ - begin_);
        begin_ = end_ = 0;
        const sys::returned moved = sys::seek(fd_.get(), -ahead, SEEK_CUR);
        if (!moved.ok()) {
            fail("seek", moved.error());
        }
    }
}

std::size_t file::read(void* into, std::size_t size) {
    if (begin_ == end_) {
        if (size >= capacity) {
            flush();
            const sys::returned got = sys::read(fd_.get(), into, size);
            if (!got.ok()) {
                fail("read", got.error());
            }
            return got.size();
        }
        if (size == 0 || fill() == 0) {
            return 0;
        }
    }
    const std::size_t given = std::min(size, end_ - begin_);
    std::memcpy(into, buffer_.get() + begin_, given);
    begin_ += given;
    return given;
}

std::string file::read_all() {
    std::string all;
    do {
        if (begin_ != end_) {
            all.append(buffer_.get() + begin_, end_ - begin_);
        }
    } while (fill() != 0);
    return all;
}

bool file::read_line(std::string& line) {
    line.clear();
    bool any = false;
    while (begin_ != end_ || fill() != 0) {
        any = true;
        const char* const from = buffer_.get() + begin_;
        const void* const found = std::memchr(from, '\n', end_ - begin_);
        if (found != nullptr) {
            const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - from);
            line.append(from, length);
            begin_ += length + 1;
            return true;
        }
        line.append(from, end_ - begin_);
        begin_ = end_;
    }
    return any;
}

void file::write(const void* from, std::size_t size) {
    if (broken_ != 0) {
        fail("write", broken_);
    }
    put_back();
    if (size > capacity - pending_) {
        flush();
        if (size >= capacity) {
            const sys::returned wrote = sys::write_all(fd_.get(), from, size);
            if (!wrote.ok()) {
                broken_ = wrote.error();
                fail("write", broken_);
            }
            return;
        }
    }
    if (buffer_ == nullptr) {
        buffer_ = std::make_unique_for_overwrite<char[]>(capacity);
    }
    if (size != 0) {
        std::memcpy(buffer_.get() + pending_, from, size);
        pending_ += size;
    }
}

void file::flush() {
    if (broken_ == 0 && pending_ != 0) {
        broken_ = sys::write_all(fd_.get(), buffer_.get(), pending_).error();
        pending_ = 0;
    }
    if (broken_ != 0) {
        fail("write", broken_);
    }
}

void file::sync() {
    flush();
    const sys::returned synced = sys::sync(fd_.get());
    if (!synced.ok()) {
        broken_ = synced.error();
        fail("fsync", broken_);
    }
}

std::int64_t file::seek(std::int64_t offset, int whence) {
    flush();
    put_back();
    const sys::returned moved = sys::seek(fd_.get(), offset, whence);
    if (!moved.ok()) {
        fail("seek", moved.error());
    }
    return moved.value();
}

std::int64_t file::tell() const {
    const sys::returned at = sys::seek(fd_.get(), 0, SEEK_CUR);
    if (!at.ok()) {
        fail("seek", at.error());
    }
    return at.value() + static_cast<std::int64_t>(pending_) -
           static_cast<std::int64_t>(end_ - begin_);
}

void file::close() {
    if (!fd_) {
        return;
    }
    std::exception_ptr error;
    try {
        flush();
    } catch (...) {
        error = std::current_exception();
    }
    const sys::returned closed = fd_.close();
    drop();
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
    if (!closed.ok()) {
        fail("close", closed.error());
    }
}

void file::drop() noexcept {
    fd_.reset();
    buffer_.reset();
    begin_ = end_ = pending_ = 0;
    broken_ = 0;
}

open_file::open_file(std::string path, std::string_view mode, mode_t create_perm)
    : path_(std::move(path)),
      label_("open_file " + path_),
      flags_(flags_of(mode, path_)),
      create_perm_(create_perm) {}

file& open_file::enter() {
    if (file_.is_open()) {
        detail::already_entered(label());
    }
    const std::int64_t number = sys::open_at(AT_FDCWD, path_.c_str(), flags_, create_perm_)
                                    .or_throw("open_file: open", path_);
    file_ = file(sys::fd(static_cast<int>(number)), path_, "open_file");
    note_ = "";
    return file_;
}

void open_file::exit() {
    note_ = "close FAILED";
    file_.close();
    note_ = "closed";
}

} // namespace withal

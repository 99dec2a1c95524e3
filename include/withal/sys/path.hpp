// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/sys/fd.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace withal::sys {

/// A path cut before its last name.
///
///     sys::split_path cut = sys::split("/etc/app.conf");   // "/etc" and "app.conf"
struct split_path {
    std::string directory; ///< "." if there was none.
    std::string name;      ///< Empty if the path ends in a slash or is empty.
};

split_path split(std::string_view path);

/// Puts them together again.
std::string join(std::string_view directory, std::string_view name);

/// The path from the root, by the current directory of now. Nothing is resolved.
///
/// **Throws.** std::system_error if there is no current directory.
std::string absolute(std::string_view path);

/// $TMPDIR if it is set and not empty, else /tmp.
std::string temporary_directory();

/// Opens a directory for everything that is done relative to it, and for sync(). A directory that
/// is moved or a process that changes its own makes no difference from here on.
///
/// **Throws.** std::system_error "`operation` '`path`' failed: ...".
fd open_directory(const std::string& path, std::string_view operation);

/// `size` letters and digits, each name as likely as any other (getrandom).
///
/// **Throws.** std::system_error if the system has no randomness to give.
std::string random_name(std::size_t size);

/// Letters and digits that differ from call to call, without a system call each time. For names
/// whose taking is checked (O_EXCL) and whose guessing gains nothing. `again` says that the one
/// before was taken, and fetches new randomness.
std::string distinct_name(std::size_t size, bool again = false);

/// One name in a directory. `type` is a DT_ constant of <dirent.h>; DT_UNKNOWN is possible.
struct directory_entry {
    std::string name;
    unsigned char type;
};

/// Reads the next few thousand names from an open directory, "." and ".." left out.
///
/// **Returns.** Not ok on error. `into` is empty at the end.
returned next_entries(int dir, std::vector<directory_entry>& into);

} // namespace withal::sys

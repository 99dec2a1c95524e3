// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/resources/temp.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include <sys/types.h>

namespace withal::detail {

/// Empties an open directory, then removes it from its parent.
///
/// Subdirectories are opened without following links or crossing mounts, and everything is removed
/// relative to an open directory, so that no path is looked up twice. A directory below the depth
/// that descriptors are spent on is first renamed into the root: depth has no limit, and "..",
/// which somebody may have moved, is never used.
class removal {
public:
    removal(int root, std::string root_path);

    /// Empties the root. Goes on after errors.
    void empty();
    /// Removes the root itself, by its name in `parent`, if it is still what has this name.
    void remove_root(int parent, const std::string& name);

    [[nodiscard]] std::size_t removed() const noexcept { return removed_; }
    [[nodiscard]] std::vector<leaked_error::leftover>& leftovers() noexcept { return leftovers_; }

private:
    bool empty_one(int dir, const std::string& path, int depth);
    bool remove(
        int dir, const std::string& name, unsigned char type, const std::string& path, int depth);
    bool remove_directory(int dir, const std::string& name, const std::string& path, int depth);
    bool remove_swapped(int dir, const std::string& name, const std::string& path);
    bool lift(int dir, const std::string& name, const std::string& path);
    void leave(int error, const std::string& path);

    int root_;
    std::string root_path_;
    std::size_t removed_ = 0;
    std::size_t lifted_ = 0;
    std::vector<leaked_error::leftover> leftovers_;
};

} // namespace withal::detail

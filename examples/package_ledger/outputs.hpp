// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/outcome.hpp>

#include <filesystem>
#include <string>

namespace ledger {

/// Makes the directory if it is missing, and takes it away again if the work failed.
class output_directory {
public:
    explicit output_directory(std::filesystem::path path);

    void enter();
    void exit(const withal::outcome& left);

    [[nodiscard]] const char* label() const noexcept { return label_.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return note_; }

private:
    std::filesystem::path path_;
    std::string label_;
    const char* note_ = "";
    bool made_ = false;
};

/// Takes a file away again that the failed work made and left empty, as SQLite does.
class new_file {
public:
    explicit new_file(std::filesystem::path path);

    void enter();
    void exit(const withal::outcome& left);

    [[nodiscard]] const char* label() const noexcept { return label_.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return note_; }

private:
    std::filesystem::path path_;
    std::string label_;
    const char* note_ = "";
    bool existed_ = false;
};

} // namespace ledger

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "outputs.hpp"
#include <withal/core/outcome.hpp>

#include <filesystem>
#include <system_error>
#include <utility>

namespace ledger {

output_directory::output_directory(std::filesystem::path path)
    : path_(std::move(path)), label_("output_directory " + path_.string()) {}

void output_directory::enter() {
    made_ = std::filesystem::create_directory(path_);
    note_ = made_ ? "made" : "was there";
}

void output_directory::exit(const withal::outcome& left) {
    if (left.failed() && made_) {
        std::error_code ignored; // somebody may have put a file there: then it stays
        note_ = std::filesystem::remove(path_, ignored) ? "removed again" : "left behind";
    }
}

new_file::new_file(std::filesystem::path path)
    : path_(std::move(path)), label_("new_file " + path_.string()) {}

void new_file::enter() {
    existed_ = std::filesystem::exists(path_);
    note_ = existed_ ? "was there" : "made";
}

void new_file::exit(const withal::outcome& left) {
    if (left.failed() && !existed_ && std::filesystem::exists(path_) &&
        std::filesystem::file_size(path_) == 0) {
        std::filesystem::remove(path_);
        note_ = "removed again";
    }
}

} // namespace ledger

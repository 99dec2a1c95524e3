// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "progress.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <utility>

#include <unistd.h>

namespace ledger {

namespace {

constexpr std::chrono::milliseconds interval{100};

} // namespace

progress::progress(std::string what, std::uint64_t total)
    : what_(std::move(what)),
      total_(total),
      next_(std::chrono::steady_clock::now() + interval),
      visible_(::isatty(STDERR_FILENO) == 1) {}

progress::~progress() {
    if (drawn_) {
        std::cerr << "\r\x1b[K" << std::flush;
    }
}

void progress::show(std::uint64_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (!visible_ || now < next_) {
        return;
    }
    next_ = now + interval;
    drawn_ = true;
    std::cerr << "\r\x1b[K" << what_ << ' ' << size_text(done);
    if (total_ != 0) {
        std::cerr << " of " << size_text(total_) << " (" << done * 100 / total_ << " %)";
    }
    std::cerr << std::flush;
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> units{"B", "kB", "MB", "GB", "TB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(),
                  text.size(),
                  unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s",
                  value,
                  units.at(unit));
    return text.data();
}

} // namespace ledger

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/resources/timer.hpp>

#include "entered.hpp"
#include <withal/core/outcome.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

namespace withal {

namespace {

std::string text_of(timer::duration took) {
    using seconds = std::chrono::duration<double>;
    const double value = seconds(took).count();
    std::array<char, 32> text{};
    const auto write = [&](double number, const char* unit) {
        const int size = std::snprintf(text.data(), text.size(), "%.3g%s", number, unit);
        return std::string(text.data(), static_cast<std::size_t>(size));
    };
    if (value < 1e-3) {
        return write(value * 1e6, "us");
    }
    if (value < 1) {
        return write(value * 1e3, "ms");
    }
    const int size = std::snprintf(text.data(), text.size(), "%.2fs", value);
    return {text.data(), static_cast<std::size_t>(size)};
}

} // namespace

timer::timer(std::string name) : name_(std::move(name)) {}

const timer& timer::enter() {
    if (running_) {
        detail::already_entered(name_);
    }
    note_.clear();
    running_ = true;
    started_ = clock::now();
    return *this;
}

void timer::exit(const outcome& left) {
    last_ = clock::now() - started_;
    running_ = false;
    ending_ = detail::word_of(left);
    total_ += last_;
    shortest_ = runs_ == 0 ? last_ : std::min(shortest_, last_);
    longest_ = std::max(longest_, last_);
    ++runs_;
    note_ = text_of(last_);
    if (left.failed()) {
        note_.append(", ").append(ending_);
    }
}

} // namespace withal

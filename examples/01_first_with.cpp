// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A first manager: what enter() and exit() are for, and what happens when body and exit both fail.
#include <withal/withal.hpp>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

/// A lamp that is lit while the body runs. It may break when it is put out.
class lamp {
public:
    explicit lamp(std::string room, bool breaks = false)
        : room_(std::move(room)), breaks_(breaks) {}

    const std::string& enter() {
        std::printf("%s: light on\n", room_.c_str());
        return room_;
    }
    void exit(const withal::outcome& left) {
        std::printf(
            "%s: light off, the work %s\n", room_.c_str(), left.failed() ? "failed" : "is done");
        if (breaks_) {
            throw std::runtime_error("the lamp in the " + room_ + " broke");
        }
    }

private:
    std::string room_;
    bool breaks_;
};

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody expects ends the program
int main() {
    const auto length = withal::with(lamp("hall"), lamp("cellar"), [](auto& hall, auto& cellar) {
        std::printf("from the %s to the %s\n", hall.c_str(), cellar.c_str());
        return hall.size() + cellar.size();
    });
    std::printf("%zu letters\n\n", length);

    try {
        withal::with(lamp("hall"), lamp("cellar", true), [](auto&, auto&) {
            throw std::logic_error("there is a mouse");
        });
    } catch (const std::logic_error& first) {
        std::printf("first: %s\n", first.what());
        for (const std::exception_ptr& error : withal::secondary_errors()) {
            withal::outcome::failure(error).inspect<std::exception>(
                [](const std::exception& also) { std::printf("also: %s\n", also.what()); });
        }
    }
}

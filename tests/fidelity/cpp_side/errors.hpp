// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace fidelity {

/// What a program raises: a class by name, and the number it got when it was made.
struct fault {
    const char* kind;
    int number;
};
struct E0 : fault {};
struct E1 : E0 {};
struct E2 : E0 {};
struct E3 : E1 {};
struct E4 : E2 {};
struct X0 : fault {};

std::exception_ptr made(std::string_view kind, int number);

/// Would `except kind` catch it? `any` catches everything.
bool is_a(const std::exception_ptr& error, std::string_view kind);

/// E3.7, or the words for what withal itself throws.
std::string name_of(const std::exception_ptr& error);

} // namespace fidelity

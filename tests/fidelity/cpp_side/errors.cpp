// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "errors.hpp"
#include <withal/core/error.hpp>
#include <withal/core/generator_error.hpp>
#include <withal/core/outcome.hpp>

#include <cstddef>
#include <stdexcept>

namespace fidelity {
namespace {

template <class E>
std::exception_ptr made_as(const char* kind, int number) {
    E error;
    error.kind = kind;
    error.number = number;
    return std::make_exception_ptr(error);
}

struct known {
    std::string_view kind;
    std::string_view base;
    std::exception_ptr (*make)(int number);
};

constexpr known kinds[] = {
    {"E0", "", [](int n) { return made_as<E0>("E0", n); }},
    {"E1", "E0", [](int n) { return made_as<E1>("E1", n); }},
    {"E2", "E0", [](int n) { return made_as<E2>("E2", n); }},
    {"E3", "E1", [](int n) { return made_as<E3>("E3", n); }},
    {"E4", "E2", [](int n) { return made_as<E4>("E4", n); }},
    {"X0", "", [](int n) { return made_as<X0>("X0", n); }},
};

const known& find(std::string_view kind) {
    for (const known& each : kinds) {
        if (each.kind == kind) {
            return each;
        }
    }
    throw std::invalid_argument("there is no error class " + std::string(kind));
}

std::string generator_words(std::string_view text) {
    for (const std::string_view words :
         {"generator didn't yield", "generator didn't stop after throw", "generator didn't stop"}) {
        if (text.find(words) != std::string_view::npos) {
            return "generator_error(" + std::string(words) + ")";
        }
    }
    return std::string(text);
}

} // namespace

std::exception_ptr made(std::string_view kind, int number) {
    return find(kind).make(number);
}

bool is_a(const std::exception_ptr& error, std::string_view kind) {
    if (kind == "any") {
        return true;
    }
    bool is = false;
    withal::outcome::failure(error).inspect<fault>([&](const fault& one) {
        for (std::string_view at = one.kind; !at.empty() && !is; at = find(at).base) {
            is = at == kind;
        }
    });
    return is;
}

std::string name_of(const std::exception_ptr& error) {
    const withal::outcome left = withal::outcome::failure(error);
    std::string name = "a stranger";
    const auto by_text = [&name](const std::exception& one) { name = one.what(); };
    left.inspect<fault>(
        [&name](const fault& one) { name = one.kind + ("." + std::to_string(one.number)); }) ||
        left.inspect<withal::generator_error>(
            [&name](const withal::generator_error& one) { name = generator_words(one.what()); }) ||
        left.inspect<withal::logic_error>([&name](const withal::logic_error& one) {
            const std::string_view text = one.what();
            name = text.find("once") != std::string_view::npos ? "single_use" : std::string(text);
        }) ||
        left.inspect<std::exception>(by_text);
    return name;
}

} // namespace fidelity

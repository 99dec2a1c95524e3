// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "parse.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace ledger {

namespace {

constexpr std::size_t chunk = std::size_t{64} * 1024;
constexpr std::size_t longest_line = std::size_t{1024} * 1024;
constexpr std::int64_t largest_kib = std::int64_t{1} << 40U;

constexpr std::array<std::string_view, 4> dependency_fields{
    "Pre-Depends", "Depends", "Recommends", "Suggests"};

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
}

bool is_package_name(std::string_view text) {
    return !text.empty() && text.front() != '+' && text.front() != '-' && text.front() != '.' &&
           std::ranges::all_of(text, is_name_char);
}

// Policy: printable ASCII but the colon, not beginning with '#' or '-'.
bool is_field_name(std::string_view text) {
    return !text.empty() && text.front() != '#' && text.front() != '-' &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// What stands in an error's text: short, and nothing that a terminal would obey.
std::string shown(std::string_view text) {
    constexpr std::size_t longest = 60;
    std::string result(text.substr(0, longest));
    std::ranges::replace_if(
        result, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return "'" + result + (text.size() > longest ? "...'" : "'");
}

// Takes the text up to the first separator off its front.
std::string_view take(std::string_view& text, char separator) {
    const std::string_view first = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(text.size(), first.size() + 1));
    return first;
}

// name[:qualifier] [(relation version)] [[architectures]] [<profiles>]
dependency parse_alternative(std::string_view text, std::size_t line) {
    const std::string_view whole = text;
    const auto fail = [&](const std::string& why) {
        throw parse_error(line, why + " in the dependency " + shown(whole));
    };
    dependency result;
    const std::size_t end_of_name = std::min(text.find_first_of(" \t(:[<"), text.size());
    result.target = text.substr(0, end_of_name);
    if (!is_package_name(result.target)) {
        fail("no package name");
    }
    text.remove_prefix(end_of_name);
    if (text.starts_with(':')) {
        const std::size_t end = std::min(text.find_first_of(" \t(["), text.size());
        result.qualifier = text.substr(1, end - 1);
        text.remove_prefix(end);
    }
    text = trimmed(text);
    if (text.starts_with('(')) {
        const std::size_t end = text.find(')');
        if (end == std::string_view::npos) {
            fail("a '(' without its ')'");
        }
        const std::string_view inside = trimmed(text.substr(1, end - 1));
        const std::size_t operators = std::min(inside.find_first_not_of("<>="), inside.size());
        result.relation = inside.substr(0, operators);
        result.version = trimmed(inside.substr(operators));
        constexpr std::array<std::string_view, 7> known{"<<", "<=", "=", ">=", ">>", "<", ">"};
        if (std::ranges::find(known, result.relation) == known.end()) {
            fail("no relation like >=");
        }
        if (result.version.empty() || result.version.find_first_of(" \t") != std::string::npos) {
            fail("no version");
        }
        text = trimmed(text.substr(end + 1));
    }
    for (const auto& [open, close] : {std::pair('[', ']'), std::pair('<', '>')}) {
        while (text.starts_with(open)) {
            const std::size_t end = text.find(close);
            if (end == std::string_view::npos) {
                fail("a bracket that is not closed");
            }
            text = trimmed(text.substr(end + 1));
        }
    }
    if (!text.empty()) {
        fail("something unexpected");
    }
    return result;
}

void parse_dependencies(std::string_view kind,
                        std::string_view text,
                        std::size_t line,
                        std::vector<dependency>& into) {
    if (trimmed(text).empty()) {
        return;
    }
    int position = 0;
    while (!text.empty()) {
        std::string_view group = take(text, ',');
        int alternative = 0;
        do {
            dependency one = parse_alternative(trimmed(take(group, '|')), line);
            one.kind = kind;
            one.position = position;
            one.alternative = alternative++;
            into.push_back(std::move(one));
        } while (!group.empty());
        ++position;
    }
}

std::int64_t parse_size(std::string_view text, std::size_t line) {
    std::int64_t value = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error != std::errc() || stop != end || value < 0 || value > largest_kib) {
        throw parse_error(line, "Installed-Size is no size in KiB: " + shown(text));
    }
    return value;
}

} // namespace

bool status_reader::next_line() {
    std::size_t searched = begin_;
    while (true) {
        const std::size_t end = buffer_.find('\n', searched);
        if (end != std::string::npos) {
            text_ = std::string_view(buffer_).substr(begin_, end - begin_);
            begin_ = end + 1;
            ++line_;
            bytes_ += text_.size() + 1;
            break;
        }
        if (buffer_.size() - begin_ > longest_line) {
            throw parse_error(line_ + 1, "a line longer than 1 MiB: this is no package database");
        }
        buffer_.erase(0, begin_);
        begin_ = 0;
        searched = buffer_.size();
        buffer_.resize(searched + chunk);
        const std::size_t got = from_(buffer_.data() + searched, chunk);
        buffer_.resize(searched + got);
        if (got == 0) {
            if (!buffer_.empty()) {
                throw parse_error(line_ + 1,
                                  "the input ends in the middle of a line: it was cut off");
            }
            return false;
        }
    }
    if (text_.find('\0') != std::string_view::npos) {
        throw parse_error(line_, "a NUL byte: this is no package database");
    }
    if (text_.ends_with('\r')) {
        throw parse_error(line_, "the line ends in CR LF; this format has LF alone");
    }
    return true;
}

void status_reader::add_field(stanza& fields, field*& current) const {
    if (is_blank(text_.front())) {
        if (current == nullptr) {
            throw parse_error(line_, "a continuation line, but no field before it");
        }
        if (trimmed(text_).empty()) {
            throw parse_error(line_, "a line of blanks only");
        }
        current->value += '\n';
        current->value += trimmed(text_);
        return;
    }
    const std::size_t colon = text_.find(':');
    const std::string_view name = text_.substr(0, colon);
    if (colon == std::string_view::npos || !is_field_name(name)) {
        throw parse_error(line_, "neither a field ('Name: value') nor blank: " + shown(text_));
    }
    const auto [at, is_new] = fields.try_emplace(std::string(name));
    if (!is_new) {
        throw parse_error(line_,
                          "the field " + shown(name) + " stands a second time in its stanza, " +
                              "first in line " + std::to_string(at->second.line));
    }
    at->second = {.value = std::string(trimmed(text_.substr(colon + 1))), .line = line_};
    current = &at->second;
}

status_reader::stanza status_reader::next_stanza() {
    stanza fields;
    field* current = nullptr;
    while (next_line()) {
        if (!text_.empty()) {
            add_field(fields, current);
        } else if (!fields.empty()) {
            return fields;
        }
    }
    if (!fields.empty()) {
        const auto name = fields.find("Package");
        throw parse_error(
            line_,
            "the input ends inside a stanza" +
                (name == fields.end() ? std::string() : " (" + name->second.value + ")") +
                ": it was cut off, or its last blank line is missing");
    }
    return fields;
}

std::optional<package> status_reader::next() {
    const std::size_t before = line_;
    const stanza fields = next_stanza();
    if (!fields.empty()) {
        return make_package(fields, before);
    }
    if (seen_.empty()) {
        throw parse_error(line_ + 1, "there is no package in the input");
    }
    return std::nullopt;
}

package status_reader::make_package(const stanza& fields, std::size_t before) {
    std::size_t line = line_;
    for (const auto& [name, value] : fields) {
        line = std::min(line, value.line);
    }
    line = std::max(line, before + 1);
    const auto get = [&](std::string_view name) -> std::string {
        const auto found = fields.find(name);
        return found == fields.end() ? std::string() : found->second.value;
    };
    const auto need = [&](std::string_view name, const std::string& of) {
        std::string value = get(name);
        if (value.empty()) {
            throw parse_error(line, "the stanza of " + of + " has no " + std::string(name));
        }
        return value;
    };

    package result;
    result.name = get("Package");
    if (!is_package_name(result.name)) {
        throw parse_error(line,
                          result.name.empty() ? "a stanza without the field Package"
                                              : "no package name: " + shown(result.name));
    }
    if (const std::string status = get("Status"); !status.empty()) {
        result.status = status;
    }
    if (std::ranges::count(result.status, ' ') != 2) {
        throw parse_error(line, "Status is not three words: " + shown(result.status));
    }
    result.version = result.installed() ? need("Version", result.name) : get("Version");
    result.architecture =
        result.installed() ? need("Architecture", result.name) : get("Architecture");
    result.section = get("Section");
    result.priority = get("Priority");
    result.maintainer = get("Maintainer");
    result.summary = get("Description");
    result.summary.resize(std::min(result.summary.find('\n'), result.summary.size()));
    if (const auto size = fields.find("Installed-Size"); size != fields.end()) {
        result.installed_kib = parse_size(size->second.value, size->second.line);
    }
    for (const std::string_view kind : dependency_fields) {
        if (const auto found = fields.find(kind); found != fields.end()) {
            std::string value = found->second.value;
            std::ranges::replace(value, '\n', ' ');
            parse_dependencies(kind, value, found->second.line, result.dependencies);
        }
    }
    const auto [first, is_new] = seen_.try_emplace(result.name + ':' + result.architecture, line);
    if (!is_new) {
        throw parse_error(line,
                          result.name + " (" + result.architecture +
                              ") stands a second time, first in line " +
                              std::to_string(first->second));
    }
    return result;
}

} // namespace ledger

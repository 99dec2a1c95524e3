// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tree_text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace withal::detail {

namespace {

using way = trace_scope::way;

constexpr std::size_t narrowest_label = 36;
constexpr std::size_t widest_label = 72;
// A deeper tree goes on at this indentation: ten thousand scopes in each other stay a small text.
constexpr std::size_t widest_indent = 120;
constexpr std::chrono::microseconds exit_worth_telling{100};

struct drawing {
    std::string_view branch;
    std::string_view last;
    std::string_view pipe;
    std::string_view gap;
};

constexpr drawing ascii{.branch = "|- ", .last = "`- ", .pipe = "|  ", .gap = "   "};
constexpr drawing box{.branch = "\xe2\x94\x9c\xe2\x94\x80 ",
                      .last = "\xe2\x94\x94\xe2\x94\x80 ",
                      .pipe = "\xe2\x94\x82  ",
                      .gap = "   "};

struct line {
    std::string left;
    std::string entering;
    std::string lasting;
    std::string right;
};

// Columns on a terminal: every code point one, which is right for paths in most scripts.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

std::string padded(const std::string& text, std::size_t columns) {
    const std::size_t used = width(text);
    return used < columns ? text + std::string(columns - used, ' ') : text;
}

std::string flush_right(const std::string& text, std::size_t columns) {
    return text.size() < columns ? std::string(columns - text.size(), ' ') + text : text;
}

std::string word_for(const trace_scope& scope) {
    switch (scope.left) {
    case way::running:
        return "running";
    case way::returned:
        return "ok";
    case way::threw:
        return "failed";
    case way::failed:
        return "returned a failure";
    case way::cancelled:
        return "cancelled";
    case way::abandoned:
        return "ABANDONED";
    case way::enter_failed:
        return "ENTER FAILED";
    case way::exit_failed:
        return "EXIT FAILED";
    }
    return "";
}

// The root shows the error that came so far; inside, only other errors are worth the room.
std::string result_of(const trace_scope& scope, const trace_scope& root_scope) {
    const bool root = &scope == &root_scope;
    const bool news = scope.shows_error && scope.error != root_scope.error;
    const bool loud = scope.left == way::enter_failed || scope.left == way::exit_failed;
    std::string text = scope.note.empty() ? word_for(scope) : printable(scope.note);
    if (!root && scope.left != way::running && scope.left != way::enter_failed &&
        scope.gone - scope.leaving >= exit_worth_telling) {
        text += " in " + short_duration(scope.gone - scope.leaving);
    }
    if (loud && !scope.note.empty()) {
        text += "; " + word_for(scope);
    }
    if (!scope.error.empty() && (root || loud || news || scope.suppressed)) {
        const bool named = scope.note.empty() || loud;
        text += scope.suppressed ? "; suppressed: " : named ? ": " : "; failed: ";
        text += printable(scope.error);
    } else if (scope.suppressed) {
        text += "; suppressed";
    }
    if (!scope.replaced.empty()) {
        text += "; replaced by: " + printable(scope.replaced);
    }
    return text;
}

class artist {
public:
    artist(const std::vector<trace_scope>& scopes, const drawing& with)
        : scopes_(scopes),
          with_(with),
          children_(scopes.size()),
          now_(std::chrono::steady_clock::now()) {
        for (std::size_t i = 1; i < scopes.size(); ++i) {
            children_[scopes[i].parent].push_back(i);
        }
    }

    std::vector<line> lines() {
        const trace_scope& root = scopes_.front();
        lines_.push_back({printable(root.label), "", lasting(root), result_of(root, root)});
        draw_children(0, "");
        return std::move(lines_);
    }

private:
    struct place {
        std::size_t index;
        std::string indent;
        bool last;
    };

    // With a list of its own instead of recursion: scopes can be nested ten thousand deep.
    void draw_children(std::size_t root, const std::string& indent) {
        std::vector<place> todo;
        const auto add = [&](std::size_t parent, const std::string& under) {
            const std::vector<std::size_t>& inside = children_[parent];
            for (std::size_t i = inside.size(); i-- > 0;) {
                todo.push_back({inside[i], under, i + 1 == inside.size()});
            }
        };
        add(root, indent);
        while (!todo.empty()) {
            const place here = std::move(todo.back());
            todo.pop_back();
            const std::string inner =
                width(here.indent) >= widest_indent
                    ? here.indent
                    : here.indent + std::string(here.last ? with_.gap : with_.pipe);
            draw(scopes_[here.index],
                 here.indent + std::string(here.last ? with_.last : with_.branch),
                 inner);
            add(here.index, inner);
        }
    }

    void draw(const trace_scope& scope, const std::string& head, const std::string& under) {
        std::string label = head + printable(scope.label);
        if (scope.thread != 1 && scope.outer == 0) {
            label += " [thread " + std::to_string(scope.thread) + "]";
        }
        const bool failed = scope.left == way::enter_failed;
        const auto entering = (failed ? scope.gone : scope.entered) - scope.started;
        lines_.push_back({label,
                          "+" + short_duration(entering),
                          failed ? "" : lasting(scope),
                          result_of(scope, scopes_.front())});
        for (const std::string& error : scope.also) {
            lines_.push_back({under + "also: " + printable(error), "", "", ""});
        }
    }

    [[nodiscard]] std::string lasting(const trace_scope& scope) const {
        return short_duration((scope.left == way::running ? now_ : scope.gone) - scope.entered);
    }

    const std::vector<trace_scope>& scopes_;
    const drawing& with_;
    std::vector<std::vector<std::size_t>> children_;
    std::chrono::steady_clock::time_point now_;
    std::vector<line> lines_;
};

} // namespace

std::string short_duration(std::chrono::nanoseconds duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    std::array<char, 40> text{};
    if (seconds < 0.00995) {
        std::snprintf(text.data(), text.size(), "%.1fms", seconds * 1e3);
    } else if (seconds < 0.9995) {
        std::snprintf(text.data(), text.size(), "%.0fms", seconds * 1e3);
    } else if (seconds < 59.995) {
        std::snprintf(text.data(), text.size(), "%.2fs", seconds);
    } else {
        const auto whole = std::chrono::round<std::chrono::seconds>(duration).count();
        if (whole < 3600) {
            std::snprintf(text.data(),
                          text.size(),
                          "%dm%02ds",
                          static_cast<int>(whole / 60),
                          static_cast<int>(whole % 60));
        } else {
            std::snprintf(text.data(),
                          text.size(),
                          "%lldh%02dm",
                          static_cast<long long>(whole / 3600),
                          static_cast<int>(whole / 60 % 60));
        }
    }
    return text.data();
}

std::string printable(const std::string& text) {
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            result += " / ";
        } else if (byte < 0x20 || byte == 0x7f) {
            result += '?';
        } else {
            result += c;
        }
    }
    while (result.ends_with(" / ")) {
        result.resize(result.size() - 3);
    }
    return result;
}

std::string draw_tree(const std::vector<trace_scope>& scopes, std::size_t unseen, bool boxed) {
    const std::vector<line> lines = artist(scopes, boxed ? box : ascii).lines();
    std::size_t label = narrowest_label;
    std::size_t entering = 0;
    std::size_t lasting = 0;
    for (const line& one : lines) {
        if (!one.right.empty()) {
            label = std::max(label, std::min(width(one.left), widest_label));
        }
        entering = std::max(entering, one.entering.size());
        lasting = std::max(lasting, one.lasting.size());
    }
    std::string text;
    for (const line& one : lines) {
        if (one.right.empty()) {
            text += one.left + "\n";
            continue;
        }
        text += padded(one.left, label) + "  " + flush_right(one.entering, entering) + "  " +
                flush_right(one.lasting, lasting) + "  " + one.right + "\n";
    }
    if (unseen != 0) {
        text += "and " + std::to_string(unseen) + " more, not shown\n";
    }
    return text;
}

} // namespace withal::detail

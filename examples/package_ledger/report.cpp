// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "load.hpp"
#include "progress.hpp"
#include "report.hpp"
#include <withal/db/sqlite.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ledger {

namespace {

constexpr std::uint64_t kib = 1024;

const char* const style = R"(
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6778; --line: #dfe4ea;
  --paper: #f6f7f9; --card: #ffffff; --bar: #3566b8; --bar2: #2f8f6b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaef; --soft: #9aa5b5; --line: #303846;
  --paper: #14181f; --card: #1c222c; --bar: #6c9bea; --bar2: #55bd95; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 0 0 .9rem; }
p { margin: 0 0 .5rem; }
.soft { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .9rem;
  margin: 1.6rem 0; }
.card, section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.card { padding: .9rem 1.1rem; }
.card b { display: block; font-size: 1.55rem; font-weight: 650;
  font-variant-numeric: tabular-nums; }
section { padding: 1.3rem 1.4rem; margin: 0 0 1.2rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 13px; fill: var(--ink); }
svg .value { fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .bar { fill: var(--bar); }
svg .bar.second { fill: var(--bar2); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .32rem .9rem .32rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.v { overflow-wrap: anywhere; min-width: 7rem; }
summary { cursor: pointer; font-weight: 600; }
details table { margin-top: .9rem; }
)";

// The length of the well-formed UTF-8 sequence at the front, 0 if there is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    const std::size_t length = first < 0x80                     ? 1
                               : first >= 0xC2 && first <= 0xDF ? 2
                               : first >= 0xE0 && first <= 0xEF ? 3
                               : first >= 0xF0 && first <= 0xF4 ? 4
                                                                : 0;
    if (length == 0 || length > text.size()) {
        return 0;
    }
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) {
            return 0;
        }
    }
    // Too long forms, surrogates, and what is beyond Unicode.
    const bool wrong =
        length > 1 && ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
                       (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F));
    return wrong ? 0 : length;
}

// For text and attributes alike. Nothing in a package database can become markup.
std::string escaped(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const char c = text.front();
        if (length == 0 || (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
            result += "&#xFFFD;";
        } else if (c == '&') {
            result += "&amp;";
        } else if (c == '<') {
            result += "&lt;";
        } else if (c == '>') {
            result += "&gt;";
        } else if (c == '"') {
            result += "&quot;";
        } else if (c == '\'') {
            result += "&#39;";
        } else {
            result += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return result;
}

std::string grouped(std::int64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3 + (number < 0 ? 1U : 0U);) {
        at -= 3;
        digits.insert(at, "&#8239;");
    }
    return digits;
}

std::string size_of(std::int64_t size_kib) {
    return size_text(static_cast<std::uint64_t>(size_kib) * kib);
}

std::string fixed(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string count_of(std::int64_t count, std::string_view one, std::string_view many) {
    return grouped(count) + " " + std::string(count == 1 ? one : many);
}

struct bar {
    std::string name;
    std::string value;
    std::string detail;
    double length = 0;
};

std::string
bar_chart(const std::vector<bar>& bars, std::string_view description, std::string_view kind) {
    constexpr int row = 27;
    constexpr double whole = 800;
    constexpr double name_end = 250;
    constexpr double letter = 8; // more than any font takes on average
    double longest = 0;
    std::size_t letters = 0;
    for (const bar& one : bars) {
        longest = std::max(longest, one.length);
        letters = std::max(letters, one.value.size());
    }
    const double widest = whole - name_end - letter * static_cast<double>(letters + 2);
    const int height = row * static_cast<int>(bars.size());
    std::string svg = "<svg role='img' aria-label='" + escaped(description) +
                      "' viewBox='0 0 800 " + std::to_string(height) + "'>\n";
    int top = 0;
    for (const bar& one : bars) {
        const double length = longest > 0 ? std::max(2.0, one.length / longest * widest) : 2.0;
        const std::string middle = std::to_string(top + row / 2 + 1);
        svg += "<g><title>" + escaped(one.name + ": " + one.detail) + "</title>";
        svg += "<text x='" + fixed(name_end - 10) + "' y='" + middle +
               "' text-anchor='end' dominant-baseline='middle'>" +
               escaped(one.name.size() > 34 ? one.name.substr(0, 31) + "..." : one.name) +
               "</text>";
        svg += "<rect class='bar " + std::string(kind) + "' x='" + fixed(name_end) + "' y='" +
               std::to_string(top + 4) + "' width='" + fixed(length) + "' height='" +
               std::to_string(row - 8) + "' rx='3'/>";
        svg += "<text class='value' x='" + fixed(name_end + length + 8) + "' y='" + middle +
               "' dominant-baseline='middle'>" + escaped(one.value) + "</text></g>\n";
        top += row;
    }
    return svg + "</svg>\n";
}

std::string card(const std::string& figure, std::string_view what) {
    return "<div class='card'><b>" + figure + "</b><span class='soft'>" + std::string(what) +
           "</span></div>\n";
}

std::string cards(withal::sqlite_connection& db) {
    const auto count = [&](std::string_view sql) { return db.value<std::int64_t>(sql); };
    return "<div class='cards'>\n" +
           card(grouped(count("SELECT count(*) FROM packages WHERE installed")),
                "packages installed") +
           card(escaped(size_of(count("SELECT coalesce(sum(installed_kib), 0) FROM packages"
                                      " WHERE installed"))),
                "on disk, as the packages say") +
           card(grouped(count("SELECT count(*) FROM dependencies")), "dependencies") +
           card(grouped(count("SELECT count(DISTINCT section) FROM packages WHERE installed")),
                "sections") +
           "</div>\n";
}

std::string largest(withal::sqlite_connection& db) {
    std::vector<bar> bars;
    auto rows = db.prepare("SELECT name, version, installed_kib, summary FROM packages"
                           " WHERE installed AND installed_kib IS NOT NULL"
                           " ORDER BY installed_kib DESC, name LIMIT 20");
    while (rows.step()) {
        const auto [name, version, size, summary] =
            rows.row<std::string, std::string, std::int64_t, std::string>();
        bars.push_back({name,
                        size_of(size),
                        version + ", " + size_of(size) + (summary.empty() ? "" : ", " + summary),
                        static_cast<double>(size)});
    }
    return "<section><h2>Largest packages</h2>\n" +
           (bars.empty() ? "<p class='soft'>No package says how large it is.</p>\n"
                         : bar_chart(bars, "The largest packages by installed size", "first")) +
           "</section>\n";
}

std::string sections(withal::sqlite_connection& db) {
    std::vector<bar> bars;
    auto rows = db.prepare("SELECT CASE section WHEN '' THEN '(none)' ELSE section END,"
                           "       count(*), coalesce(sum(installed_kib), 0) AS size"
                           "  FROM packages WHERE installed GROUP BY section"
                           " ORDER BY size DESC, section LIMIT 12");
    while (rows.step()) {
        const auto [name, count, size] = rows.row<std::string, std::int64_t, std::int64_t>();
        const std::string packages =
            std::to_string(count) + (count == 1 ? " package" : " packages");
        bars.push_back({name,
                        size_of(size) + ", " + packages,
                        size_of(size) + " in " + packages,
                        static_cast<double>(size)});
    }
    return "<section><h2>Sections</h2>\n" +
           (bars.empty() ? "<p class='soft'>Nothing is installed.</p>\n"
                         : bar_chart(bars, "Installed size by section", "second")) +
           "</section>\n";
}

std::string most_needed(withal::sqlite_connection& db) {
    std::string html = "<section><h2>Most needed</h2>\n<div class='scroll'><table>\n"
                       "<tr><th>Package</th><th class='n'>Needed by</th><th>What it is</th></tr>"
                       "\n";
    auto rows =
        db.prepare("SELECT target, count(DISTINCT d.name) AS needed,"
                   "       coalesce((SELECT summary FROM packages WHERE name = target LIMIT 1), '')"
                   "  FROM dependencies AS d JOIN packages AS p USING (name, architecture)"
                   " WHERE p.installed AND kind IN ('Depends', 'Pre-Depends')"
                   " GROUP BY target ORDER BY needed DESC, target LIMIT 15");
    while (rows.step()) {
        const auto [name, needed, summary] = rows.row<std::string, std::int64_t, std::string>();
        html += "<tr><td>" + escaped(name) + "</td><td class='n'>" + grouped(needed) +
                "</td><td class='soft'>" + escaped(summary) + "</td></tr>\n";
    }
    return html + "</table></div></section>\n";
}

std::string changes(withal::sqlite_connection& db, std::int64_t run) {
    constexpr std::int64_t shown = 100;
    if (run == 1) {
        return "<section><h2>Changes</h2>\n<p class='soft'>This is the first run: the next one "
               "tells what changed since.</p></section>\n";
    }
    const auto total = db.value<std::int64_t>("SELECT count(*) FROM changes WHERE run = ?", run);
    std::string html = "<section><h2>Changes since run " + grouped(run - 1) + "</h2>\n";
    if (total == 0) {
        return html + "<p class='soft'>None.</p></section>\n";
    }
    html += "<div class='scroll'><table>\n<tr><th>Package</th><th>Change</th><th>Before</th>"
            "<th>Now</th></tr>\n";
    auto rows = db.prepare("SELECT name, change, old_version, new_version FROM changes"
                           " WHERE run = ? ORDER BY change, name, architecture LIMIT ?");
    rows.bind(run, shown);
    while (rows.step()) {
        const auto [name, change, before, now] = rows.row<std::string,
                                                          std::string,
                                                          std::optional<std::string>,
                                                          std::optional<std::string>>();
        html += "<tr><td>" + escaped(name) + "</td><td>" + escaped(change) + "</td><td class='v'>" +
                escaped(before.value_or("")) + "</td><td class='v'>" + escaped(now.value_or("")) +
                "</td></tr>\n";
    }
    html += "</table></div>\n";
    if (total > shown) {
        html += "<p class='soft'>and " + grouped(total - shown) + " more</p>\n";
    }
    return html + "</section>\n";
}

std::string all_packages(withal::sqlite_connection& db) {
    std::string html = "<section><details><summary>All installed packages</summary>\n"
                       "<div class='scroll'><table>\n<tr><th>Package</th><th>Version</th>"
                       "<th class='n'>Size</th><th>Section</th><th>What it is</th></tr>\n";
    auto rows = db.prepare("SELECT name, version, installed_kib, section, summary FROM packages"
                           " WHERE installed ORDER BY name, architecture");
    while (rows.step()) {
        const auto [name, version, size, section, summary] = rows.row<std::string,
                                                                      std::string,
                                                                      std::optional<std::int64_t>,
                                                                      std::string,
                                                                      std::string>();
        html += "<tr><td>" + escaped(name) + "</td><td class='v'>" + escaped(version) +
                "</td><td class='n'>" + (size ? escaped(size_of(*size)) : "") + "</td><td>" +
                escaped(section) + "</td><td class='soft'>" + escaped(summary) + "</td></tr>\n";
    }
    return html + "</table></div></details></section>\n";
}

} // namespace

std::string make_report(withal::sqlite_connection& db, const run_facts& facts) {
    const auto finished =
        db.value<std::string>("SELECT finished FROM runs WHERE run = ?", facts.run);
    return "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
           "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
           "<title>Package ledger</title>\n<style>" +
           std::string(style) + "</style>\n</head>\n<body>\n<main>\n<h1>Package ledger</h1>\n" +
           "<p class='soft'>Run " + grouped(facts.run) + ", " + escaped(finished) + " UTC, from " +
           escaped(facts.source) + ": " + count_of(facts.packages, "package", "packages") + " in " +
           escaped(size_text(facts.bytes)) + ".</p>\n" + cards(db) + largest(db) + sections(db) +
           most_needed(db) + changes(db, facts.run) + all_packages(db) +
           "</main>\n</body>\n</html>\n";
}

} // namespace ledger

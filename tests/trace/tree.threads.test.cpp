// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/trace/tree.hpp>

#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

struct step {
    std::string name;
    static void enter() {}
    static void exit() {}
    [[nodiscard]] const char* label() const noexcept { return name.c_str(); }
};

std::size_t count(const std::string& text, const std::string& pattern) {
    const std::regex wanted(pattern);
    return static_cast<std::size_t>(std::distance(
        std::sregex_iterator(text.begin(), text.end(), wanted), std::sregex_iterator()));
}

TEST(trace_tree, keeps_the_scopes_of_threads_apart) {
    std::ostringstream out;
    withal::with(withal::trace_tree(out, "root"), [] {
        withal::with(step{"home"}, [] {
            std::thread other(
                [] { withal::with(step{"away"}, [] { withal::with(step{"inner"}, [] {}); }); });
            other.join();
        });
    });
    const std::string text = out.str();
    EXPECT_EQ(count(text, R"((^|\n)\|- home )"), 1U) << text;
    EXPECT_EQ(count(text, R"(\n`- away \[thread 2\] )"), 1U) << text;
    EXPECT_EQ(count(text, R"(\n   `- inner )"), 1U) << text;
}

TEST(trace_tree, loses_no_scope_of_many_threads) {
    constexpr int threads = 8;
    constexpr int rounds = 200;
    std::ostringstream out;
    withal::trace_tree tree(out, "root");
    withal::with(tree, [&] {
        std::vector<std::thread> all;
        all.reserve(threads);
        for (int number = 0; number < threads; ++number) {
            all.emplace_back([&tree, number] {
                const std::string name = "t" + std::to_string(number);
                for (int round = 0; round < rounds; ++round) {
                    withal::with(step{name}, [&] { withal::with(step{"in-" + name}, [] {}); });
                    if (round % 50 == 0) {
                        EXPECT_FALSE(tree.text().empty());
                    }
                }
            });
        }
        for (std::thread& one : all) {
            one.join();
        }
    });
    const std::string text = out.str();
    EXPECT_EQ(count(text, R"(- t\d \[thread \d\] .*  ok)"), std::size_t{threads} * rounds);
    EXPECT_EQ(count(text, R"(`- in-t\d .*  ok)"), std::size_t{threads} * rounds);
    EXPECT_EQ(text.find("not shown"), std::string::npos);
}

} // namespace

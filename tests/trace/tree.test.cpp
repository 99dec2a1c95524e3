// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/trace/tree.hpp>

#include <withal/core/adapt.hpp>
#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <ios>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace {

using withal::outcome;
using withal::trace_tree;
using withal::verdict;

// A manager that does what its fields say.
struct step {
    std::string name;
    std::string said{};
    std::optional<std::string> enter_error{};
    std::optional<std::string> exit_error{};

    void enter() const {
        if (enter_error) {
            throw std::runtime_error(*enter_error);
        }
    }
    void exit() const {
        if (exit_error) {
            throw std::runtime_error(*exit_error);
        }
    }
    [[nodiscard]] const char* label() const noexcept { return name.c_str(); }
    [[nodiscard]] const char* note() const noexcept { return said.c_str(); }
};

struct swallower {
    static void enter() {}
    static verdict exit(const outcome& left) {
        return left.failed() ? verdict::suppress : verdict::propagate;
    }
    [[nodiscard]] static const char* label() noexcept { return "swallower"; }
};

struct translator {
    static void enter() {}
    static verdict exit(const outcome& left) {
        return left.failed()
                   ? verdict::replace(std::make_exception_ptr(std::runtime_error("translated")))
                   : verdict::propagate;
    }
    [[nodiscard]] static const char* label() noexcept { return "translator"; }
};

// The text with every duration as T, and the columns closed up.
std::string plain(const std::string& text) {
    const std::string timed =
        std::regex_replace(text, std::regex(R"(\+?\b\d+(\.\d+)?(ms|s)\b)"), "T");
    const std::string closed = std::regex_replace(timed, std::regex(R"( in T)"), "");
    return std::regex_replace(closed, std::regex(R"((\S) {2,}(?=\S))"), "$1  ");
}

template <class F>
std::string tree_of(F&& inside, withal::trace_tree_options options = {}) {
    std::ostringstream out;
    try {
        withal::with(trace_tree(out, "root", options), std::forward<F>(inside));
    } catch (...) {
        // The tree is what the tests look at.
        out << "";
    }
    return plain(out.str());
}

TEST(trace_tree, shows_nesting_labels_and_notes) {
    EXPECT_EQ(tree_of([] {
                  withal::with(step{"a"}, [] {
                      withal::with(step{"b", "done well"}, [] {});
                      withal::with(step{"c"}, [] {});
                  });
                  withal::with(step{"d"}, [] {});
              }),
              "root  T  ok\n"
              "|- a  T  T  ok\n"
              "|  |- b  T  T  done well\n"
              "|  `- c  T  T  ok\n"
              "`- d  T  T  ok\n");
}

TEST(trace_tree, draws_boxes_when_asked) {
    EXPECT_EQ(tree_of(
                  [] {
                      withal::with(step{"a"}, [] { withal::with(step{"b"}, [] {}); });
                      withal::with(step{"c"}, [] {});
                  },
                  {.style = withal::tree_style::box}),
              "root  T  ok\n"
              "\xe2\x94\x9c\xe2\x94\x80 a  T  T  ok\n"
              "\xe2\x94\x82  \xe2\x94\x94\xe2\x94\x80 b  T  T  ok\n"
              "\xe2\x94\x94\xe2\x94\x80 c  T  T  ok\n");
}

TEST(trace_tree, puts_managers_of_one_call_beside_each_other) {
    EXPECT_EQ(tree_of([] {
                  withal::with(
                      step{"a"}, step{"b"}, step{"c"}, [] { withal::with(step{"d"}, [] {}); });
              }),
              "root  T  ok\n"
              "|- a  T  T  ok\n"
              "|- b  T  T  ok\n"
              "`- c  T  T  ok\n"
              "   `- d  T  T  ok\n");
}

TEST(trace_tree, draws_a_long_call_under_the_long_call_that_begins_with_it) {
    const auto four = [](const auto& body) {
        withal::with(step{"a"}, step{"b"}, step{"c"}, step{"d"}, body);
    };
    EXPECT_EQ(tree_of([&] { four([&] { four([] {}); }); }),
              "root  T  ok\n"
              "|- a  T  T  ok\n"
              "|- b  T  T  ok\n"
              "|- c  T  T  ok\n"
              "`- d  T  T  ok\n"
              "   |- a  T  T  ok\n"
              "   |- b  T  T  ok\n"
              "   |- c  T  T  ok\n"
              "   `- d  T  T  ok\n");
}

TEST(trace_tree, can_stand_in_the_call_that_it_shows) {
    std::ostringstream out;
    withal::with(trace_tree(out, "root"), step{"a"}, step{"b"}, step{"c"}, step{"d"}, [] {});
    EXPECT_EQ(plain(out.str()),
              "root  T  ok\n"
              "|- a  T  T  ok\n"
              "|- b  T  T  ok\n"
              "|- c  T  T  ok\n"
              "`- d  T  T  ok\n");
}

void recurse(int depth) {
    withal::with(step{"first"}, step{"second"}, [&] {
        if (depth > 1) {
            recurse(depth - 1);
        }
    });
}

TEST(trace_tree, shows_a_function_that_calls_itself_as_nested) {
    EXPECT_EQ(tree_of([] { recurse(2); }),
              "root  T  ok\n"
              "|- first  T  T  ok\n"
              "`- second  T  T  ok\n"
              "   |- first  T  T  ok\n"
              "   `- second  T  T  ok\n");
}

TEST(trace_tree, says_how_everything_failed_and_why_once) {
    EXPECT_EQ(tree_of([] {
                  withal::with(step{"a"}, [] {
                      withal::with(step{"b", "ROLLED BACK"},
                                   [] { throw std::runtime_error("why"); });
                  });
              }),
              "root  T  failed: why\n"
              "`- a  T  T  failed\n"
              "   `- b  T  T  ROLLED BACK\n");
}

TEST(trace_tree, shows_an_error_that_was_caught_where_it_was_seen_first) {
    EXPECT_EQ(tree_of([] {
                  withal::with(step{"a"}, [] {
                      try {
                          withal::with(step{"b"}, [] {
                              withal::with(step{"c"}, [] { throw std::runtime_error("why"); });
                          });
                      } catch (const std::runtime_error&) {
                          withal::with(step{"recovery"}, [] {});
                      }
                  });
              }),
              "root  T  ok\n"
              "`- a  T  T  ok\n"
              "   |- b  T  T  failed\n"
              "   |  `- c  T  T  failed: why\n"
              "   `- recovery  T  T  ok\n");
}

TEST(trace_tree, shows_secondary_errors_under_also) {
    EXPECT_EQ(tree_of([] {
                  withal::with(step{"a", "", {}, "disk full\nreally"}, [] {
                      withal::with(step{"b", "", {}, "lock gone"},
                                   [] { throw std::runtime_error("why"); });
                  });
              }),
              "root  T  failed: why\n"
              "`- a  T  T  failed\n"
              "   also: disk full / really\n"
              "   `- b  T  T  failed\n"
              "      also: lock gone\n");
}

TEST(trace_tree, shows_an_exit_that_failed_after_success) {
    EXPECT_EQ(tree_of([] { withal::with(step{"a", "", {}, "cannot close"}, [] {}); }),
              "root  T  failed: cannot close\n"
              "`- a  T  T  EXIT FAILED: cannot close\n");
    EXPECT_EQ(tree_of([] { withal::with(step{"a", "half done", {}, "cannot close"}, [] {}); }),
              "root  T  failed: cannot close\n"
              "`- a  T  T  half done; EXIT FAILED: cannot close\n");
}

TEST(trace_tree, shows_an_enter_that_failed) {
    EXPECT_EQ(tree_of([] { withal::with(step{"a"}, step{"b", "", "locked"}, [] {}); }),
              "root  T  failed: locked\n"
              "|- a  T  T  failed\n"
              "`- b  T  ENTER FAILED: locked\n");
}

TEST(trace_tree, shows_what_was_suppressed_and_what_was_replaced) {
    EXPECT_EQ(tree_of([] { withal::with(swallower(), [] { throw std::runtime_error("why"); }); }),
              "root  T  ok\n"
              "`- swallower  T  T  failed; suppressed: why\n");
    EXPECT_EQ(tree_of([] { withal::with(translator(), [] { throw std::runtime_error("why"); }); }),
              "root  T  failed: translated\n"
              "`- translator  T  T  failed: why; replaced by: translated\n");
}

TEST(trace_tree, tells_a_returned_failure_from_an_exception) {
    EXPECT_EQ(tree_of([] {
                  static_cast<void>(withal::with(
                      step{"a"}, [] { return std::make_error_code(std::errc::io_error); }));
              }),
              "root  T  ok\n"
              "`- a  T  T  returned a failure\n");
}

TEST(trace_tree, copes_with_exceptions_of_any_type) {
    EXPECT_EQ(tree_of([] { throw 42; }),
              "root  T  failed: an exception that is no std::exception\n");
}

TEST(trace_tree, lets_no_text_control_the_terminal) {
    EXPECT_EQ(tree_of([] {
                  withal::with(step{"a\x1b[2J", "b\rc\x7f"}, [] {});
                  throw std::runtime_error("x\x1b]0;y\x07");
              }),
              "root  T  failed: x?]0;y?\n"
              "`- a?[2J  T  T  b?c?\n");
}

TEST(trace_tree, keeps_the_columns_of_text_that_is_not_ascii) {
    std::ostringstream out;
    withal::with(trace_tree(out, "root"), [] {
        withal::with(step{"gr\xc3\xb6\xc3\x9f"
                          "er"},
                     [] {});
        withal::with(step{"groser"}, [] {});
    });
    const std::string text = out.str();
    const auto column = [&](const std::string& name) {
        const std::size_t start = text.find(name);
        const std::string line = text.substr(start, text.find('\n', start) - start);
        return std::count_if(
            line.begin(), line.begin() + static_cast<long>(line.find('+')), [](char c) {
                return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
            });
    };
    EXPECT_EQ(column("gr\xc3\xb6"), column("groser"));
}

TEST(trace_tree, counts_what_it_has_no_room_for) {
    EXPECT_EQ(tree_of(
                  [] {
                      for (int i = 0; i < 5; ++i) {
                          withal::with(step{"s" + std::to_string(i)}, [] {});
                      }
                  },
                  {.max_scopes = 2}),
              "root  T  ok\n"
              "|- s0  T  T  ok\n"
              "`- s1  T  T  ok\n"
              "and 3 more, not shown\n");
}

TEST(trace_tree, shows_scopes_that_still_run) {
    std::ostringstream out;
    trace_tree tree(out, "root");
    withal::with(tree, [&] {
        withal::with(step{"a"}, [&] {
            EXPECT_EQ(plain(tree.text()), "root  T  running\n`- a  T  T  running\n");
        });
        EXPECT_EQ(out.str(), "");
    });
    EXPECT_EQ(tree.text(), out.str());
}

TEST(trace_tree, shows_only_what_happens_inside_and_starts_anew_each_time) {
    std::ostringstream out;
    trace_tree tree(out, "root");
    withal::with(step{"before"}, [] {});
    withal::with(tree, [] { withal::with(step{"first"}, [] {}); });
    withal::with(step{"between"}, [] {});
    withal::with(tree, [&] {
        withal::with(step{"second"}, [] {});
        EXPECT_THROW(withal::with(tree, [] {}), withal::logic_error);
    });
    EXPECT_EQ(out.str().find("before"), std::string::npos);
    EXPECT_EQ(out.str().find("between"), std::string::npos);
    EXPECT_EQ(tree.text().find("first"), std::string::npos);
    EXPECT_NE(tree.text().find("second"), std::string::npos);
}

TEST(trace_tree, shows_a_tree_inside_a_tree) {
    std::ostringstream inner;
    EXPECT_EQ(tree_of([&] {
                  withal::with(trace_tree(inner, "part"), [] { withal::with(step{"a"}, [] {}); });
              }),
              "root  T  ok\n"
              "`- trace_tree part  T  T  ok\n"
              "   `- a  T  T  ok\n");
    EXPECT_EQ(plain(inner.str()), "part  T  ok\n`- a  T  T  ok\n");
}

TEST(trace_tree, draws_ten_thousand_scopes_in_each_other_as_a_small_text) {
    std::ostringstream out;
    const auto dig = [](const auto& self, int depth) -> void {
        withal::with(step{"s"}, [&] {
            if (depth > 1) {
                self(self, depth - 1);
            }
        });
    };
    withal::with(trace_tree(out, "root"), [&] { dig(dig, 2000); });
    EXPECT_EQ(std::ranges::count(out.str(), '\n'), 2001);
    EXPECT_LT(out.str().size(), 2001U * 250U);
}

TEST(trace_tree, does_not_change_the_result_when_its_stream_is_broken) {
    std::ostringstream out;
    out.setstate(std::ios::badbit);
    EXPECT_EQ(withal::with(trace_tree(out), [] { return 7; }), 7);
}

TEST(trace_tree, throws_what_the_stream_throws_if_the_caller_asked_for_it) {
    std::ostringstream out;
    out.setstate(std::ios::badbit);
    EXPECT_THROW(out.exceptions(std::ios::badbit), std::ios_base::failure);
    // libc++ says badbit and throws nothing where libstdc++ does; the manager adds nothing to
    // either.
    const auto stream_throws = [&] {
        try {
            out << "x";
            out.flush();
        } catch (const std::ios_base::failure&) {
            return true;
        }
        return false;
    };
    const bool expected = stream_throws();
    const auto tried = withal::try_with(trace_tree(out), [] {});
    EXPECT_EQ(tried.error() != nullptr, expected);
}

} // namespace

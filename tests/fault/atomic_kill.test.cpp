// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// kill -9 during atomic writes, and several processes at one target.
#include "support/sys_scratch.hpp"
#include <withal/core/with.hpp>
#include <withal/resources/atomic_file.hpp>
#include <withal/sys/seam.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <signal.h> // NOLINT(modernize-deprecated-headers): POSIX
#include <sys/types.h>
#include <time.h> // NOLINT(modernize-deprecated-headers): POSIX
#include <unistd.h>

namespace withal {
namespace {

using testing::in_child;
using testing::names_in;
using testing::scratch;
using testing::slurp;
using testing::wait_for;

using names = std::vector<std::string>;

constexpr std::size_t size = 100000;

/// A content that shows every mixture: one letter throughout, at its full size.
std::string content(int number) {
    std::string text(size, static_cast<char>('a' + number % 26));
    return text;
}

bool is_whole(const std::string& text) {
    return text.size() == size && text.find_first_not_of(text[0]) == std::string::npos;
}

void put(const std::string& path, const std::string& text, const atomic_file_options& options) {
    with(atomic_file(path, options), [&](atomic_writer& out) {
        for (std::size_t at = 0; at < text.size(); at += 30000) {
            out.write(std::string_view(text).substr(at, 30000));
        }
    });
}

struct way {
    const char* name;
    atomic_file_options options;

    // For the messages of the framework, which calls it so.
    // NOLINTNEXTLINE(readability-identifier-naming)
    friend void PrintTo(const way& one, std::ostream* out) { *out << one.name; }
};

class atomic_kill : public ::testing::TestWithParam<way> {};

INSTANTIATE_TEST_SUITE_P(every,
                         atomic_kill,
                         ::testing::Values(way{"by_default", {}},
                                           way{"named", {.unnamed = false}},
                                           way{"by_path", {.by_path = true}},
                                           way{"backup", {.backup = 3}},
                                           way{"named_backup", {.backup = 3, .unnamed = false}}),
                         [](const auto& one) { return one.param.name; });

void expect_whole_everywhere(const std::string& dir, const atomic_file_options& options) {
    for (const std::string& name : names_in(dir)) {
        EXPECT_TRUE(name == "f" || (options.backup > 0 && name.starts_with("f.bak"))) << name;
        EXPECT_TRUE(is_whole(slurp(dir + "/" + name))) << name;
    }
}

TEST_P(atomic_kill, before_any_system_call_leaves_a_whole_file_and_the_next_write_no_litter) {
    const atomic_file_options& options = GetParam().options;
    const scratch dir;
    for (int number = 0; number < 5; ++number) {
        put(dir / "f", content(number), options);
    }
    int kills = 0;
    for (int last = 1;; ++last) {
        const std::string before = slurp(dir / "f");
        const names old = names_in(dir.path());
        const pid_t child = in_child([&] {
            int made = 0;
            const sys::interposer seam([&](const sys::attempt&) {
                if (++made == last) {
                    ::kill(::getpid(), SIGKILL);
                }
                return sys::ruling{};
            });
            put(dir / "f", content(last), options);
            return 0;
        });
        const int status = wait_for(child);
        const std::string after = slurp(dir / "f");
        EXPECT_TRUE(after == before || after == content(last)) << "torn at call " << last;
        if (options.backup > 0) {
            // Every old copy is still somewhere, and no name is missing.
            const names now = names_in(dir.path());
            EXPECT_TRUE(std::ranges::includes(now, old)) << "at call " << last;
        }
        if (status == 0) {
            break;
        }
        ASSERT_EQ(status, 128 + SIGKILL);
        ++kills;
        put(dir / "f", content(last + 1), options);
        expect_whole_everywhere(dir.path(), options);
    }
    EXPECT_GT(kills, 15);
}

TEST_P(atomic_kill, at_any_moment_leaves_a_whole_file_and_the_next_write_no_litter) {
    const atomic_file_options& options = GetParam().options;
    const scratch dir;
    put(dir / "f", content(0), options);
    std::minstd_rand random(7); // NOLINT(bugprone-random-generator-seed): the same every time
    for (int kill = 0; kill < 25; ++kill) {
        const pid_t child = in_child([&] {
            for (int number = 0;; ++number) {
                put(dir / "f", content(number), options);
            }
            return 0;
        });
        const timespec moment{.tv_sec = 0, .tv_nsec = static_cast<long>(random() % 3000000U)};
        ::nanosleep(&moment, nullptr);
        ::kill(child, SIGKILL);
        ASSERT_EQ(wait_for(child), 128 + SIGKILL);
        ASSERT_TRUE(is_whole(slurp(dir / "f"))) << "torn by kill " << kill;
    }
    put(dir / "f", content(1), options);
    expect_whole_everywhere(dir.path(), options);
}

TEST_P(atomic_kill, readers_never_see_the_file_absent_or_mixed) {
    const atomic_file_options& options = GetParam().options;
    const scratch dir;
    put(dir / "f", content(0), options);
    std::vector<pid_t> writers;
    for (int writer = 0; writer < 2; ++writer) {
        writers.push_back(in_child([&] {
            for (int number = writer;; ++number) {
                put(dir / "f", content(number), options);
            }
            return 0;
        }));
    }
    // Whatever is seen, the writers must be ended.
    const std::string wrong = testing::text_of<std::runtime_error>([&] {
        for (int reading = 0; reading < 200; ++reading) {
            if (!is_whole(slurp(dir / "f"))) {
                throw std::runtime_error("mixed at reading " + std::to_string(reading));
            }
        }
    });
    for (const pid_t writer : writers) {
        ::kill(writer, SIGKILL);
        EXPECT_EQ(wait_for(writer), 128 + SIGKILL);
    }
    EXPECT_EQ(wrong, "");
}

TEST(atomic_race, writers_at_one_target_do_not_disturb_each_other) {
    const scratch dir;
    std::vector<pid_t> writers;
    for (int writer = 0; writer < 4; ++writer) {
        writers.push_back(in_child([&] {
            for (int number = 0; number < 50; ++number) {
                const bool odd = (number + writer) % 2 == 1;
                put(dir / "f",
                    content(number),
                    {.durability = durability::none, .backup = odd ? 2 : 0, .unnamed = odd});
            }
            return 0;
        }));
    }
    for (const pid_t writer : writers) {
        EXPECT_EQ(wait_for(writer), 0);
    }
    expect_whole_everywhere(dir.path(), {.backup = 2});
}

TEST(atomic_race, of_writers_that_do_not_clobber_exactly_one_wins) {
    for (const bool unnamed : {true, false}) {
        for (int round = 0; round < 10; ++round) {
            const scratch dir;
            int gate[2] = {-1, -1};
            ASSERT_EQ(::pipe2(gate, O_CLOEXEC), 0);
            std::vector<pid_t> writers;
            for (int writer = 0; writer < 4; ++writer) {
                writers.push_back(in_child([&] {
                    char go = 0;
                    ::close(gate[1]);
                    try {
                        with(atomic_file(dir / "f", {.clobber = clobber::no, .unnamed = unnamed}),
                             [&](atomic_writer& out) {
                                 out.write(content(writer));
                                 // All have seen that there is no file, and now all commit.
                                 static_cast<void>(::read(gate[0], &go, 1));
                             });
                    } catch (const std::system_error& error) {
                        return error.code() == std::errc::file_exists ? 1 : 2;
                    }
                    return 0;
                }));
            }
            ::close(gate[0]);
            ::close(gate[1]);
            int winner = -1;
            int winners = 0;
            for (std::size_t writer = 0; writer < writers.size(); ++writer) {
                const int status = wait_for(writers[writer]);
                EXPECT_TRUE(status == 0 || status == 1) << status;
                if (status == 0) {
                    winner = static_cast<int>(writer);
                    ++winners;
                }
            }
            ASSERT_EQ(winners, 1);
            EXPECT_EQ(slurp(dir / "f"), content(winner));
            EXPECT_EQ(names_in(dir.path()), names{"f"});
        }
    }
}

} // namespace
} // namespace withal

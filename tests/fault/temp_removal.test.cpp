// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Trees that resist, are huge, or are changed while they are removed.
#include "support/sys_isolated.hpp"
#include "support/sys_scratch.hpp"
#include <withal/core/with.hpp>
#include <withal/resources/temp.hpp>
#include <withal/sys/seam.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h> // NOLINT(modernize-deprecated-headers): POSIX
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

namespace withal {
namespace {

using testing::complaints;
using testing::exists;
using testing::names_in;
using testing::scratch;
using testing::spit;

// A chain of `depth` directories with a file in each; longer than any path may be.
void dig(const std::string& path, int depth) {
    int at = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int level = 0; level < depth; ++level) {
        ::close(::openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        ASSERT_EQ(::mkdirat(at, "deeper", 0700), 0) << level;
        const int next = ::openat(at, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ::close(at);
        at = next;
    }
    ::close(at);
}

TEST(temp_removal, has_no_limit_of_depth) {
    const scratch dir;
    temp_dir manager({.parent = dir.path()});
    std::size_t most = 0;
    const std::size_t before = testing::open_descriptors();
    const sys::interposer seam([&](const sys::attempt& next) {
        if (next.what == sys::call::getdents) {
            most = std::max(most, static_cast<std::size_t>(next.fd));
        }
        return sys::ruling{};
    });
    with(manager, [](const std::string& path) { dig(path, 3000); });
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
    EXPECT_STREQ(manager.note(), "removed 3000 files");
    EXPECT_LT(most, before + 50); // descriptors do not grow with the depth
}

TEST(temp_removal, has_no_limit_of_number) {
    const scratch dir;
    temp_dir manager({.parent = dir.path()});
    with(manager, [](const std::string& path) {
        const int at = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (int number = 0; number < 6000; ++number) {
            ::close(::openat(at,
                             ("file-" + std::to_string(number)).c_str(),
                             O_WRONLY | O_CREAT | O_CLOEXEC,
                             0600));
        }
        ::close(at);
    });
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
    EXPECT_STREQ(manager.note(), "removed 6000 files");
}

TEST(temp_removal, opens_directories_whose_mode_forbids_it) {
    const scratch dir;
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    EXPECT_EQ(testing::complaints_of_child([&](complaints& found) {
                  found.expect(testing::become_nobody(), "still root");
                  for (const mode_t mode : {0000U, 0100U, 0200U, 0400U, 0500U}) {
                      with(temp_dir({.parent = dir.path()}), [&](const std::string& path) {
                          std::filesystem::create_directories(path + "/a/b/c");
                          spit(path + "/a/b/c/file", "x");
                          spit(path + "/a/file", "x");
                          for (const char* name : {"/a/b/c", "/a/b", "/a", ""}) {
                              ::chmod((path + name).c_str(), mode);
                          }
                      });
                      found.expect(names_in(dir.path()).empty(), "left at " + std::to_string(mode));
                  }
              }),
              "");
}

TEST(temp_removal, opens_deep_directories_whose_mode_forbids_it) {
    const scratch dir;
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    EXPECT_EQ(testing::complaints_of_child([&](complaints& found) {
                  found.expect(testing::become_nobody(), "still root");
                  with(temp_dir({.parent = dir.path()}), [&](const std::string& path) {
                      std::string deep = path;
                      for (int level = 0; level < 100; ++level) {
                          deep += "/d";
                          ::mkdir(deep.c_str(), 0700);
                      }
                      for (; deep.size() > path.size(); deep.resize(deep.size() - 2)) {
                          ::chmod(deep.c_str(), 0);
                      }
                  });
                  found.expect(names_in(dir.path()).empty(), "left");
              }),
              "");
}

TEST(temp_removal, names_the_files_of_others_that_it_may_not_remove) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "making files that belong to somebody else needs root";
    }
    const scratch dir;
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    temp_dir manager({.parent = dir.path()});
    // Two processes: nobody removes what root has put there.
    int ready[2] = {-1, -1};
    int go[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(go, O_CLOEXEC), 0);
    const pid_t helper = testing::in_child([&] {
        char byte = 0;
        static_cast<void>(::read(ready[0], &byte, 1));
        for (const std::string& name : names_in(dir.path())) {
            std::filesystem::create_directories(dir / (name + "/roots"));
            spit(dir / (name + "/roots/file"), "x");
        }
        return ::write(go[1], "g", 1) == 1 ? 0 : 1;
    });
    EXPECT_EQ(testing::complaints_of_child([&](complaints& found) {
                  found.expect(testing::become_nobody(), "still root");
                  try {
                      with(manager, [&](const std::string& path) {
                          spit(path + "/mine", "x");
                          char byte = 0;
                          found.expect(::write(ready[1], "r", 1) == 1, "cannot write");
                          found.expect(::read(go[0], &byte, 1) == 1, "cannot read");
                      });
                      found.expect(false, "must be reported");
                  } catch (const leaked_error& error) {
                      found.expect(error.leftovers().size() == 1, error.what());
                      found.expect(error.leftovers()[0].path == manager.path() + "/roots/file",
                                   error.what());
                      found.expect(!exists(manager.path() + "/mine"), "stopped at it");
                  }
              }),
              "");
    EXPECT_EQ(testing::wait_for(helper), 0);
    for (const int end : {ready[0], ready[1], go[0], go[1]}) {
        ::close(end);
    }
}

// The race of cpython#157579, at its exact moment: between the look at a directory and its opening
// it becomes a link to somewhere else.
TEST(temp_removal, does_not_follow_a_directory_that_becomes_a_link_before_any_call) {
    for (int last = 1;; ++last) {
        const scratch dir;
        const scratch outside;
        std::filesystem::create_directories(outside / "sub");
        spit(outside / "precious", "x");
        spit(outside / "sub/precious", "x");
        ASSERT_EQ(::chmod((outside / "sub").c_str(), 0500), 0);
        bool swapped = false;
        int made = 0;
        std::string tree;
        const auto body = [&](const std::string& path) {
            tree = path;
            std::filesystem::create_directories(path + "/victim/sub");
            spit(path + "/victim/precious", "x");
            spit(path + "/victim/sub/precious", "x");
        };
        {
            const sys::interposer seam([&](const sys::attempt&) {
                if (!tree.empty() && ++made == last) {
                    // Moved away, where the removal may still meet it through its descriptor.
                    swapped = ::rename((tree + "/victim").c_str(), (dir / "away").c_str()) == 0 &&
                              ::symlink(outside.path().c_str(), (tree + "/victim").c_str()) == 0;
                }
                return sys::ruling{};
            });
            try {
                with(temp_dir({.parent = dir.path()}), body);
            } catch (const leaked_error&) { // swallow: it may well be disturbed
            }
        }
        EXPECT_TRUE(exists(outside / "precious")) << last;
        EXPECT_TRUE(exists(outside / "sub/precious")) << last;
        EXPECT_EQ(testing::mode_of(outside / "sub"), 0500U) << last;
        if (made < last) {
            EXPECT_GT(last, 10);
            break;
        }
        static_cast<void>(swapped);
    }
}

TEST(temp_removal, touches_nothing_outside_while_somebody_swaps_directories_for_links) {
    const scratch dir;
    const scratch outside;
    for (int number = 0; number < 20; ++number) {
        spit(outside / ("precious" + std::to_string(number)), "x");
    }
    const std::vector<std::string> before = names_in(outside.path());
    for (int round = 0; round < 10; ++round) {
        pid_t attacker = -1;
        try {
            with(temp_dir({.parent = dir.path()}), [&](const std::string& path) {
                for (int number = 0; number < 40; ++number) {
                    std::filesystem::create_directories(path + "/d" + std::to_string(number) +
                                                        "/e");
                    spit(path + "/d" + std::to_string(number) + "/e/file", "x");
                }
                ASSERT_EQ(::symlink(outside.path().c_str(), (path + "/link").c_str()), 0);
                attacker = testing::in_child([&] {
                    for (unsigned number = 0;; ++number) {
                        // In one step: the directory is the link, and the link the directory.
                        const std::string victim = path + "/d" + std::to_string(number % 40);
                        ::renameat2(AT_FDCWD,
                                    victim.c_str(),
                                    AT_FDCWD,
                                    (path + "/link").c_str(),
                                    RENAME_EXCHANGE);
                    }
                    return 0;
                });
            });
        } catch (const leaked_error&) { // swallow: it may well be disturbed
        }
        ::kill(attacker, SIGKILL);
        testing::wait_for(attacker);
        ASSERT_EQ(names_in(outside.path()), before) << round;
    }
}

TEST(temp_removal, ends_though_somebody_fills_the_directory_all_the_time) {
    const scratch dir;
    pid_t filler = -1;
    try {
        with(temp_dir({.parent = dir.path()}), [&](const std::string& path) {
            filler = testing::in_child([&] {
                for (unsigned number = 0; exists(path); ++number) {
                    ::close(::open((path + "/" + std::to_string(number)).c_str(),
                                   O_WRONLY | O_CREAT | O_CLOEXEC,
                                   0600));
                }
                return 0;
            });
        });
    } catch (const leaked_error& error) {
        EXPECT_NE(std::string(error.what()).find("Directory not empty"), std::string::npos);
    }
    ::kill(filler, SIGKILL);
    testing::wait_for(filler);
}

} // namespace
} // namespace withal

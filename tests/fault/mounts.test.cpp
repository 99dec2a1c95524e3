// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Full disks, and files and directories that are mount points.
#include "support/sys_isolated.hpp"
#include "support/sys_scratch.hpp"
#include <withal/core/with.hpp>
#include <withal/resources/atomic_file.hpp>
#include <withal/resources/file.hpp>
#include <withal/resources/temp.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>

#include <signal.h> // NOLINT(modernize-deprecated-headers): POSIX
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

namespace withal {
namespace {

using testing::complaints;
using testing::names_in;
using testing::scratch;
using testing::slurp;
using testing::spit;

constexpr const char* no_mounts = "mounting needs root with CAP_SYS_ADMIN; not tested here";

// The error that writing `size` bytes ends with, 0 if none.
int put(const std::string& path, std::size_t size, const atomic_file_options& options = {}) {
    try {
        with(atomic_file(path, options), [&](atomic_writer& out) {
            for (std::size_t at = 0; at < size; at += 1000) {
                out.write(std::string(1000, 'n'));
            }
        });
    } catch (const std::system_error& error) {
        return error.code().value();
    }
    return 0;
}

TEST(full_disk, keeps_the_old_content_and_leaves_nothing) {
    if (!testing::can_mount()) {
        GTEST_SKIP() << no_mounts;
    }
    const scratch dir;
    EXPECT_EQ(testing::complaints_of_child_with_mounts([&](complaints& found) {
                  found.expect(::mount("none", dir.path().c_str(), "tmpfs", 0, "size=256k") == 0,
                               "cannot mount");
                  for (const bool unnamed : {true, false}) {
                      for (const int backup : {0, 2}) {
                          spit(dir / "f", "old");
                          const atomic_file_options options{.backup = backup, .unnamed = unnamed};
                          found.expect(put(dir / "f", 1000000, options) == ENOSPC, "must be full");
                          found.expect(slurp(dir / "f") == "old", "the old content is lost");
                          found.expect(names_in(dir.path()).size() == 1, "something is left");
                          found.expect(put(dir / "f", 100000, options) == 0, "there is room again");
                          std::filesystem::remove(dir / "f.bak");
                      }
                  }
              }),
              "");
}

TEST(full_disk, is_reported_by_open_file_whether_the_body_or_the_end_meets_it) {
    if (!testing::can_mount()) {
        GTEST_SKIP() << no_mounts;
    }
    const scratch dir;
    EXPECT_EQ(testing::complaints_of_child_with_mounts([&](complaints& found) {
                  found.expect(::mount("none", dir.path().c_str(), "tmpfs", 0, "size=64k") == 0,
                               "cannot mount");
                  for (const std::size_t amount : {std::size_t{1000000}, std::size_t{65500}}) {
                      const std::string text = testing::text_of<std::system_error>([&] {
                          with(open_file(dir / "full", "w"), [&](file& f) {
                              with(open_file(dir / "first", "w"),
                                   [](file& first) { first.write("takes a page"); });
                              f.write(std::string(amount, 'x'));
                          });
                      });
                      found.expect(text == "open_file: write '" + (dir / "full") +
                                               "' failed: No space left on device",
                                   "got: " + text);
                  }
              }),
              "");
}

TEST(full_disk, a_limit_of_file_size_does_the_same_without_root) {
    const scratch dir;
    EXPECT_EQ(testing::complaints_of_child([&](complaints& found) {
                  ::signal(SIGXFSZ, SIG_IGN);
                  const rlimit small{.rlim_cur = 50000, .rlim_max = 50000};
                  found.expect(::setrlimit(RLIMIT_FSIZE, &small) == 0, "cannot limit");
                  spit(dir / "f", "old");
                  found.expect(put(dir / "f", 100000) == EFBIG, "must not fit");
                  found.expect(slurp(dir / "f") == "old", "the old content is lost");
                  found.expect(names_in(dir.path()).size() == 1, "something is left");
                  found.expect(put(dir / "f", 40000) == 0, "this fits");
              }),
              "");
}

TEST(mount_point, as_target_is_explained) {
    if (!testing::can_mount()) {
        GTEST_SKIP() << no_mounts;
    }
    const scratch dir;
    spit(dir / "f", "old");
    spit(dir / "outside", "mounted");
    EXPECT_EQ(
        testing::complaints_of_child_with_mounts([&](complaints& found) {
            found.expect(
                ::mount(
                    (dir / "outside").c_str(), (dir / "f").c_str(), nullptr, MS_BIND, nullptr) == 0,
                "cannot mount");
            for (const int backup : {0, 1}) {
                const std::string text = testing::text_of<std::system_error>([&] {
                    with(atomic_file(dir / "f", {.backup = backup}),
                         [](atomic_writer& out) { out.write("new"); });
                });
                found.expect(text.find("'" + (dir / "f") + "'") != std::string::npos, text);
                found.expect(text.find("mount point") != std::string::npos, text);
                found.expect(text.find("busy::in_place") != std::string::npos, text);
                found.expect(slurp(dir / "f") == "mounted", "changed");
                found.expect(names_in(dir.path()).size() == 2, "something is left");
            }
        }),
        "");
}

TEST(mount_point, as_target_is_written_in_place_if_asked) {
    if (!testing::can_mount()) {
        GTEST_SKIP() << no_mounts;
    }
    const scratch dir;
    spit(dir / "f", "");
    spit(dir / "outside", "mounted");
    EXPECT_EQ(
        testing::complaints_of_child_with_mounts([&](complaints& found) {
            found.expect(
                ::mount(
                    (dir / "outside").c_str(), (dir / "f").c_str(), nullptr, MS_BIND, nullptr) == 0,
                "cannot mount");
            atomic_file_options bare = atomic_file_options::bare();
            bare.on_busy = busy::in_place;
            for (const atomic_file_options& options :
                 {atomic_file_options{.on_busy = busy::in_place}, bare}) {
                atomic_file manager(dir / "f", options);
                with(manager, [](atomic_writer& out) { out.write("new"); });
                found.expect(slurp(dir / "outside") == "new", "not written");
                found.expect(manager.note() == std::string("committed in place"), manager.note());
                found.expect(names_in(dir.path()).size() == 2, "something is left");
                spit(dir / "outside", "mounted");
            }
        }),
        "");
}

TEST(mount_point, inside_a_temp_dir_is_reported_and_never_entered) {
    if (!testing::can_mount()) {
        GTEST_SKIP() << no_mounts;
    }
    const scratch dir;
    const scratch outside; // of the same file system: a device number would not show it
    spit(outside / "precious", "x");
    EXPECT_EQ(testing::complaints_of_child_with_mounts([&](complaints& found) {
                  temp_dir manager({.parent = dir.path()});
                  std::string text;
                  try {
                      with(manager, [&](const std::string& path) {
                          std::filesystem::create_directories(path + "/a/mnt");
                          spit(path + "/a/file", "x");
                          found.expect(::mount(outside.path().c_str(),
                                               (path + "/a/mnt").c_str(),
                                               nullptr,
                                               MS_BIND,
                                               nullptr) == 0,
                                       "cannot mount");
                      });
                  } catch (const leaked_error& error) {
                      text = error.what();
                      found.expect(error.leftovers().size() == 1, text);
                      found.expect(error.leftovers()[0].path == manager.path() + "/a/mnt", text);
                  }
                  found.expect(!text.empty(), "must be reported");
                  found.expect(testing::exists(outside / "precious"), "went into the mount");
                  found.expect(!testing::exists(manager.path() + "/a/file"), "stopped at it");
              }),
              "");
    EXPECT_TRUE(testing::exists(outside / "precious"));
}

} // namespace
} // namespace withal

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/resources/temp.hpp>

#include "support/sys_faults.hpp"
#include "support/sys_scratch.hpp"
#include <withal/core/error.hpp>
#include <withal/core/with.hpp>
#include <withal/resources/file.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace withal {
namespace {

using testing::exists;
using testing::mode_of;
using testing::names_in;
using testing::scratch;
using testing::slurp;
using testing::spit;
using testing::sys_faults;
using testing::text_of;

TEST(temp_dir, gives_a_private_directory_and_removes_it_with_everything_in_it) {
    const scratch dir;
    std::string seen;
    with(temp_dir({.parent = dir.path()}), [&](const std::string& path) {
        seen = path;
        EXPECT_EQ(mode_of(path), 0700U);
        std::filesystem::create_directories(path + "/a/b/c");
        spit(path + "/a/b/f", "x");
        std::filesystem::create_symlink("/etc", path + "/a/link");
    });
    EXPECT_TRUE(seen.starts_with(dir.path() + "/withal-")) << seen;
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
    EXPECT_TRUE(exists("/etc/passwd"));
}

TEST(temp_dir, is_removed_when_the_body_throws) {
    const scratch dir;
    const auto body = [](const std::string& path) {
        spit(path + "/f", "x");
        throw std::runtime_error("body");
    };
    EXPECT_THROW(with(temp_dir({.parent = dir.path()}), body), std::runtime_error);
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
}

TEST(temp_dir, stays_after_a_failure_if_asked_and_only_then) {
    const scratch dir;
    temp_dir manager({.parent = dir.path(), .keep = keep::on_failure});
    with(manager, [](const std::string& path) { spit(path + "/f", "x"); });
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
    EXPECT_STREQ(manager.note(), "removed 1 file");
    EXPECT_THROW(with(manager,
                      [](const std::string& path) {
                          spit(path + "/f", "why");
                          throw std::runtime_error("body");
                      }),
                 std::runtime_error);
    EXPECT_EQ(slurp(manager.path() + "/f"), "why");
    EXPECT_EQ(manager.note(), "kept " + manager.path() + " (body failed)");
}

TEST(temp_dir, stays_always_if_asked) {
    const scratch dir;
    with(temp_dir({.parent = dir.path(), .keep = keep::always}), [](const std::string&) {});
    EXPECT_EQ(names_in(dir.path()).size(), 1U);
}

TEST(temp_dir, has_a_name_nobody_can_guess_between_prefix_and_suffix) {
    const scratch dir;
    std::set<std::string> seen;
    temp_dir manager({.parent = dir.path(), .prefix = "a-", .suffix = ".d"});
    for (int i = 0; i < 20; ++i) {
        with(manager, [&](const std::string& path) {
            const std::string name = path.substr(dir.path().size() + 1);
            EXPECT_EQ(name.size(), 2U + 10U + 2U);
            EXPECT_TRUE(name.starts_with("a-") && name.ends_with(".d")) << name;
            seen.insert(name);
        });
    }
    EXPECT_EQ(seen.size(), 20U);
}

// NOLINTBEGIN(concurrency-mt-unsafe): there is one thread
TEST(temp_dir, honours_tmpdir) {
    const scratch dir;
    const char* const before = std::getenv("TMPDIR");
    const std::string old = before == nullptr ? "" : before;
    ::setenv("TMPDIR", dir.path().c_str(), 1);
    with(temp_dir(), [&](const std::string& path) { EXPECT_TRUE(path.starts_with(dir.path())); });
    if (before == nullptr) {
        ::unsetenv("TMPDIR");
    } else {
        ::setenv("TMPDIR", old.c_str(), 1);
    }
}
// NOLINTEND(concurrency-mt-unsafe)

TEST(temp_dir, path_is_absolute_and_survives_a_change_of_directory) {
    const scratch dir;
    const int before = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(::chdir(dir.path().c_str()), 0);
    with(temp_dir({.parent = "."}), [](const std::string& path) {
        EXPECT_TRUE(path.starts_with("/"));
        ASSERT_EQ(::chdir("/"), 0);
        spit(path + "/f", "x");
    });
    ASSERT_EQ(::fchdir(before), 0);
    ::close(before);
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
}

TEST(temp_dir, has_the_mode_asked_for_whatever_the_umask) {
    const scratch dir;
    for (const unsigned mask : {0U, 022U, 0777U}) {
        const mode_t before = ::umask(mask);
        with(temp_dir({.parent = dir.path(), .mode = 0750}), [&](const std::string& path) {
            EXPECT_EQ(mode_of(path), 0750U);
            ::umask(before);
        });
    }
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
}

TEST(temp_dir, holds_the_lock_that_cleaners_ask_for) {
    const scratch dir;
    const auto is_locked = [](const std::string& path) {
        const int cleaner = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool busy = ::flock(cleaner, LOCK_SH | LOCK_NB) != 0;
        ::close(cleaner);
        return busy;
    };
    with(temp_dir({.parent = dir.path()}),
         [&](const std::string& path) { EXPECT_TRUE(is_locked(path)); });
    with(temp_dir({.parent = dir.path(), .lock = false}),
         [&](const std::string& path) { EXPECT_FALSE(is_locked(path)); });
}

TEST(temp_dir, leaves_no_descriptor_open) {
    const scratch dir;
    const std::size_t before = testing::open_descriptors();
    with(temp_dir({.parent = dir.path()}),
         [](const std::string& path) { std::filesystem::create_directories(path + "/a/b/c/d"); });
    EXPECT_THROW(with(temp_dir({.parent = "/no/such"}), [](const std::string&) {}),
                 std::system_error);
    EXPECT_EQ(testing::open_descriptors(), before);
}

TEST(temp_dir, is_removed_though_somebody_removed_it_already) {
    const scratch dir;
    with(temp_dir({.parent = dir.path()}),
         [](const std::string& path) { std::filesystem::remove_all(path); });
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
}

TEST(temp_dir, says_so_when_it_was_moved_away_and_removes_no_impostor) {
    const scratch dir;
    temp_dir manager({.parent = dir.path()});
    const auto body = [&](const std::string& path) {
        spit(path + "/f", "x");
        std::filesystem::rename(path, dir / "moved");
        std::filesystem::create_directory(path);
    };
    EXPECT_THROW(with(manager, body), leaked_error);
    EXPECT_TRUE(exists(manager.path()));
    EXPECT_EQ(names_in(dir / "moved").size(), 0U); // emptied: that was ours wherever it is
}

TEST(temp_dir, removes_its_directory_when_enter_fails_later) {
    const scratch dir;
    for (const sys::call what : {sys::call::openat, sys::call::fstat, sys::call::fchmod}) {
        for (int nth = 1; nth <= 3; ++nth) {
            sys_faults faults;
            faults.fail(what, nth, EIO);
            bool ran = false;
            try {
                with(temp_dir({.parent = dir.path(), .mode = 0711}),
                     [&](const std::string&) { ran = true; });
            } catch (const std::system_error& error) {
                EXPECT_NE(std::string(error.what()).find(dir.path()), std::string::npos);
                EXPECT_FALSE(ran && what == sys::call::openat && nth < 3);
            }
            if (!ran) {
                EXPECT_EQ(names_in(dir.path()).size(), 0U) << sys::name_of(what) << nth;
            }
        }
        std::filesystem::remove_all(dir.path());
        std::filesystem::create_directory(dir.path());
    }
}

TEST(temp_dir, tries_another_name_when_one_is_taken) {
    const scratch dir;
    sys_faults faults;
    faults.fail(sys::call::mkdirat, 1, EEXIST).fail(sys::call::mkdirat, 2, EEXIST);
    with(temp_dir({.parent = dir.path()}), [](const std::string&) {});
    EXPECT_EQ(faults.count(sys::call::mkdirat), 3);
}

TEST(temp_dir, goes_on_after_an_error_and_names_everything_that_resisted) {
    const scratch dir;
    temp_dir manager({.parent = dir.path()});
    sys_faults faults;
    const auto body = [&](const std::string& path) {
        for (const char* name : {"a", "b", "c", "d"}) {
            std::filesystem::create_directory(path + "/" + name);
            spit(path + "/" + name + "/file", "x");
        }
        faults.fail_all(sys::call::unlinkat, EPERM);
    };
    try {
        with(manager, body);
        FAIL() << "must throw";
    } catch (const leaked_error& error) {
        EXPECT_EQ(error.leftovers().size(), 4U);
        const std::string text = error.what();
        for (const char* name : {"/a/file'", "/b/file'", "/c/file'", "/d/file'"}) {
            EXPECT_NE(text.find(manager.path() + name), std::string::npos) << text;
        }
        EXPECT_EQ(error.code(), std::errc::operation_not_permitted);
        EXPECT_TRUE(std::string(manager.note()).starts_with("LEAKED ")) << manager.note();
    }
}

TEST(temp_dir, removes_all_but_the_one_that_resists) {
    const scratch dir;
    temp_dir manager({.parent = dir.path()});
    const auto body = [](const std::string& path) {
        for (int i = 0; i < 50; ++i) {
            spit(path + "/f" + std::to_string(i), "x");
        }
        std::filesystem::create_directories(path + "/d/e");
        spit(path + "/d/e/f", "x");
    };
    std::vector<leaked_error::leftover> left;
    {
        // Whatever is called "f7" cannot be removed.
        const sys::interposer seam([](const sys::attempt& next) {
            const bool stuck =
                next.what == sys::call::unlinkat && std::string_view(next.name) == "f7";
            return sys::ruling{.error = stuck ? EBUSY : 0};
        });
        try {
            with(manager, body);
        } catch (const leaked_error& error) {
            left = error.leftovers();
        }
    }
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].path, manager.path() + "/f7");
    EXPECT_EQ(left[0].error, std::errc::device_or_resource_busy);
    EXPECT_EQ(names_in(manager.path()), std::vector<std::string>{"f7"});
}

TEST(temp_dir, a_failed_removal_is_kept_with_the_error_of_the_body) {
    const scratch dir;
    sys_faults faults;
    faults.fail_all(sys::call::unlinkat, EPERM);
    try {
        with(temp_dir({.parent = dir.path()}),
             [](const std::string&) { throw std::runtime_error("body"); });
        FAIL() << "must throw";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "body");
        ASSERT_EQ(secondary_errors().size(), 1U);
        EXPECT_THROW(std::rethrow_exception(secondary_errors()[0]), leaked_error);
    }
}

TEST(temp_dir, refuses_impossible_options) {
    EXPECT_EQ(text_of<std::invalid_argument>([] { temp_dir({.prefix = "a/b"}); }),
              "temp_dir: option prefix must not contain a slash");
    EXPECT_THROW(temp_dir({.suffix = "/"}), std::invalid_argument);
    EXPECT_THROW(temp_file({.mode = 010000}), std::invalid_argument);
}

TEST(temp_dir, is_reusable_and_not_reentrant) {
    const scratch dir;
    temp_dir manager({.parent = dir.path()});
    EXPECT_THROW(with(manager, manager, [](const std::string&, const std::string&) {}),
                 logic_error);
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
}

TEST(temp_file, gives_a_private_file_and_removes_it) {
    const scratch dir;
    with(temp_file({.parent = dir.path(), .suffix = ".csv"}), [&](file& f) {
        EXPECT_TRUE(f.path().starts_with(dir.path() + "/withal-")) << f.path();
        EXPECT_TRUE(f.path().ends_with(".csv"));
        EXPECT_EQ(mode_of(f.path()), 0600U);
        f.write("text");
        f.seek(0);
        EXPECT_EQ(f.read_all(), "text");
    });
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
}

TEST(temp_file, stays_after_a_failure_if_asked_with_all_that_was_written) {
    const scratch dir;
    temp_file manager({.parent = dir.path(), .keep = keep::on_failure});
    EXPECT_THROW(with(manager,
                      [](file& f) {
                          f.write("why");
                          throw 1;
                      }),
                 int);
    EXPECT_EQ(slurp(manager.path()), "why");
}

TEST(temp_file, persists_under_a_name_of_its_own) {
    const scratch dir;
    temp_file manager({.parent = dir.path()});
    EXPECT_THROW(with(manager,
                      [&](file& f) {
                          f.write("first");
                          manager.persist(dir / "result");
                          f.write(" second");
                          throw 1;
                      }),
                 int);
    EXPECT_EQ(slurp(dir / "result"), "first second");
    EXPECT_EQ(names_in(dir.path()), std::vector<std::string>{"result"});
    EXPECT_EQ(manager.note(), "persisted as " + (dir / "result"));
    with(manager, [](file&) {});
    EXPECT_EQ(names_in(dir.path()), std::vector<std::string>{"result"});
}

TEST(temp_file, that_cannot_persist_says_both_names_and_is_removed) {
    const scratch dir;
    temp_file manager({.parent = dir.path()});
    const std::string text = text_of<std::system_error>(
        [&] { with(manager, [&](file&) { manager.persist("/no/such/place"); }); });
    EXPECT_NE(text.find("/withal-"), std::string::npos) << text;
    EXPECT_NE(text.find("/no/such/place"), std::string::npos) << text;
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
}

TEST(temp_file, may_be_removed_by_the_body) {
    const scratch dir;
    with(temp_file({.parent = dir.path()}), [](file& f) { ::unlink(f.path().c_str()); });
    EXPECT_EQ(names_in(dir.path()).size(), 0U);
}

TEST(temp_file, that_cannot_be_removed_is_reported_by_name) {
    const scratch dir;
    temp_file manager({.parent = dir.path()});
    sys_faults faults;
    faults.fail(sys::call::unlinkat, 1, EACCES);
    const std::string text = text_of<leaked_error>([&] { with(manager, [](file&) {}); });
    EXPECT_EQ(text,
              "temp_file: could not remove '" + manager.path() +
                  "' (Permission denied): Permission denied");
}

} // namespace
} // namespace withal

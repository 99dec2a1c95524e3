// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The system calls of an atomic write: how many, in which order, and each of them failing.
#include "support/sys_faults.hpp"
#include "support/sys_scratch.hpp"
#include <withal/core/with.hpp>
#include <withal/resources/atomic_file.hpp>
#include <withal/sys/seam.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <map>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <linux/fs.h>
#include <unistd.h>

namespace withal {
namespace {

using testing::names_in;
using testing::scratch;
using testing::slurp;
using testing::spit;
using testing::sys_faults;

using names = std::vector<std::string>;
using counts = std::map<std::string, int>;

/// The system calls that one write costs: those of 11 writes less those of one, divided by 10.
class counted_by_strace {
public:
    explicit counted_by_strace(const std::string& how) {
        static_cast<void>(run(how, 3)); // from here on there is a target, and a backup
        const counts one = run(how, 1);
        const counts eleven = run(how, 11);
        for (const auto& [name, times] : eleven) {
            const auto found = one.find(name);
            const int more = times - (found == one.end() ? 0 : found->second);
            EXPECT_EQ(more % 10, 0) << name;
            if (more != 0) {
                each[name] = more / 10;
                total += more / 10;
            }
        }
    }

    static bool possible() {
        return std::system( // NOLINT(concurrency-mt-unsafe): one thread
                   "strace -o /dev/null true >/dev/null 2>&1") == 0;
    }

    counts each;
    int total = 0;

private:
    counts run(const std::string& how, int times) {
        const std::string trace = dir_ / "trace";
        // What only manages memory is the allocator's business, and the sanitizers'.
        const std::string command =
            "ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=report_bugs=0 strace -f -o " + trace +
            " -e 'trace=!mmap,munmap,mremap,brk,mprotect,madvise,futex,sched_yield'"
            " -e signal=none " +
            WITHAL_WRITER + " " + how + " " + (dir_ / "f") + " " + std::to_string(times);
        const int status =
            std::system(command.c_str()); // NOLINT(concurrency-mt-unsafe): one thread
        EXPECT_EQ(status, 0) << command;
        counts made;
        std::ifstream lines(trace);
        for (std::string line; std::getline(lines, line);) {
            // "1234  openat(AT_FDCWD, ..."
            const std::size_t start = line.find_first_not_of(' ', line.find(' '));
            const std::size_t end = line.find('(');
            if (start < end && end != std::string::npos && line.find("= ?") == std::string::npos) {
                ++made[line.substr(start, end - start)];
            }
        }
        EXPECT_FALSE(made.empty());
        return made;
    }

    scratch dir_;
};

TEST(atomic_calls, a_bare_durable_write_is_eight) {
    if (!counted_by_strace::possible()) {
        GTEST_SKIP() << "strace is not there or may not trace";
    }
    const counted_by_strace calls("bare");
    EXPECT_EQ(calls.each,
              (counts{{"openat", 2}, {"write", 1}, {"fsync", 2}, {"close", 2}, {"renameat", 1}}));
    EXPECT_EQ(calls.total, 8);
}

// The table of docs/managers/files.md.
TEST(atomic_calls, the_default_adds_what_its_options_ask_for) {
    if (!counted_by_strace::possible()) {
        GTEST_SKIP() << "strace is not there or may not trace";
    }
    const counted_by_strace calls("default");
    EXPECT_EQ(calls.each,
              (counts{{"openat", 2 + 1},     // + xattrs
                      {"newfstatat", 1 + 1}, // look; owner
                      {"getdents64", 2},     // sweep
                      {"flock", 1},          // sweep
                      {"flistxattr", 1},     // xattrs
                      {"fchmod", 1},         // perm
                      {"write", 1},
                      {"fsync", 2},
                      {"fcntl", 1},     // sweep: close is checked through a second descriptor
                      {"close", 2 + 2}, // + xattrs, sweep
                      {"linkat", 1},    // unnamed
                      {"renameat", 1}}));
}

TEST(atomic_calls, a_backup_adds_a_look_at_the_row_of_backups) {
    if (!counted_by_strace::possible()) {
        GTEST_SKIP() << "strace is not there or may not trace";
    }
    const counted_by_strace calls("backup");
    EXPECT_EQ(calls.total, 8 + 3);
    EXPECT_EQ(calls.each.at("renameat2"), 2); // new and old, old and older
    EXPECT_EQ(calls.each.at("unlinkat"), 2);  // the oldest; is there more than was asked for?
}

TEST(atomic_calls, data_is_synced_before_the_rename_and_the_directory_after) {
    for (const bool unnamed : {true, false}) {
        const scratch dir;
        spit(dir / "f", "old");
        names order;
        int directory = -1;
        int data = -1;
        {
            const sys::interposer seam([&](const sys::attempt& next) {
                switch (next.what) {
                case sys::call::write:
                    data = next.fd;
                    order.emplace_back("write");
                    break;
                case sys::call::renameat:
                    directory = next.fd;
                    order.emplace_back("rename");
                    break;
                case sys::call::fsync:
                    order.emplace_back(next.fd == data        ? "sync data"
                                       : next.fd == directory ? "sync directory"
                                                              : "sync something else");
                    break;
                default:
                    break;
                }
                return sys::ruling{};
            });
            with(atomic_file(dir / "f", {.unnamed = unnamed}),
                 [](atomic_writer& out) { out.write("new"); });
        }
        EXPECT_EQ(order, (names{"write", "sync data", "rename", "sync directory"}));
    }
}

TEST(atomic_calls, an_fsync_that_failed_is_not_tried_again) {
    const scratch dir;
    sys_faults faults;
    faults.fail(sys::call::fsync, 1, EIO);
    EXPECT_THROW(with(atomic_file(dir / "f"), [](atomic_writer& out) { out.write("new"); }),
                 std::system_error);
    EXPECT_EQ(faults.count(sys::call::fsync), 1);
}

TEST(atomic_calls, an_error_that_only_close_reports_still_stops_the_commit) {
    for (const atomic_file_options& options :
         {atomic_file_options::bare(), atomic_file_options{}, atomic_file_options{.backup = 1}}) {
        const scratch dir;
        sys_faults faults;
        faults.fail(sys::call::close, 1, EDQUOT);
        const auto write = [&] {
            with(atomic_file(dir / "f", options), [](atomic_writer& out) { out.write("new"); });
        };
        EXPECT_EQ(testing::text_of<std::system_error>(write),
                  "atomic_file: close '" + (dir / "f") + "' failed: Disk quota exceeded");
        EXPECT_EQ(names_in(dir.path()), names{});
    }
}

TEST(atomic_calls, a_directory_that_cannot_be_synced_is_a_result_of_its_own) {
    const scratch dir;
    spit(dir / "f", "old");
    sys_faults faults;
    faults.fail(sys::call::fsync, 2, EIO);
    atomic_file manager(dir / "f");
    try {
        with(manager, [](atomic_writer& out) { out.write("new"); });
        FAIL() << "must throw";
    } catch (const committed_not_durable& error) {
        EXPECT_EQ(std::string(error.what()),
                  "atomic_file: '" + (dir / "f") +
                      "' is replaced, but fsync of its directory failed: Input/output error");
        EXPECT_EQ(error.code(), std::errc::io_error);
    }
    EXPECT_STREQ(manager.note(), "committed, NOT DURABLE");
    EXPECT_EQ(slurp(dir / "f"), "new");
    EXPECT_EQ(names_in(dir.path()), names{"f"});
}

/// What a call may answer, by its manual page.
const std::vector<int>& errors_of(const std::string& call) {
    static const std::map<std::string, std::vector<int>> table{
        {"openat",
         {EACCES,
          EDQUOT,
          EINTR,
          EIO,
          ELOOP,
          EMFILE,
          ENFILE,
          ENOENT,
          ENOMEM,
          ENOSPC,
          EOPNOTSUPP,
          EPERM,
          EROFS,
          ETXTBSY}},
        {"close", {EINTR, EIO, ENOSPC, EDQUOT}},
        {"dup", {EMFILE, EINVAL}},
        {"read", {EINTR, EIO}},
        {"pread", {EINTR, EIO}},
        {"write", {EDQUOT, EFBIG, EINTR, EIO, ENOSPC, EPERM}},
        {"lseek", {EINVAL}},
        {"ftruncate", {EFBIG, EINTR, EIO, EPERM, EROFS}},
        {"fsync", {EDQUOT, EINTR, EIO, ENOSPC, EROFS}},
        {"flock", {EINTR, ENOLCK, EOPNOTSUPP, EWOULDBLOCK}},
        {"fstat", {EIO, ENOMEM, EOVERFLOW}},
        {"fstatat", {EACCES, EIO, ELOOP, ENOENT, ENOMEM}},
        {"fchmod", {EIO, EPERM, EROFS}},
        {"fchown", {EDQUOT, EIO, EPERM, EROFS}},
        {"flistxattr", {E2BIG, EACCES, EIO, ENOTSUP}},
        {"fgetxattr", {EACCES, EIO, ENODATA}},
        {"fsetxattr", {EDQUOT, ENOSPC, EPERM}},
        {"getdents", {EIO, ENOENT}},
        {"readlinkat", {EACCES, EIO}},
        {"renameat",
         {EACCES,
          EBUSY,
          EDQUOT,
          EINTR,
          EINVAL,
          EIO,
          EMLINK,
          ENOENT,
          ENOMEM,
          ENOSPC,
          ENOSYS,
          EPERM,
          EROFS,
          EXDEV}},
        {"linkat",
         {EACCES,
          EDQUOT,
          EINTR,
          EIO,
          EMLINK,
          ENOENT,
          ENOMEM,
          ENOSPC,
          EOPNOTSUPP,
          EPERM,
          EROFS,
          EXDEV}},
        {"unlinkat", {EACCES, EBUSY, EINTR, EIO, EPERM, EROFS}},
        {"getrandom", {EINTR}},
    };
    return table.at(call);
}

struct sequence {
    const char* name;
    atomic_file_options options;
    bool exists_before;
    bool exchanges = true; // else the file system cannot exchange two names in one step

    // For the messages of the framework, which calls it so.
    // NOLINTNEXTLINE(readability-identifier-naming)
    friend void PrintTo(const sequence& one, std::ostream* out) { *out << one.name; }
};

atomic_file_options bare_with_backup() {
    atomic_file_options options = atomic_file_options::bare();
    options.backup = 1;
    return options;
}

class atomic_sequence : public ::testing::TestWithParam<sequence> {};

INSTANTIATE_TEST_SUITE_P(
    every,
    atomic_sequence,
    ::testing::Values(sequence{"default", {}, true},
                      sequence{"default_new", {}, false},
                      sequence{"bare", atomic_file_options::bare(), true},
                      sequence{"bare_new", atomic_file_options::bare(), false},
                      sequence{"named", {.unnamed = false}, true},
                      sequence{"atomic", {.durability = durability::atomic}, true},
                      sequence{"none", {.durability = durability::none}, true},
                      sequence{"no_clobber", {.clobber = clobber::no}, false},
                      sequence{
                          "named_no_clobber", {.clobber = clobber::no, .unnamed = false}, false},
                      sequence{"if_changed", {.if_changed = true}, true},
                      sequence{"by_path", {.by_path = true}, true},
                      sequence{"backup", {.backup = 2}, true},
                      sequence{"backup_new", {.backup = 2}, false},
                      sequence{"bare_backup", bare_with_backup(), true},
                      sequence{"backup_by_link", {.backup = 2}, true, false},
                      sequence{"backup_by_link_new", {.backup = 2}, false, false},
                      sequence{"bare_backup_by_link", bare_with_backup(), true, false}),
    [](const auto& one) { return one.param.name; });

TEST_P(atomic_sequence, whatever_call_fails_the_content_is_whole_and_nothing_is_left) {
    const auto& [name, options, exists_before, exchanges] = GetParam();
    const std::string fresh(100000, 'N'); // more than the buffer: two writes
    const auto write = [&](const std::string& path, const std::string& text) {
        with(atomic_file(path, options), [&](atomic_writer& out) {
            out.write(text.substr(0, 40000));
            out.write(text.substr(40000));
        });
    };
    const auto prepare = [&](const scratch& dir) {
        if (exists_before) {
            spit(dir / "f", "old");
        }
        if (options.backup > 0 && exists_before) {
            spit(dir / "f.bak", "older");
        }
    };
    names calls;
    for (int twice = 0; twice < 2; ++twice) { // the first write of a process fetches randomness
        const scratch dir;
        prepare(dir);
        sys_faults faults;
        if (!exchanges) {
            faults.fail_flags(sys::call::renameat, RENAME_EXCHANGE, EINVAL);
        }
        write(dir / "f", fresh);
        calls = faults.log();
    }
    ASSERT_GT(calls.size(), 7U);

    int rolled_back = 0;
    for (std::size_t at = 0; at < calls.size(); ++at) {
        for (const int error : errors_of(calls[at])) {
            const scratch dir;
            prepare(dir);
            const names before = names_in(dir.path());
            const std::size_t descriptors = testing::open_descriptors();
            const std::string which = std::string(name) + ": call " + std::to_string(at + 1) +
                                      ", " + calls[at] + ", " +
                                      std::generic_category().message(error);
            SCOPED_TRACE(which);
            bool committed = true;
            {
                std::size_t made = 0;
                const bool refuse = !exchanges;
                const sys::interposer seam([&](const sys::attempt& next) {
                    if (made++ == at) {
                        return sys::ruling{.error = error};
                    }
                    const bool exchange = next.what == sys::call::renameat &&
                                          (static_cast<unsigned>(next.flags) & RENAME_EXCHANGE);
                    return sys::ruling{.error = refuse && exchange ? EINVAL : 0};
                });
                try {
                    write(dir / "f", fresh);
                } catch (const committed_not_durable& thrown) {
                    EXPECT_NE(std::string(thrown.what()).find(dir / "f"), std::string::npos)
                        << thrown.what();
                } catch (const std::system_error& thrown) {
                    committed = false;
                    ++rolled_back;
                    EXPECT_NE(std::string(thrown.what()).find(dir / "f"), std::string::npos)
                        << thrown.what();
                    EXPECT_EQ(thrown.code().value(), error) << thrown.what();
                }
            }
            EXPECT_EQ(testing::open_descriptors(), descriptors);
            if (committed) {
                EXPECT_EQ(slurp(dir / "f"), fresh);
            } else {
                EXPECT_EQ(names_in(dir.path()), before);
                if (exists_before) {
                    EXPECT_EQ(slurp(dir / "f"), "old");
                }
                if (options.backup > 0 && exists_before) {
                    EXPECT_EQ(slurp(dir / "f.bak"), "older");
                }
            }
            for (const std::string& left : names_in(dir.path())) {
                EXPECT_TRUE(left == "f" || left.starts_with("f.bak")) << left;
            }
        }
    }
    EXPECT_GT(rolled_back, 10);
}

} // namespace
} // namespace withal

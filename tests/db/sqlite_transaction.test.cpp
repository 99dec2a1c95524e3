// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "db/other_process.hpp"
#include "support/sys_scratch.hpp"
#include <withal/core/error.hpp>
#include <withal/core/with.hpp>
#include <withal/db/sqlite.hpp>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using withal::sqlite_begin;
using withal::sqlite_connection;
using withal::sqlite_error;
using withal::sqlite_nested;
using withal::sqlite_open;
using withal::sqlite_transaction;
using withal::testing::other_process;
using withal::testing::scratch;

template <class F>
sqlite_error error_of(F&& f) {
    try {
        f();
    } catch (const sqlite_error& error) {
        return error;
    }
    return {"nothing was thrown", "", "", 0, ""};
}

// A file with one table of one row, and a look at it through a connection of its own.
class database {
public:
    database() : path_(dir_ / "a.db") {
        withal::with(sqlite_open(path_), [](sqlite_connection& db) {
            db.exec("CREATE TABLE t (n INTEGER UNIQUE); INSERT INTO t VALUES (1)");
        });
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::vector<int> content() const {
        return withal::with(sqlite_open(path_), [](sqlite_connection& db) {
            EXPECT_EQ(db.value<std::string>("PRAGMA integrity_check"), "ok");
            std::vector<int> numbers;
            auto rows = db.prepare("SELECT n FROM t ORDER BY n");
            while (rows.step()) {
                numbers.push_back(rows.column<int>(0));
            }
            return numbers;
        });
    }
    // Runs the body in a transaction on a connection of its own.
    template <class Body>
    void transact(withal::sqlite_transaction_options options, Body&& body) const {
        withal::with(
            sqlite_open(path_, {.busy_timeout = milliseconds(0)}),
            [&](sqlite_connection& db) { return sqlite_transaction(db, options); },
            [&](sqlite_connection& db, sqlite_transaction&) { body(db); });
    }

private:
    scratch dir_;
    std::string path_;
};

using numbers = std::vector<int>;

TEST(sqlite_transaction, commits_when_the_body_returned) {
    const database file;
    file.transact({}, [](sqlite_connection& db) { db.exec("INSERT INTO t VALUES (2), (3)"); });
    EXPECT_EQ(file.content(), numbers({1, 2, 3}));
}

TEST(sqlite_transaction, rolls_back_when_the_body_threw) {
    const database file;
    EXPECT_THROW(file.transact({},
                               [](sqlite_connection& db) {
                                   db.exec("INSERT INTO t VALUES (2)");
                                   throw std::runtime_error("body");
                               }),
                 std::runtime_error);
    EXPECT_EQ(file.content(), numbers({1}));
}

TEST(sqlite_transaction, rolls_back_when_the_body_returned_a_failure) {
    const database file;
    const std::error_code code = withal::with(sqlite_open(file.path()), [](sqlite_connection& db) {
        return withal::with(sqlite_transaction(db), [&](sqlite_transaction&) {
            db.exec("INSERT INTO t VALUES (2)");
            return std::make_error_code(std::errc::timed_out);
        });
    });
    EXPECT_EQ(code, std::errc::timed_out);
    EXPECT_EQ(file.content(), numbers({1}));
}

TEST(sqlite_transaction, begins_immediate_unless_told_otherwise) {
    const database file;
    withal::with(sqlite_open(file.path()), [&](sqlite_connection& db) {
        const auto second_writer_is_refused = [&] {
            return error_of([&] {
                       file.transact({.begin_deadline = milliseconds(0)},
                                     [](sqlite_connection&) {});
                   })
                .busy();
        };
        const auto reader_is_refused = [&] {
            return error_of([&] {
                       withal::with(
                           sqlite_open(file.path(), {.busy_timeout = milliseconds(0)}),
                           [](sqlite_connection& other) { other.exec("SELECT * FROM t"); });
                   })
                .busy();
        };
        withal::with(sqlite_transaction(db), [&](auto&) {
            EXPECT_TRUE(second_writer_is_refused());
            EXPECT_FALSE(reader_is_refused());
        });
        withal::with(sqlite_transaction(db, {.mode = sqlite_begin::deferred}),
                     [&](auto&) { EXPECT_FALSE(second_writer_is_refused()); });
        withal::with(sqlite_transaction(db, {.mode = sqlite_begin::exclusive}),
                     [&](auto&) { EXPECT_TRUE(reader_is_refused()); });
    });
}

TEST(sqlite_transaction, fails_at_the_start_when_another_process_holds_the_lock_too_long) {
    const database file;
    other_process writer([&](auto ready, auto wait) {
        withal::with(
            sqlite_open(file.path()),
            [](sqlite_connection& db) { return sqlite_transaction(db); },
            [&](auto&...) {
                ready();
                wait();
            });
    });
    bool entered = false;
    const sqlite_error error = error_of([&] {
        file.transact({.begin_deadline = milliseconds(20)}, [&](auto&) { entered = true; });
    });
    EXPECT_FALSE(entered);
    EXPECT_EQ(error.code(), 5);
    EXPECT_EQ(error.operation(), "begin");
    EXPECT_EQ(error.sql(), "BEGIN immediate");
    EXPECT_EQ(error.file(), file.path());
    EXPECT_NE(error.reason().find("database is locked; gave up after 0.0"), std::string::npos)
        << error.what();
    writer.let_go();
    EXPECT_TRUE(writer.join());
}

TEST(sqlite_transaction, waits_at_the_start_until_another_process_is_done) {
    const database file;
    other_process writer([&](auto ready, auto wait) {
        withal::with(
            sqlite_open(file.path()),
            [](sqlite_connection& db) { return sqlite_transaction(db); },
            [&](sqlite_connection& db, auto&) {
                db.exec("INSERT INTO t VALUES (2)");
                ready();
                wait();
            });
    });
    std::thread helper([&] { writer.let_go(); });
    file.transact({.begin_deadline = hours(1)},
                  [](sqlite_connection& db) { db.exec("INSERT INTO t VALUES (3)"); });
    helper.join();
    EXPECT_TRUE(writer.join());
    EXPECT_EQ(file.content(), numbers({1, 2, 3}));
}

TEST(sqlite_transaction, stops_waiting_when_it_is_asked_to) {
    const database file;
    other_process writer([&](auto ready, auto wait) {
        withal::with(
            sqlite_open(file.path()),
            [](sqlite_connection& db) { return sqlite_transaction(db); },
            [&](auto&...) {
                ready();
                wait();
            });
    });
    std::stop_source stop;
    std::thread helper([&] { stop.request_stop(); });
    const sqlite_error error = error_of([&] {
        file.transact({.begin_deadline = hours(1), .stop = stop.get_token()}, [](auto&) {});
    });
    helper.join();
    EXPECT_NE(error.reason().find("; stopped after "), std::string::npos) << error.what();
    writer.let_go();
    EXPECT_TRUE(writer.join());
}

// A reader in another process, which COMMIT has to wait for. It goes when `until` says so.
other_process reader_of(const database& file, auto until) {
    return other_process([&file, until](auto ready, auto wait) {
        withal::with(sqlite_open(file.path()), [&](sqlite_connection& db) {
            db.exec("BEGIN; SELECT * FROM t");
            ready();
            until(wait);
            db.exec("COMMIT");
        });
    });
}

TEST(sqlite_transaction, tries_commit_again_until_the_reader_in_another_process_is_gone) {
    const database file;
    // While a COMMIT waits it holds SQLite's PENDING lock: so the reader knows when to leave.
    const int probe = ::open(file.path().c_str(), O_RDWR | O_CLOEXEC);
    other_process reader = reader_of(file, [probe](auto) {
        constexpr off_t pending_byte = 0x40000000;
        struct flock lock{};
        do {
            lock = {.l_type = F_RDLCK,
                    .l_whence = SEEK_SET,
                    .l_start = pending_byte,
                    .l_len = 1,
                    .l_pid = 0};
        } while (::fcntl(probe, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK);
    });
    ::close(probe);
    withal::with(sqlite_open(file.path()), [&](sqlite_connection& db) {
        sqlite_transaction transaction(db, {.commit_deadline = hours(1)});
        withal::with(transaction, [&](auto&) { db.exec("INSERT INTO t VALUES (2)"); });
        EXPECT_TRUE(std::string_view(transaction.note()).starts_with("committed (waited "))
            << transaction.note();
    });
    EXPECT_TRUE(reader.join());
    EXPECT_EQ(file.content(), numbers({1, 2}));
}

TEST(sqlite_transaction, rolls_back_when_commit_cannot_be_had_until_its_deadline) {
    const database file;
    other_process reader = reader_of(file, [](auto wait) { wait(); });
    withal::with(sqlite_open(file.path()), [&](sqlite_connection& db) {
        sqlite_transaction transaction(db, {.commit_deadline = milliseconds(20)});
        const sqlite_error error = error_of([&] {
            withal::with(transaction, [&](auto&) { db.exec("INSERT INTO t VALUES (2)"); });
        });
        EXPECT_EQ(error.operation(), "commit");
        EXPECT_EQ(error.code(), 5);
        EXPECT_NE(error.reason().find("gave up after"), std::string::npos) << error.what();
        EXPECT_STREQ(transaction.note(), "ROLLED BACK (commit failed)");
        EXPECT_FALSE(db.in_transaction());
    });
    reader.let_go();
    EXPECT_TRUE(reader.join());
    EXPECT_EQ(file.content(), numbers({1}));
}

TEST(sqlite_transaction, does_not_wait_for_a_writing_statement_of_its_own) {
    const database file;
    std::optional<withal::sqlite_statement> half_read;
    const sqlite_error error = error_of([&] {
        file.transact({.commit_deadline = hours(1)}, [&](sqlite_connection& db) {
            half_read = db.prepare("INSERT INTO t VALUES (2), (3) RETURNING n");
            EXPECT_TRUE(half_read->step());
        });
    });
    EXPECT_EQ(error.operation(), "commit");
    EXPECT_NE(error.reason().find("in progress"), std::string::npos) << error.what();
    half_read.reset();
    EXPECT_EQ(file.content(), numbers({1}));
}

TEST(sqlite_transaction, rolls_back_when_a_deferred_constraint_fails_at_commit) {
    const scratch dir;
    const std::string path = dir / "a.db";
    withal::with(sqlite_open(path, {.pragmas = {{"foreign_keys", "on"}}}),
                 [](sqlite_connection& db) {
                     db.exec("CREATE TABLE a (id INTEGER PRIMARY KEY);"
                             "CREATE TABLE b (a REFERENCES a DEFERRABLE INITIALLY DEFERRED)");
                     const sqlite_error error = error_of([&] {
                         withal::with(sqlite_transaction(db),
                                      [&](auto&) { db.exec("INSERT INTO b VALUES (1)"); });
                     });
                     EXPECT_EQ(error.operation(), "commit");
                     EXPECT_EQ(error.extended_code(), 787);
                     EXPECT_FALSE(db.in_transaction());
                     EXPECT_EQ(db.value<int>("SELECT count(*) FROM b"), 0);
                 });
}

TEST(sqlite_transaction, says_clearly_that_a_statement_ended_it_when_the_body_went_on) {
    const database file;
    const sqlite_error error = error_of([&] {
        file.transact({}, [](sqlite_connection& db) {
            db.exec("INSERT INTO t VALUES (2)");
            EXPECT_THROW(db.exec("INSERT OR ROLLBACK INTO t VALUES (1)"), sqlite_error);
            EXPECT_FALSE(db.in_transaction());
        });
    });
    EXPECT_EQ(error.operation(), "commit");
    EXPECT_EQ(error.extended_code(), 516);
    EXPECT_TRUE(error.reason().starts_with("the transaction had ended before its scope did"));
    EXPECT_EQ(file.content(), numbers({1}));
}

TEST(sqlite_transaction, does_not_roll_back_twice_what_a_statement_ended) {
    const database file;
    try {
        file.transact({}, [](sqlite_connection& db) {
            db.exec("INSERT INTO t VALUES (2)");
            db.exec("INSERT OR ROLLBACK INTO t VALUES (1)");
        });
        FAIL() << "nothing was thrown";
    } catch (const sqlite_error& error) {
        EXPECT_EQ(error.operation(), "step");
        EXPECT_EQ(error.extended_code(), 2067);
        EXPECT_TRUE(withal::secondary_errors().empty());
    }
    EXPECT_EQ(file.content(), numbers({1}));
}

TEST(sqlite_transaction, does_not_begin_inside_one_that_a_statement_ended) {
    const database file;
    const sqlite_error error = error_of([&] {
        file.transact({}, [](sqlite_connection& db) {
            EXPECT_THROW(db.exec("INSERT OR ROLLBACK INTO t VALUES (1)"), sqlite_error);
            withal::with(sqlite_transaction(db), [&](auto&) { ADD_FAILURE() << "it began"; });
        });
    });
    EXPECT_EQ(error.operation(), "begin");
    EXPECT_EQ(error.reason(), "the transaction around this one has already ended");
    EXPECT_EQ(file.content(), numbers({1}));
}

TEST(sqlite_transaction, leaves_the_old_content_when_the_disk_is_full) {
    const database file;
    const auto pages = withal::with(sqlite_open(file.path()), [](sqlite_connection& db) {
        return db.value<int>("PRAGMA page_count");
    });
    try {
        withal::with(
            sqlite_open(file.path(), {.pragmas = {{"max_page_count", std::to_string(pages + 3)}}}),
            [](sqlite_connection& db) { return sqlite_transaction(db); },
            [](sqlite_connection& db, auto&) {
                for (int n = 2; n < 10000; ++n) {
                    db.run("INSERT INTO t VALUES (?)", n);
                }
            });
        FAIL() << "nothing was thrown";
    } catch (const sqlite_error& error) {
        EXPECT_EQ(error.code(), 13);
        EXPECT_TRUE(withal::secondary_errors().empty());
    }
    EXPECT_EQ(file.content(), numbers({1}));
}

TEST(sqlite_transaction, keeps_the_error_of_the_body_when_the_rollback_fails) {
    const database file;
    const auto forbid_rollback =
        [](void*, int action, const char* word, const char*, const char*, const char*) {
            return action == SQLITE_TRANSACTION && word == std::string_view("ROLLBACK")
                       ? SQLITE_DENY
                       : SQLITE_OK;
        };
    try {
        file.transact({}, [&](sqlite_connection& db) {
            db.exec("INSERT INTO t VALUES (2)");
            sqlite3_set_authorizer(db.native(), forbid_rollback, nullptr);
            throw std::runtime_error("body");
        });
        FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "body");
        ASSERT_EQ(withal::secondary_errors().size(), 1U);
        const sqlite_error second =
            error_of([&] { std::rethrow_exception(withal::secondary_errors()[0]); });
        EXPECT_EQ(second.operation(), "rollback");
        EXPECT_EQ(second.code(), 23);
    }
    // Closing the connection took it back.
    EXPECT_EQ(file.content(), numbers({1}));
}

TEST(sqlite_transaction, reports_both_when_commit_and_the_rollback_after_it_fail) {
    const database file;
    const auto forbid_ends =
        [](void*, int action, const char* word, const char*, const char*, const char*) {
            return action == SQLITE_TRANSACTION && word != std::string_view("BEGIN") ? SQLITE_DENY
                                                                                     : SQLITE_OK;
        };
    withal::with(sqlite_open(file.path()), [&](sqlite_connection& db) {
        const sqlite_error error = error_of([&] {
            withal::with(sqlite_transaction(db),
                         [&](auto&) { sqlite3_set_authorizer(db.native(), forbid_ends, nullptr); });
        });
        EXPECT_EQ(error.operation(), "commit");
        EXPECT_NE(error.reason().find("; and the rollback failed: not authorized"),
                  std::string::npos)
            << error.what();
        sqlite3_set_authorizer(db.native(), nullptr, nullptr);
        db.exec("ROLLBACK");
    });
}

TEST(sqlite_transaction, is_a_savepoint_inside_another_one) {
    const database file;
    file.transact({}, [](sqlite_connection& db) {
        db.exec("INSERT INTO t VALUES (2)");
        EXPECT_THROW(withal::with(sqlite_transaction(db),
                                  [&](sqlite_transaction& inner) {
                                      EXPECT_EQ(inner.level(), 1);
                                      EXPECT_STREQ(inner.label(),
                                                   "sqlite_transaction savepoint withal_1");
                                      db.exec("INSERT INTO t VALUES (3)");
                                      throw std::runtime_error("inner");
                                  }),
                     std::runtime_error);
        withal::with(sqlite_transaction(db), [&](auto&) { db.exec("INSERT INTO t VALUES (4)"); });
    });
    EXPECT_EQ(file.content(), numbers({1, 2, 4}));
}

TEST(sqlite_transaction, is_a_savepoint_inside_a_begin_by_hand) {
    const database file;
    withal::with(sqlite_open(file.path()), [](sqlite_connection& db) {
        db.exec("BEGIN");
        withal::with(sqlite_transaction(db), [&](auto&) { db.exec("INSERT INTO t VALUES (2)"); });
        EXPECT_TRUE(db.in_transaction());
        db.exec("ROLLBACK");
    });
    EXPECT_EQ(file.content(), numbers({1}));
}

TEST(sqlite_transaction, refuses_to_be_nested_when_it_must_be_final) {
    const database file;
    file.transact({}, [](sqlite_connection& db) {
        EXPECT_THROW(withal::with(sqlite_transaction(db, {.nested = sqlite_nested::error}),
                                  [](auto&) { ADD_FAILURE() << "it began"; }),
                     withal::logic_error);
        db.exec("INSERT INTO t VALUES (2)");
    });
    EXPECT_EQ(file.content(), numbers({1, 2}));
}

TEST(sqlite_transaction, can_be_entered_again_but_not_twice_at_once) {
    const database file;
    withal::with(sqlite_open(file.path()), [](sqlite_connection& db) {
        sqlite_transaction transaction(db);
        withal::with(transaction, [&](auto&) {
            EXPECT_THROW(withal::with(transaction, [](auto&) {}), withal::logic_error);
            db.exec("INSERT INTO t VALUES (2)");
        });
        EXPECT_STREQ(transaction.note(), "committed");
        withal::with(transaction, [&](auto&) { db.exec("INSERT INTO t VALUES (3)"); });
    });
    EXPECT_EQ(file.content(), numbers({1, 2, 3}));
}

TEST(sqlite_transaction, notices_a_savepoint_that_sql_took_away) {
    const database file;
    const sqlite_error error = error_of([&] {
        file.transact({}, [](sqlite_connection& db) {
            withal::with(sqlite_transaction(db),
                         [&](auto&) { db.exec("INSERT INTO t VALUES (2); RELEASE withal_1"); });
        });
    });
    EXPECT_EQ(error.operation(), "commit");
    EXPECT_NE(error.reason().find("no such savepoint"), std::string::npos) << error.what();
    EXPECT_EQ(file.content(), numbers({1}));
}

// A random program of nested transactions, and what it must leave behind.
class program {
public:
    explicit program(unsigned seed) : random_(seed) {}

    // Runs one transaction and all inside it; returns what it should have added.
    numbers run(sqlite_connection& db, int level) {
        numbers added;
        const bool fails = random_() % 3 == 0;
        try {
            withal::with(sqlite_transaction(db), [&](sqlite_transaction& here) {
                EXPECT_EQ(here.level(), level);
                for (auto step = random_() % 5; step > 0; --step) {
                    if (level < 5 && random_() % 2 == 0) {
                        const numbers inner = run(db, level + 1);
                        added.insert(added.end(), inner.begin(), inner.end());
                    } else {
                        db.run("INSERT INTO t VALUES (?)", next_);
                        added.push_back(next_++);
                    }
                }
                if (fails) {
                    throw std::runtime_error("on purpose");
                }
            });
        } catch (const std::runtime_error&) {
            EXPECT_TRUE(withal::secondary_errors().empty());
            added.clear();
        }
        return added;
    }

private:
    std::mt19937 random_;
    int next_ = 2;
};

TEST(sqlite_transaction, agrees_with_the_savepoint_model_at_every_level) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        withal::with(sqlite_open(":memory:"), [&](sqlite_connection& db) {
            db.exec("CREATE TABLE t (n INTEGER)");
            const numbers expected = program(seed).run(db, 0);
            numbers found;
            auto rows = db.prepare("SELECT n FROM t ORDER BY n");
            while (rows.step()) {
                found.push_back(rows.column<int>(0));
            }
            ASSERT_EQ(found, expected) << "seed " << seed;
            ASSERT_FALSE(db.in_transaction()) << "seed " << seed;
        });
    }
}

TEST(sqlite_transaction, leaves_the_old_content_when_the_process_is_killed) {
    const database file;
    for (const char* journal : {"delete", "wal"}) {
        other_process victim([&](auto ready, auto wait) {
            // A cache this small makes SQLite write to the file long before COMMIT.
            withal::with(
                sqlite_open(file.path(),
                            {.pragmas = {{"journal_mode", journal}, {"cache_size", "2"}}}),
                [](sqlite_connection& db) { return sqlite_transaction(db); },
                [&](sqlite_connection& db, auto&) {
                    for (int n = 2; n < 5000; ++n) {
                        db.run("INSERT INTO t VALUES (?)", n);
                    }
                    ready();
                    wait();
                });
        });
        victim.kill();
        EXPECT_EQ(file.content(), numbers({1})) << journal;
    }
}

TEST(sqlite_transaction, explains_why_deferred_is_not_the_default) {
    const database file;
    withal::with(sqlite_open(file.path(), {.pragmas = {{"journal_mode", "wal"}}}),
                 [&](sqlite_connection& db) {
                     const sqlite_error error = error_of([&] {
                         withal::with(sqlite_transaction(db, {.mode = sqlite_begin::deferred}),
                                      [&](auto&) {
                                          EXPECT_EQ(db.value<int>("SELECT count(*) FROM t"), 1);
                                          file.transact({}, [](sqlite_connection& other) {
                                              other.exec("INSERT INTO t VALUES (2)");
                                          });
                                          db.exec("INSERT INTO t VALUES (3)");
                                      });
                     });
                     EXPECT_EQ(error.extended_code(), 517);
                     EXPECT_TRUE(error.busy());
                 });
    EXPECT_EQ(file.content(), numbers({1, 2}));
}

} // namespace

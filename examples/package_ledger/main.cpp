// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the package database of a Debian machine into SQLite and writes a report: seven things to
// give back, a disk that may fill up, a user who may press Ctrl-C, and one promise. Whatever
// happens, the database and the report are the old ones, or the new ones, whole.

#include "interrupt.hpp"
#include "load.hpp"
#include "lock.hpp"
#include "options.hpp"
#include "outputs.hpp"
#include "parse.hpp"
#include "progress.hpp"
#include "report.hpp"
#include <withal/core/error.hpp>
#include <withal/core/with.hpp>
#include <withal/db/sqlite.hpp>
#include <withal/resources/atomic_file.hpp>
#include <withal/resources/file.hpp>
#include <withal/resources/temp.hpp>
#include <withal/resources/timer.hpp>
#include <withal/trace/tree.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace {

using namespace ledger;

std::string name_of_input(const options& asked) {
    return asked.input == "-" ? "standard input" : asked.input;
}

// The input is copied first: what we load is then one fixed state, whether a file that dpkg is
// replacing or a pipe, and its size is known.
std::uint64_t copy_input(withal::file& from, withal::file& to) {
    std::array<char, std::size_t{64} * 1024> buffer{};
    progress shown("reading", 0);
    std::uint64_t copied = 0;
    while (true) {
        wait_for_input(from.fd());
        const std::size_t size = from.read(buffer.data(), buffer.size());
        if (size == 0) {
            break;
        }
        to.write(buffer.data(), size);
        copied += size;
        shown.show(copied);
    }
    to.seek(0);
    return copied;
}

run_facts load_copy(withal::sqlite_connection& db,
                    withal::file& copy,
                    std::uint64_t size,
                    const options& asked) {
    status_reader reader(
        [&](char* into, std::size_t most) -> std::size_t { return copy.read(into, most); });
    progress shown("loading", size);
    return load(
        db, reader, name_of_input(asked), {.fail_after = asked.fail_after, .after_each = [&] {
                                               check_signals();
                                               shown.show(reader.bytes_read());
                                           }});
}

bool terminal_with_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): no thread is here
        if (value != nullptr && *value != '\0') {
            const std::string_view locale(value);
            return ::isatty(STDOUT_FILENO) == 1 &&
                   (locale.find("UTF-8") != std::string_view::npos ||
                    locale.find("utf8") != std::string_view::npos);
        }
    }
    return false;
}

void keep_ledger(const options& asked) {
    const std::filesystem::path database = asked.out / "packages.db";
    const std::filesystem::path report = asked.out / "report.html";
    const withal::trace_tree_options tree{
        .style = terminal_with_utf8() ? withal::tree_style::box : withal::tree_style::ascii};
    // The report stands outside of the transaction: it is written and synced first, then COMMIT is
    // tried, and only when that was possible the report gets its name.
    const run_facts facts = withal::with(
        withal::trace_tree(std::cout, "package_ledger", tree),
        output_directory(asked.out),
        directory_lock(asked.out),
        withal::open_file(asked.input == "-" ? "/dev/stdin" : asked.input),
        withal::temp_dir(),
        withal::timer("timer"),
        withal::atomic_file(report.string(), {.backup = 1}),
        new_file(database),
        withal::sqlite_open(database, {.pragmas = {{.name = "temp_store", .value = "memory"}}}),
        [](auto&, auto&, auto&, auto&, withal::sqlite_connection& db) {
            return withal::sqlite_transaction(db);
        },
        [&](withal::file& input,
            const std::string& scratch,
            const withal::timer& /*clock*/,
            withal::atomic_writer& page,
            withal::sqlite_connection& db,
            withal::sqlite_transaction& /*transaction*/) {
            return withal::with(withal::open_file(scratch + "/input", "w+"), [&](auto& copy) {
                const std::uint64_t size = copy_input(input, copy);
                run_facts loaded = load_copy(db, copy, size, asked);
                page.write(make_report(db, loaded));
                page.sync();
                check_signals();
                return loaded;
            });
        });

    const std::filesystem::path backup = report.string() + ".bak";
    std::cout << "\ndatabase  " << database.string() << "  " << facts.packages << " packages, "
              << facts.dependencies << " dependencies, run " << facts.run << "\n"
              << "report    " << report.string() << "\n";
    if (std::filesystem::exists(backup)) {
        std::cout << "backup    " << backup.string() << "  the report before\n";
    }
    if (!std::cout.flush()) {
        throw std::runtime_error("standard output cannot be written");
    }
}

// Every error has a reader: the one that ended the work, and those of exits that failed after it.
int explain(const std::string& about, const std::exception& error) {
    std::cout.flush();
    std::cerr << "package_ledger: " << about << error.what() << "\n";
    for (const std::exception_ptr& second : withal::secondary_errors()) {
        withal::outcome::failure(second).inspect<std::exception>([](const std::exception& also) {
            std::cerr << "package_ledger: also: " << also.what() << "\n";
        });
    }
    return 1;
}

int run(const options& asked) {
    try {
        remember_signals();
        keep_ledger(asked);
        return 0;
    } catch (const parse_error& error) {
        return explain(name_of_input(asked) + ": ", error);
    } catch (const interrupted& error) {
        explain("", error);
        die_of(error.signal());
    } catch (const std::exception& error) {
        return explain("", error);
    }
}

} // namespace

int main(int argc, char** argv) {
    try {
        const options asked = parse_options(std::vector<std::string>(argv + 1, argv + argc));
        if (!asked.help) {
            return run(asked);
        }
        std::cout << usage;
        return std::cout.flush() ? 0 : 1;
    } catch (const usage_error& error) {
        std::cerr << "package_ledger: " << error.what() << "\n\n" << usage;
        return 2;
    }
}

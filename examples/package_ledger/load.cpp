// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "load.hpp"
#include "parse.hpp"
#include <withal/db/sqlite.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace ledger {

namespace {

// "wled": marks the file, so that a database of somebody else is never written to.
constexpr int application_id = 0x776C6564;
constexpr int schema_version = 1;

const char* const schema = R"(
    CREATE TABLE runs (
        run           INTEGER PRIMARY KEY,
        finished      TEXT NOT NULL,
        source        TEXT NOT NULL,
        bytes         INTEGER NOT NULL,
        packages      INTEGER NOT NULL,
        installed_kib INTEGER NOT NULL
    );
    CREATE TABLE packages (
        name          TEXT NOT NULL,
        architecture  TEXT NOT NULL,
        version       TEXT NOT NULL,
        status        TEXT NOT NULL,
        installed     INTEGER NOT NULL,
        section       TEXT NOT NULL,
        priority      TEXT NOT NULL,
        installed_kib INTEGER,
        maintainer    TEXT NOT NULL,
        summary       TEXT NOT NULL,
        PRIMARY KEY (name, architecture)
    ) WITHOUT ROWID;
    CREATE TABLE dependencies (
        name         TEXT NOT NULL,
        architecture TEXT NOT NULL,
        kind         TEXT NOT NULL,
        position     INTEGER NOT NULL,
        alternative  INTEGER NOT NULL,
        target       TEXT NOT NULL,
        qualifier    TEXT NOT NULL,
        relation     TEXT NOT NULL,
        version      TEXT NOT NULL,
        PRIMARY KEY (name, architecture, kind, position, alternative)
    ) WITHOUT ROWID;
    CREATE INDEX dependencies_by_target ON dependencies (target);
    CREATE TABLE changes (
        run          INTEGER NOT NULL REFERENCES runs,
        change       TEXT NOT NULL CHECK (change IN ('added', 'removed', 'other version')),
        name         TEXT NOT NULL,
        architecture TEXT NOT NULL,
        old_version  TEXT,
        new_version  TEXT,
        PRIMARY KEY (run, name, architecture)
    ) WITHOUT ROWID;
)";

// Against the packages of the run before.
const char* const note_changes = R"(
    INSERT INTO changes
    SELECT ?1, 'added', name, architecture, NULL, version
      FROM packages AS now
     WHERE installed AND NOT EXISTS (SELECT 1 FROM temp.before
                                      WHERE name = now.name AND architecture = now.architecture)
    UNION ALL
    SELECT ?1, 'removed', name, architecture, version, NULL
      FROM temp.before AS old
     WHERE NOT EXISTS (SELECT 1 FROM packages
                        WHERE installed AND name = old.name AND architecture = old.architecture)
    UNION ALL
    SELECT ?1, 'other version', name, architecture, old.version, now.version
      FROM packages AS now JOIN temp.before AS old USING (name, architecture)
     WHERE installed AND old.version <> now.version
)";

void prepare_schema(withal::sqlite_connection& db) {
    const bool empty = db.value<int>("SELECT count(*) FROM sqlite_schema") == 0;
    if (empty) {
        db.exec(schema);
        db.exec("PRAGMA application_id = " + std::to_string(application_id) +
                "; PRAGMA user_version = " + std::to_string(schema_version));
    } else if (db.value<int>("PRAGMA application_id") != application_id) {
        throw std::runtime_error(db.file() + " is a database, but not of package_ledger");
    } else if (db.value<int>("PRAGMA user_version") != schema_version) {
        throw std::runtime_error(db.file() + " was made by another version of package_ledger");
    }
}

class inserter {
public:
    explicit inserter(withal::sqlite_connection& db)
        : package_(db.prepare("INSERT INTO packages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")),
          dependency_(db.prepare("INSERT INTO dependencies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")) {}

    void add(const package& one) {
        package_.run(one.name,
                     one.architecture,
                     one.version,
                     one.status,
                     one.installed(),
                     one.section,
                     one.priority,
                     one.installed_kib,
                     one.maintainer,
                     one.summary);
        for (const dependency& on : one.dependencies) {
            dependency_.run(one.name,
                            one.architecture,
                            on.kind,
                            on.position,
                            on.alternative,
                            on.target,
                            on.qualifier,
                            on.relation,
                            on.version);
        }
    }

private:
    withal::sqlite_statement package_;
    withal::sqlite_statement dependency_;
};

} // namespace

run_facts load(withal::sqlite_connection& db,
               status_reader& reader,
               const std::string& source,
               const load_options& options) {
    prepare_schema(db);
    db.exec("CREATE TEMP TABLE before AS"
            "  SELECT name, architecture, version FROM packages WHERE installed;"
            "CREATE UNIQUE INDEX temp.before_key ON before (name, architecture);"
            "DELETE FROM dependencies;"
            "DELETE FROM packages");
    run_facts facts;
    facts.source = source;
    inserter into(db);
    while (const std::optional<package> one = reader.next()) {
        into.add(*one);
        ++facts.packages;
        facts.dependencies += static_cast<std::int64_t>(one->dependencies.size());
        if (options.after_each) {
            options.after_each();
        }
        if (options.fail_after &&
            static_cast<std::uint64_t>(facts.packages) >= *options.fail_after) {
            throw std::runtime_error("failed on purpose after " + std::to_string(facts.packages) +
                                     (facts.packages == 1 ? " package" : " packages") +
                                     " (--fail-after)");
        }
    }
    facts.bytes = reader.bytes_read();
    const bool first = db.value<int>("SELECT count(*) FROM runs") == 0;
    db.run("INSERT INTO runs"
           "  SELECT NULL, datetime('now'), ?, ?, count(*), coalesce(sum(installed_kib), 0)"
           "    FROM packages WHERE installed",
           source,
           facts.bytes);
    facts.run = db.last_insert_rowid();
    if (!first) {
        db.run(note_changes, facts.run);
    }
    db.exec("DROP TABLE temp.before");
    return facts;
}

} // namespace ledger

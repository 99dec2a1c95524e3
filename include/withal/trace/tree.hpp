// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string>

namespace withal {

enum class tree_style : unsigned char {
    ascii, ///< `|- ` and `` `- ``: for files and every terminal.
    box,   ///< Box-drawing characters in UTF-8.
};

struct trace_tree_options {
    tree_style style = tree_style::ascii;
    /// Scopes beyond this many are counted, not shown: a loop that runs for days stays traceable.
    std::size_t max_scopes = 10'000;
};

/// Writes, when the work is over, what was entered and exited inside, as a tree.
///
///     std::ostringstream out;
///     with(trace_tree(out, "report"), null_context(), [] {});
///
/// A line is a scope: its label, how long enter took, how long it lasted, what its exit says.
///
///     // report                                         412ms  failed: line 12: no version
///     // |- temp_dir /tmp/withal.Xa91          +0.2ms   411ms  removed 14 files in 1.1ms
///     // |- sqlite_open packages.db            +0.4ms   408ms  closed
///     // `- sqlite_transaction immediate       +0.1ms   407ms  ROLLED BACK (body failed)
///     //    also: sqlite: rollback failed on packages.db: disk I/O error
///
/// Managers of one call of `with` stand below each other, what the body enters is indented. The
/// root shows the error that came out; an error that came less far stands where it was first seen,
/// and "also:" lists errors of exits that failed while another was on its way. Scopes of other
/// threads stand under the root and name their thread.
///
/// **Effects.** Records from enter() to exit(); exit() writes to the stream and does nothing else.
/// Watches from its construction, so that it can stand in the same `with` as what it shows, first.
/// **Throws.** exit(): only what the stream throws, if its exceptions() are on.
/// **Threads.** Scopes of all threads are recorded. The stream is used by exit() alone.
/// **Lifetime.** The stream must outlive it.
class trace_tree {
public:
    static constexpr reuse reuse_category = reuse::reusable;

    explicit trace_tree(std::ostream& out,
                        std::string name = "withal",
                        trace_tree_options options = {});
    trace_tree(const trace_tree&) = delete;
    trace_tree(trace_tree&&) noexcept;
    trace_tree& operator=(const trace_tree&) = delete;
    trace_tree& operator=(trace_tree&&) = delete;
    ~trace_tree();

    void enter();
    void exit(const outcome& left);

    /// The tree as it is now, while it is recorded or after: scopes that still run say so.
    ///
    /// **Threads.** Any.
    [[nodiscard]] std::string text() const;

    [[nodiscard]] const char* label() const noexcept;

private:
    class recorder;
    struct watch;

    std::ostream* out_;
    std::string label_;
    std::unique_ptr<watch> watch_;
};

} // namespace withal

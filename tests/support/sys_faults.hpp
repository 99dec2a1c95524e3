// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/sys/seam.hpp>

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace withal::testing {

/// Fails chosen system calls of this process while it lives, and keeps a log of all of them.
class sys_faults {
public:
    sys_faults() : seam_([this](const sys::attempt& next) { return decide(next); }) {}

    /// The `nth` call of this kind from now on (the first is 1) answers `error`.
    sys_faults& fail(sys::call what, int nth, int error) {
        const std::scoped_lock lock(mutex_);
        rules_[{what, made_[what] + nth}] = {.error = error};
        return *this;
    }
    /// Every call of this kind answers `error`.
    sys_faults& fail_all(sys::call what, int error) {
        const std::scoped_lock lock(mutex_);
        always_[what] = {.error = error};
        return *this;
    }
    /// Every read or write of this kind handles at most `limit` bytes.
    sys_faults& shorten(sys::call what, std::size_t limit) {
        const std::scoped_lock lock(mutex_);
        always_[what] = {.limit = limit};
        return *this;
    }
    /// Fails those that `flags` belong to: O_TMPFILE, RENAME_EXCHANGE.
    sys_faults& fail_flags(sys::call what, int flags, int error) {
        const std::scoped_lock lock(mutex_);
        flagged_.push_back({what, flags, error});
        return *this;
    }

    /// What was called, in order, as the kernel names it.
    [[nodiscard]] std::vector<std::string> log() const {
        const std::scoped_lock lock(mutex_);
        return log_;
    }
    [[nodiscard]] int count(sys::call what) const {
        const std::scoped_lock lock(mutex_);
        const auto found = made_.find(what);
        return found == made_.end() ? 0 : found->second;
    }

private:
    struct flagged {
        sys::call what;
        int flags;
        int error;
    };

    sys::ruling decide(const sys::attempt& next) {
        const std::scoped_lock lock(mutex_);
        log_.emplace_back(sys::name_of(next.what));
        const int number = ++made_[next.what];
        if (const auto once = rules_.find({next.what, number}); once != rules_.end()) {
            return once->second;
        }
        for (const flagged& rule : flagged_) {
            if (rule.what == next.what && (next.flags & rule.flags) == rule.flags) {
                return {.error = rule.error};
            }
        }
        const auto every = always_.find(next.what);
        return every == always_.end() ? sys::ruling{} : every->second;
    }

    mutable std::mutex mutex_;
    std::map<sys::call, int> made_;
    std::map<std::pair<sys::call, int>, sys::ruling> rules_;
    std::map<sys::call, sys::ruling> always_;
    std::vector<flagged> flagged_;
    std::vector<std::string> log_;
    sys::interposer seam_; // the last: it is called until it is gone
};

} // namespace withal::testing

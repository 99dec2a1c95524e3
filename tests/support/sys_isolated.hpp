// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "support/sys_scratch.hpp"

#include <exception>
#include <functional>
#include <string>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace withal::testing {

/// Collects what went wrong where the test framework cannot be used: in a child process.
class complaints {
public:
    void expect(bool right, const std::string& what) {
        if (!right) {
            text_ += what + "\n";
        }
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
};

/// Runs `body` in a child process.
///
/// **Returns.** What it complained about; "" is well.
inline std::string complaints_of_child(const std::function<void(complaints&)>& body) {
    int pipe_ends[2] = {-1, -1};
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) {
        return "no pipe";
    }
    const pid_t child = in_child([&] {
        complaints found;
        try {
            body(found);
        } catch (const std::exception& error) {
            found.expect(false, std::string("unexpected: ") + error.what());
        }
        const std::string& text = found.text();
        return ::write(pipe_ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size())
                   ? 0
                   : 1;
    });
    ::close(pipe_ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(pipe_ends[0]);
    const int status = wait_for(child);
    return status == 0 ? text : text + "the child ended with " + std::to_string(status);
}

/// The same in mounts of its own, so that whatever is mounted ends with it.
inline std::string complaints_of_child_with_mounts(const std::function<void(complaints&)>& body) {
    return complaints_of_child([&](complaints& found) {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
            found.expect(false, "cannot have mounts of its own");
            return;
        }
        body(found);
    });
}

/// May this process mount things, in a child?
inline bool can_mount() {
    static const bool can =
        complaints_of_child_with_mounts([](complaints& found) {
            const scratch dir;
            found.expect(::mount("none", dir.path().c_str(), "tmpfs", 0, "size=64k") == 0,
                         "cannot mount");
            ::umount(dir.path().c_str());
        }).empty();
    return can;
}

/// Gives up root for good; true if this process is not root afterwards.
inline bool become_nobody() {
    constexpr unsigned nobody = 65534;
    if (::geteuid() == 0) {
        static_cast<void>(::setgroups(0, nullptr));
        static_cast<void>(::setresgid(nobody, nobody, nobody));
        static_cast<void>(::setresuid(nobody, nobody, nobody));
    }
    return ::geteuid() != 0;
}

} // namespace withal::testing

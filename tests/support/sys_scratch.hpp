// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace withal::testing {

/// A directory for one test, made and removed without the code under test.
class scratch {
public:
    scratch() {
        std::string name = std::filesystem::temp_directory_path() / "withal-test-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("cannot make a directory for the test");
        }
        path_ = name;
    }
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string operator/(std::string_view name) const {
        return path_ + "/" + std::string(name);
    }

private:
    std::string path_;
};

inline std::string slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw std::runtime_error("cannot read " + path);
    }
    std::ostringstream text; // in blocks: by the character it takes most of a sanitized test
    text << in.rdbuf();
    return text.str();
}

inline void spit(const std::string& path, std::string_view text) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) {
        throw std::runtime_error("cannot write " + path);
    }
}

inline bool exists(const std::string& path) {
    struct stat there{};
    return ::lstat(path.c_str(), &there) == 0;
}

inline unsigned mode_of(const std::string& path) {
    struct stat there{};
    return ::lstat(path.c_str(), &there) == 0 ? there.st_mode & 07777U : 0U;
}

/// The names in a directory, sorted.
inline std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
        names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
}

/// How many descriptors this process has open.
inline std::size_t open_descriptors() {
    return names_in("/proc/self/fd").size();
}

/// Runs `body` in a child process; its exit status is what `body` returns, 99 if it throws.
template <class Body>
pid_t in_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
        int status = 99;
        try {
            status = body();
        } catch (...) { // swallow: the status says it
        }
        ::_exit(status);
    }
    return child;
}

/// **Returns.** The exit status, or 128 + the signal.
inline int wait_for(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// The text of the std::exception that `body` throws, "" if it throws none.
template <class Error, class Body>
std::string text_of(Body body) {
    try {
        body();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

} // namespace withal::testing

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/sys/path.hpp>

#include <withal/sys/call.hpp>
#include <withal/sys/fd.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>

namespace withal::sys {

namespace {

constexpr std::string_view alphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

void fetch(void* into, std::size_t size) {
    char* const bytes = static_cast<char*>(into);
    std::size_t have = 0;
    while (have < size) {
        const std::int64_t got =
            random(bytes + have, size - have).or_throw("getrandom", "a random name");
        have += static_cast<std::size_t>(got);
    }
}

/// Spreads a counter over 64 bits (splitmix64): different numbers give different results.
std::uint64_t spread(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): one sequence a process.
constinit std::atomic<std::uint64_t> sequence = 0;

} // namespace

split_path split(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
        return {.directory = ".", .name = std::string(path)};
    }
    const std::size_t end = path.find_last_not_of('/', slash);
    const std::string_view directory =
        end == std::string_view::npos ? std::string_view("/") : path.substr(0, end + 1);
    return {.directory = std::string(directory), .name = std::string(path.substr(slash + 1))};
}

std::string join(std::string_view directory, std::string_view name) {
    std::string path(directory);
    if (!path.ends_with('/')) {
        path += '/';
    }
    return path.append(name);
}

std::string absolute(std::string_view path) {
    if (path.starts_with('/')) {
        return std::string(path);
    }
    std::error_code error;
    const std::filesystem::path here = std::filesystem::current_path(error);
    if (error) {
        fail(error.value(), "find the current directory for", path);
    }
    return join(here.native(), path);
}

std::string temporary_directory() {
    const char* const set = std::getenv("TMPDIR"); // NOLINT(concurrency-mt-unsafe): only read
    return set != nullptr && *set != '\0' ? set : "/tmp";
}

fd open_directory(const std::string& path, std::string_view operation) {
    return fd(static_cast<int>(
        open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY).or_throw(operation, path)));
}

std::string random_name(std::size_t size) {
    // Bytes from 248 on are thrown away: 248 is 4 * 62, so that no letter is more likely.
    constexpr unsigned fair = 256 / alphabet.size() * alphabet.size();
    std::string name;
    while (name.size() < size) {
        std::array<unsigned char, 16> bytes{};
        fetch(bytes.data(), bytes.size());
        for (const unsigned char byte : bytes) {
            if (byte < fair && name.size() < size) {
                name += alphabet[byte % alphabet.size()];
            }
        }
    }
    return name;
}

std::string distinct_name(std::size_t size, bool again) {
    if (again || sequence.load(std::memory_order_relaxed) == 0) {
        // A child process must not go on with its parent's sequence.
        static const int registered = ::pthread_atfork(
            nullptr, nullptr, [] { sequence.store(0, std::memory_order_relaxed); });
        static_cast<void>(registered);
        std::uint64_t fresh = 0;
        fetch(&fresh, sizeof fresh);
        sequence.store(fresh | 1U, std::memory_order_relaxed);
    }
    std::uint64_t bits = spread(sequence.fetch_add(0x9e3779b97f4a7c15U, std::memory_order_relaxed));
    std::string name;
    while (name.size() < size) {
        name += alphabet[bits % alphabet.size()];
        bits = bits / alphabet.size();
    }
    return name;
}

returned next_entries(int dir, std::vector<directory_entry>& into) {
    into.clear();
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): read into before it is read
    alignas(dirent64) std::array<char, 32768> buffer;
    for (;;) {
        const returned got = entries(dir, buffer.data(), buffer.size());
        if (!got.ok() || got.value() == 0) {
            return got;
        }
        for (std::size_t at = 0; at < got.size();) {
            // The fields are copied: the buffer holds bytes, not objects.
            unsigned short length = 0;
            unsigned char type = 0;
            std::memcpy(&length, buffer.data() + at + offsetof(dirent64, d_reclen), sizeof length);
            std::memcpy(&type, buffer.data() + at + offsetof(dirent64, d_type), sizeof type);
            const std::string_view name = buffer.data() + at + offsetof(dirent64, d_name);
            if (name != "." && name != "..") {
                into.push_back({.name = std::string(name), .type = type});
            }
            at += length;
        }
        if (!into.empty()) {
            return got;
        }
    }
}

} // namespace withal::sys

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/resources/atomic_file.hpp>

#include "atomic_write.hpp"
#include "entered.hpp"
#include <withal/core/outcome.hpp>
#include <withal/sys/call.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace withal {

namespace {

[[noreturn]] void reject(const std::string& label, const char* what) {
    throw std::invalid_argument(label + ": " + what);
}

} // namespace

std::string atomic_writer::temp_path() const {
    return named_.empty()
               ? "/proc/" + std::to_string(sys::process_id()) + "/fd/" + std::to_string(fd())
               : named_;
}

atomic_file::atomic_file(std::string path, const atomic_file_options& options)
    : path_(std::move(path)), label_("atomic_file " + path_), options_(options) {
    if (options.backup < 0) {
        reject(label_, "option backup must be 0 (none) or the number of old copies to keep");
    }
    if (options.mode > 07777) {
        reject(label_, "option mode must be within 0 and 07777");
    }
    if (options.clobber == clobber::no && options.backup != 0) {
        reject(label_, "option backup must be 0 with clobber::no, which never replaces anything");
    }
    if (options.by_path && options.unnamed) {
        options_.unnamed = false;
    }
}

atomic_file::atomic_file(atomic_file&&) noexcept = default;
atomic_file& atomic_file::operator=(atomic_file&&) noexcept = default;
atomic_file::~atomic_file() = default;

atomic_writer& atomic_file::enter() {
    if (write_ != nullptr) {
        detail::already_entered(label_);
    }
    note_.clear();
    write_ = std::make_unique<write>(path_, options_);
    return write_->writer();
}

void atomic_file::exit(const outcome& left) {
    const std::unique_ptr<write> ending = std::move(write_);
    if (left.failed()) {
        note_ = std::string("DISCARDED (body ") + detail::word_of(left) + ")";
        ending->discard();
    } else if (ending->discarded()) {
        note_ = "discarded (as asked)";
        ending->discard();
    } else {
        try {
            note_ = ending->commit();
        } catch (const committed_not_durable&) {
            note_ = "committed, NOT DURABLE";
            throw;
        } catch (...) {
            note_ = "ROLLED BACK (commit failed)";
            throw;
        }
    }
}

} // namespace withal

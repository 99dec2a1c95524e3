// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <withal/trace/tree.hpp>

#include "tree_text.hpp"
#include <withal/core/error.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/outcome.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace withal {

namespace {

using detail::trace_scope;

std::string text_of(const std::exception_ptr& error) {
    std::string text = "an exception that is no std::exception";
    if (error != nullptr) {
        outcome::failure(error).inspect<std::exception>(
            [&](const std::exception& e) { text = e.what(); });
    }
    return text;
}

void leave(trace_scope& scope, const outcome& left) {
    scope.left = left.returned()    ? trace_scope::way::returned
                 : left.cancelled() ? trace_scope::way::cancelled
                 : left.abandoned() ? trace_scope::way::abandoned
                 : left.threw()     ? trace_scope::way::threw
                                    : trace_scope::way::failed;
    if (left.threw() && left.exception() != nullptr) {
        scope.error = text_of(left.exception());
    }
}

} // namespace

/// Turns events into scopes. One lock for all threads: an event is rare beside what it reports.
class trace_tree::recorder {
public:
    recorder(std::string name, trace_tree_options options) : options_(options) {
        scopes_.push_back(trace_scope{});
        scopes_.front().label = std::move(name);
    }

    void open() {
        const std::lock_guard lock(mutex_);
        if (open_) {
            throw logic_error("trace_tree: it is already recording; a tree inside it is another "
                              "object");
        }
        scopes_.resize(1);
        scopes_.front() = trace_scope{.label = scopes_.front().label};
        scopes_.front().started = scopes_.front().entered = std::chrono::steady_clock::now();
        live_.clear();
        threads_.clear();
        unseen_ = 0;
        stack_of(std::this_thread::get_id());
        own_scope_ = last_thread_ == std::this_thread::get_id() ? last_entered_ : nullptr;
        open_ = true;
    }

    void close(const outcome& left) {
        const std::lock_guard lock(mutex_);
        open_ = false;
        trace_scope& root = scopes_.front();
        root.leaving = root.gone = std::chrono::steady_clock::now();
        leave(root, left);
    }

    [[nodiscard]] std::string text() const {
        const std::lock_guard lock(mutex_);
        return detail::draw_tree(scopes_, unseen_, options_.style == tree_style::box);
    }

    void see(const event& seen) noexcept {
        const std::lock_guard lock(mutex_);
        if (!open_) {
            if (seen.kind == event_kind::enter) {
                last_entered_ = seen.scope;
                last_thread_ = std::this_thread::get_id();
            }
            return;
        }
        if (seen.scope == own_scope_) {
            return;
        }
        try {
            record(seen);
        } catch (...) {
            // swallow: no memory for a trace is no reason to end the work; the tree says that
            // something is missing.
            ++unseen_;
        }
    }

private:
    struct thread_state {
        std::size_t number;
        std::vector<std::size_t> stack; // indices of the open scopes, outermost first
    };

    thread_state& stack_of(std::thread::id id) {
        return threads_.try_emplace(id, thread_state{.number = threads_.size() + 1, .stack = {}})
            .first->second;
    }

    void record(const event& seen) {
        if (seen.kind == event_kind::enter) {
            begin(seen);
            return;
        }
        const auto found = live_.find(seen.scope);
        if (found == live_.end()) {
            return;
        }
        const std::size_t index = found->second;
        trace_scope& scope = scopes_[index];
        const auto now = std::chrono::steady_clock::now();
        switch (seen.kind) {
        case event_kind::enter:
            break;
        case event_kind::entered:
            scope.entered = now;
            scope.label = seen.manager;
            break;
        case event_kind::enter_failed:
            scope.left = trace_scope::way::enter_failed;
            scope.error = text_of(seen.error);
            scope.leaving = now;
            end(index, now);
            break;
        case event_kind::exit:
            scope.leaving = now;
            leave(scope, *seen.left);
            break;
        case event_kind::suppressed:
            scope.suppressed = true;
            break;
        case event_kind::replaced:
            scope.replaced = text_of(seen.error);
            break;
        case event_kind::secondary:
            scope.also.push_back(text_of(seen.error));
            break;
        case event_kind::exited:
            scope.label = seen.manager;
            scope.note = seen.note == nullptr ? "" : seen.note;
            if (seen.error != nullptr && scope.left == trace_scope::way::returned) {
                scope.left = trace_scope::way::exit_failed;
                scope.error = text_of(seen.error);
            }
            end(index, now);
            break;
        case event_kind::abandoned:
            scope.left = trace_scope::way::abandoned;
            scope.leaving = now;
            end(index, now);
            break;
        }
    }

    void begin(const event& seen) {
        if (scopes_.size() > options_.max_scopes) {
            ++unseen_;
            return;
        }
        thread_state& thread = stack_of(std::this_thread::get_id());
        const std::size_t outer = thread.stack.empty() ? 0 : thread.stack.back();
        const std::size_t index = scopes_.size();
        thread.stack.reserve(thread.stack.size() + 1);
        trace_scope scope;
        scope.label = seen.manager;
        scope.call = seen.call;
        scope.outer = outer;
        scope.thread = thread.number;
        scope.started = scope.entered = std::chrono::steady_clock::now();
        place(scope);
        scopes_.push_back(std::move(scope));
        live_[seen.scope] = index;
        thread.stack.push_back(index);
    }

    // The managers of one call of with stand side by side, what their body enters under the last.
    void place(trace_scope& scope) const {
        const trace_scope& outer = scopes_[scope.outer];
        const bool beside = scope.outer != 0 && outer.call == scope.call;
        scope.parent = beside ? outer.parent : scope.outer;
    }

    void end(std::size_t index, std::chrono::steady_clock::time_point now) {
        trace_scope& scope = scopes_[index];
        scope.gone = now;
        scope.shows_error = !scope.error.empty() && scope.error != scope.inner_error;
        const bool goes_on = !scope.suppressed && !scope.error.empty();
        scopes_[scope.outer].inner_error = !scope.replaced.empty() ? scope.replaced
                                           : goes_on               ? scope.error
                                                                   : std::string();
        std::erase_if(live_, [&](const auto& entry) { return entry.second == index; });
        for (auto& [id, thread] : threads_) {
            std::erase(thread.stack, index);
        }
    }

    trace_tree_options options_;
    mutable std::mutex mutex_;
    std::vector<trace_scope> scopes_; // the root first, then in the order they were entered
    std::map<const void*, std::size_t> live_;
    std::map<std::thread::id, thread_state> threads_;
    std::size_t unseen_ = 0;
    bool open_ = false;
    const void* own_scope_ = nullptr;
    const void* last_entered_ = nullptr;
    std::thread::id last_thread_;
};

struct trace_tree::watch {
    struct look {
        recorder* to;
        void operator()(const event& seen) const noexcept { to->see(seen); }
    };

    watch(std::string name, trace_tree_options options)
        : recorded(std::move(name), options), watching(look{&recorded}) {}

    recorder recorded;
    observation<look> watching;
};

trace_tree::trace_tree(std::ostream& out, std::string name, trace_tree_options options)
    : out_(&out),
      label_("trace_tree " + name),
      watch_(std::make_unique<watch>(std::move(name), options)) {}

trace_tree::trace_tree(trace_tree&&) noexcept = default;

trace_tree::~trace_tree() = default;

void trace_tree::enter() {
    watch_->recorded.open();
}

void trace_tree::exit(const outcome& left) {
    watch_->recorded.close(left);
    *out_ << text();
    out_->flush();
}

std::string trace_tree::text() const {
    return watch_->recorded.text();
}

const char* trace_tree::label() const noexcept {
    return label_.c_str();
}

} // namespace withal

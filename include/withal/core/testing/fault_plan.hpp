// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/protocol.hpp>
#include <withal/core/detail/watched.hpp>
#include <withal/core/error.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/testing/allocations.hpp>
#include <withal/core/testing/detail/allocation_watch.hpp>
#include <withal/core/testing/planned_failure.hpp>
#include <withal/core/verdict.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace withal::testing {

/// What a fault_plan can make fail.
enum class fault : unsigned char {
    enter,      ///< The enter() of a manager that is faulty(): nothing is acquired.
    exit,       ///< Its exit(): the manager has given back, and then says that this failed.
    allocation, ///< operator new, of any type, on this thread.
};

template <class M>
class faulty_manager;

/// Makes the n-th enter, the n-th exit or the n-th allocation fail.
///
///     testing::event_log log;
///     testing::fault_plan plan(testing::fault::exit, 1);
///     const std::string error = testing::thrown_by([&] { // "exit 1"
///         with(plan.faulty(testing::recorder(log, "a")), [](const std::string&) {});
///     });
///     const bool happened = plan.done();
///
/// Enters and exits are counted over all managers of the plan together, in the order in which they
/// happen. They fail with a planned_failure, "enter 2" or "exit 1"; an exit that throws of itself
/// goes on with that. An allocation fails with std::bad_alloc, or with null where new does not
/// throw.
///
/// **Threads.** A plan belongs to the thread that made it: its managers are used there, the
/// allocations of others are not counted, and it dies there.
/// **Lifetime.** It must outlive its managers.
class fault_plan : private withal::detail::allocation_watch {
public:
    /// Fails nothing, and counts.
    fault_plan() noexcept;
    /// Fails the nth of this kind.
    fault_plan(fault what, std::size_t nth);

    /// Fails the nth of this kind from now on, too; the next one is 1.
    ///
    /// **Throws.** logic_error for 0, and for allocations if the program does not count them: one
    /// of its source files must include <withal/core/testing/replace_new.hpp>.
    fault_plan& fail(fault what, std::size_t nth);

    /// The same manager, but it follows this plan. It answers, and describes itself, as before; an
    /// lvalue is referred to, an rvalue moved in. Its exit() can throw, whatever it said before.
    template <class M>
    [[nodiscard]] faulty_manager<M> faulty(M&& manager);

    /// How many there were of this kind so far, those that failed included.
    ///
    /// **Throws.** logic_error, as fail() does for allocations that nobody counts.
    [[nodiscard]] std::size_t seen(fault what) const;
    /// Have all planned failures happened? A test whose failure never came has tested nothing.
    [[nodiscard]] bool done() const noexcept { return waiting_ == 0; }

private:
    template <class M>
    friend class faulty_manager;

    struct countdown {
        std::size_t seen = 0;
        std::vector<std::size_t> failing;
    };

    static bool allocation_due(allocation_watch& self) noexcept;

    [[nodiscard]] bool due(fault what) noexcept;
    void step(fault what);

    countdown counts_[3];
    std::size_t waiting_ = 0;
};

//
// Implementation
//

/// What fault_plan::faulty() gives.
template <class M>
class [[nodiscard]] faulty_manager {
    static_assert(context_manager<M>,
                  "withal::testing::fault_plan::faulty: this is no context manager; it needs "
                  "enter() and exit()");
    using manager = std::remove_reference_t<M>;
    using answer = std::conditional_t<may_suppress<manager>, verdict, void>;

public:
    static constexpr reuse reuse_category = reuse_of<manager>;

    faulty_manager(fault_plan& plan, M&& inner) : plan_(&plan), inner_(static_cast<M&&>(inner)) {}

    decltype(auto) enter() {
        plan_->step(fault::enter);
        return withal::detail::enter_manager(inner_);
    }
    answer exit(const outcome& left) {
        if constexpr (may_suppress<manager>) {
            const verdict word = withal::detail::protocol<manager>::exit(inner_, left);
            plan_->step(fault::exit);
            return word;
        } else {
            withal::detail::protocol<manager>::exit(inner_, left);
            plan_->step(fault::exit);
        }
    }

    [[nodiscard]] const char* label() const noexcept { return withal::detail::label_of(inner_); }
    [[nodiscard]] const char* note() const noexcept { return withal::detail::note_of(inner_); }

private:
    fault_plan* plan_;
    M inner_;
};

inline fault_plan::fault_plan() noexcept : allocation_watch(&fault_plan::allocation_due) {}

inline fault_plan::fault_plan(fault what, std::size_t nth) : fault_plan() {
    fail(what, nth);
}

inline fault_plan& fault_plan::fail(fault what, std::size_t nth) {
    if (nth == 0) {
        throw logic_error("withal::testing::fault_plan: the first is 1");
    }
    if (what == fault::allocation) {
        withal::detail::require_counted_allocations();
    }
    const uncounted notes;
    countdown& count = counts_[static_cast<std::size_t>(what)];
    count.failing.push_back(count.seen + nth);
    ++waiting_;
    return *this;
}

template <class M>
faulty_manager<M> fault_plan::faulty(M&& manager) {
    return faulty_manager<M>(*this, static_cast<M&&>(manager));
}

inline std::size_t fault_plan::seen(fault what) const {
    if (what == fault::allocation) {
        withal::detail::require_counted_allocations();
    }
    return counts_[static_cast<std::size_t>(what)].seen;
}

inline bool fault_plan::allocation_due(allocation_watch& self) noexcept {
    return static_cast<fault_plan&>(self).due(fault::allocation);
}

inline bool fault_plan::due(fault what) noexcept {
    countdown& count = counts_[static_cast<std::size_t>(what)];
    ++count.seen;
    const auto found = std::ranges::count(count.failing, count.seen);
    waiting_ -= static_cast<std::size_t>(found);
    return found != 0;
}

inline void fault_plan::step(fault what) {
    if (due(what)) {
        const uncounted words;
        throw planned_failure((what == fault::enter ? "enter " : "exit ") +
                              std::to_string(counts_[static_cast<std::size_t>(what)].seen));
    }
}

} // namespace withal::testing

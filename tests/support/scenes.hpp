// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>
#include <withal/core/observe.hpp>
#include <withal/core/outcome.hpp>
#include <withal/withal.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include <support/trial.hpp>

// Every operation of every type of core/, in scenes of which each step can fail.
namespace withal_test {

using withal::both_failed;
using withal::outcome;
using withal::with;

using quiet = player<exits::quiet>;
using asks = player<exits::asks>;
using fails = player<exits::fails>;
using answers = player<exits::answers>;
template <exits Exit>
using lends = player<Exit, gives::lent>;
template <exits Exit>
using gives_value = player<Exit, gives::value>;
/// Its moves fail, too.
template <exits Exit>
using brittle = player<Exit, gives::nothing, counted>;

/// A body that may fail, and whose value may fail to be moved.
inline auto body_of(trial& in) {
    return [&in](auto&...) { return counted(in); };
}

/// A value that says whether it is a failure.
struct maybe {
    counted body;
    bool good;
    [[nodiscard]] bool has_value() const { return good; }
    [[nodiscard]] int error() const { return 1; }
};

/// Looks at everything that can be known of an exception.
inline void look(const std::exception_ptr& error) {
    for (const std::exception_ptr& each : withal::secondary_errors(error)) {
        static_cast<void>(withal::secondary_errors(each));
    }
}

// --- with, try_with, with_or, scoped ---

inline void with_noexcept_exits(trial& in) {
    with(quiet(in), gives_value<exits::quiet>(in), body_of(in));
    with(asks(in), gives_value<exits::quiet>(in), lends<exits::asks>(in), body_of(in));
}

inline void with_exits_that_fail(trial& in) {
    gives_value<exits::fails> outside(in);
    with(outside, fails(in), lends<exits::fails>(in), quiet(in), body_of(in));
    with(outside, [&](auto&) { in.step(); });
}

inline void with_a_manager_that_suppresses(trial& in) {
    with(answers(in), fails(in), gives_value<exits::fails>(in), body_of(in));
    with(fails(in), answers(in), [&] { in.step(); });
}

template <both_failed Policy>
void with_many_failures(trial& in) {
    with<Policy>(fails(in), gives_value<exits::fails>(in), [&](auto&) {
        with<Policy>(fails(in), fails(in), fails(in), [&] { in.step(); });
    });
}

inline void factories(trial& in) {
    with([&] { return gives_value<exits::fails>(in); },
         [&](auto&) { return brittle<exits::fails>(in); },
         [&](auto&) { return lends<exits::quiet>(in); },
         body_of(in));
}

inline void failure_values(trial& in) {
    with(fails(in), fails(in), [&] { return maybe{counted(in), false}; });
    with(fails(in), asks(in), [&] { return maybe{counted(in), true}; });
}

template <both_failed Policy>
void tries(trial& in) {
    auto tried =
        withal::try_with<Policy>(fails(in), gives_value<exits::fails>(in), fails(in), body_of(in));
    look(tried.error());
    static_cast<void>(tried.secondary());
    if (tried.has_value()) {
        const counted taken = std::move(tried).value();
    }
    if (tried.error() != nullptr) {
        std::rethrow_exception(tried.error());
    }
}

inline void fallbacks(trial& in) {
    static_cast<void>(withal::with_or(
        fails(in), answers(in), fails(in), body_of(in), [&] { return counted(in); }));
}

inline void guards(trial& in) {
    const auto outer = withal::scoped(gives_value<exits::fails>(in));
    const auto inner = withal::scoped(brittle<exits::quiet>(in));
    in.step();
}

// --- exit_stack ---

template <class Stack>
void stack_enters(trial& in) {
    lends<exits::fails> outside(in);
    with(Stack(), [&](Stack& stack) {
        stack.enter(fails(in));
        static_cast<void>(stack.enter(outside));
        static_cast<void>(stack.enter(gives_value<exits::fails>(in)));
        stack.enter(brittle<exits::fails>(in));
        static_cast<void>(stack.enter(lends<exits::quiet>(in)));
        return counted(in);
    });
}

template <class Stack>
void stack_takes_what_is_entered(trial& in) {
    fails outside(in);
    with(Stack(), [&](Stack& stack) {
        outside.enter();
        stack.push(outside);
        fails moved(in);
        moved.enter();
        stack.push(std::move(moved));
        stack.defer(task<>(in));
        in.step();
    });
}

/// What a stack without a limit can keep besides.
template <class Stack>
void stack_takes_what_is_hard_to_keep(trial& in) {
    with(Stack(), [&](Stack& stack) {
        brittle<exits::fails> moved(in);
        moved.enter();
        // Its own move may fail; then the stack exits it at once.
        stack.push(std::move(moved));
        stack.defer(task<counted>(in));
        stack.defer(task<steady, 64>(in));
        stack.defer(task<counted, 64>(in));
        in.step();
    });
}

template <class Stack>
void stack_grows(trial& in) {
    with(Stack(), [&](Stack& stack) {
        for (int n = 0; n < 12; ++n) {
            stack.defer(task<>(in));
            stack.enter(fails(in));
            static_cast<void>(stack.enter(gives_value<exits::fails>(in)));
        }
    });
}

template <class Stack>
void stack_is_pushed_on_while_it_unwinds(trial& in) {
    in.in_any_order(); // while an entry runs it is still open
    with(Stack(), [&](Stack& stack) {
        stack.defer([&] {
            stack.enter(fails(in));
            stack.defer(task<>(in));
            stack.defer([&] { stack.defer(task<counted>(in)); });
        });
        stack.defer(task<>(in));
        in.step();
    });
}

template <class Stack>
void stack_is_moved(trial& in) {
    std::optional<Stack> kept;
    with(Stack(), [&](Stack& stack) {
        for (int n = 0; n < 12; ++n) {
            stack.defer(task<>(in));
        }
        static_cast<void>(stack.enter(gives_value<exits::fails>(in)));
        stack.defer(task<counted>(in));
        kept.emplace(stack.pop_all());
        in.in_any_order();
        stack.enter(fails(in));
        in.step();
    });
    Stack last = std::move(*kept);
    last.enter(fails(in));
    last.close();
}

template <class Stack>
void stack_closes_some(trial& in) {
    in.in_any_order();
    with(Stack(), [&](Stack& stack) {
        std::vector<withal::stack_key> keys;
        {
            const withal::testing::uncounted notes;
            keys.reserve(8);
        }
        for (int n = 0; n < 4; ++n) {
            keys.push_back(stack.defer(task<>(in)));
            stack.enter(gives_value<exits::fails>(in));
            keys.push_back(stack.top());
        }
        stack.close(keys[2]);
        stack.close(keys[3]);
        stack.close(keys[3]);
        stack.close(keys[7]);
        stack.enter(fails(in));
        stack.close(keys[0]);
    });
}

template <class Stack>
void stack_releases(trial& in) {
    in.in_any_order();
    Stack stack;
    fails kept(in);
    kept.enter();
    stack.defer(task<>(in));
    const withal::stack_key key = stack.push(kept);
    stack.release(key);
    with(withal::on_exit([&] { kept.exit(outcome::success()); }), [&] {
        stack.enter(fails(in));
        stack.close();
    });
}

template <class Stack>
void stack_is_closed_by_hand(trial& in) {
    for (const both_failed policy :
         {both_failed::keep_body, both_failed::replace, both_failed::group}) {
        Stack stack(policy);
        std::exception_ptr error;
        try {
            stack.enter(fails(in));
            stack.enter(gives_value<exits::fails>(in));
            stack.defer(task<>(in));
            in.step();
        } catch (...) {
            error = std::current_exception();
        }
        if (error != nullptr) {
            stack.close(outcome::failure(error));
            std::rethrow_exception(error);
        }
        stack.close();
        stack.defer(task<counted>(in)); // runs at once
        fails late(in);
        late.enter();
        stack.push(late);
    }
}

template <class Stack>
void stack_is_abandoned(trial& in) {
    Stack stack;
    stack.enter(fails(in));
    stack.defer(task<>(in));
    stack.enter(gives_value<exits::fails>(in));
}

inline void stack_that_suppresses(trial& in) {
    with(withal::suppressing_exit_stack(), [&](auto& stack) {
        stack.enter(fails(in));
        stack.enter(answers(in));
        static_cast<void>(stack.enter(player<exits::answers, gives::value>(in)));
        stack.defer(task<>(in));
        in.step();
    });
}

inline void stack_in_place(trial& in) {
    lends<exits::fails> outside(in);
    with(withal::inplace_exit_stack<256>(), [&](auto& stack) {
        stack.enter(fails(in));
        static_cast<void>(stack.enter(outside));
        for (;;) {
            stack.defer(task<>(in)); // ends by std::length_error
        }
    });
}

/// A constructor that undoes what it began.
class built {
public:
    explicit built(trial& in) {
        with(withal::exit_stack(), [&](auto& begun) {
            begun.enter(fails(in));
            begun.enter(gives_value<exits::fails>(in));
            parts_ = begun.pop_all();
        });
    }
    void close() { parts_->close(); }

private:
    struct holder {
        std::optional<withal::exit_stack> stack;
        holder& operator=(withal::exit_stack&& from) {
            stack.emplace(std::move(from));
            return *this;
        }
        withal::exit_stack* operator->() { return &*stack; }
    };
    holder parts_;
};

inline void constructor_that_undoes(trial& in) {
    built object(in);
    in.step();
    object.close();
}

// --- managed ---

/// Too large for the recycler: each frame is an allocation.
template <class Manager>
Manager written(trial* in) {
    std::array<volatile char, 2000> large{};
    large[0] = 1;
    counted inside(*in);
    in->step();
    std::size_t open = in->open();
    const auto close = [&] {
        in->close(open);
        open = 0;
    };
    try {
        if constexpr (requires { Manager::gives_nothing; }) {
            co_yield withal::nothing;
        } else {
            co_yield inside;
        }
    } catch (...) {
        close();
        in->step();
        if constexpr (withal::may_suppress<Manager>) {
            in->ends_here(std::current_exception());
            co_return;
        }
        throw;
    }
    close();
    in->step();
    large[1] = 1;
}

inline void generators(trial& in) {
    with(written<withal::managed<counted>>(&in),
         [&](counted&) { return with(written<withal::managed<counted>>(&in), body_of(in)); });
    with(written<withal::suppressing_managed<counted>>(&in), body_of(in));
}

inline void generators_on_a_stack(trial& in) {
    with(withal::suppressing_exit_stack(), [&](auto& stack) {
        stack.enter(written<withal::managed<counted>>(&in));
        stack.enter(written<withal::suppressing_managed<counted>>(&in));
        in.step();
    });
}

inline withal::managed<void> yields_not(trial* in) {
    counted inside(*in);
    if (inside.in().in_any_order(), false) {
        co_yield withal::nothing;
    }
}

inline withal::managed<void> yields_twice(trial* in) {
    counted inside(*in);
    try {
        co_yield withal::nothing;
    } catch (...) {
        in->ends_here(std::current_exception());
    }
    co_yield withal::nothing;
}

inline void generators_that_break_the_rule(trial& in) {
    const auto broken = [&](auto generator) {
        try {
            with(fails(in), generator(&in), [&] { in.step(); });
        } catch (const withal::generator_error&) {
            const std::exception_ptr error = std::current_exception();
            look(error);
            in.ends_here(error);
        }
    };
    broken(yields_not);
    broken(yields_twice);
    { const auto never_entered = written<withal::managed<counted>>(&in); }
    auto left_open = yields_twice(&in);
    left_open.enter();
}

// --- any_manager, decorate, all ---

inline void any_managers(trial& in) {
    struct large : fails {
        using fails::fails;
        std::array<char, 100> more{};
    };
    withal::any_manager<void> small = fails(in);
    withal::any_manager<void> moved = large(in);
    withal::any_manager<void> other = brittle<exits::fails>(in);
    moved = std::move(other);
    withal::any_manager<void> keeps = gives_value<exits::fails>(in);
    withal::any_manager<resource&> refers = gives_value<exits::fails>(in);
    withal::any_manager<resource> passes = gives_value<exits::quiet>(in);
    with(small, moved, keeps, refers, [&](resource&) { in.step(); });
    with(refers, body_of(in));
    with(withal::exit_stack(), [&](auto& stack) {
        stack.enter(std::move(small));
        stack.enter(refers);
        in.step();
    });
}

inline void decorated(trial& in) {
    fails around(in);
    auto referring = withal::decorate(around, [&](int) { return counted(in); });
    static_cast<void>(referring(1));
    auto making = withal::decorate([&in] { return gives_value<exits::fails>(in); },
                                   [held = counted(in)](int) { return counted(held); });
    auto copied = making;
    static_cast<void>(copied(1));
    static_cast<void>(making(1));
    auto owning = withal::decorate(brittle<exits::answers>(in), [&] { in.step(); });
    static_cast<void>(owning());
}

inline void all_at_once(trial& in) {
    gives_value<exits::fails> outside(in);
    auto kept = withal::all(brittle<exits::fails>(in), outside, fails(in));
    with(kept, body_of(in));
    with(fails(in), std::move(kept), body_of(in));
    with(withal::all(answers(in), brittle<exits::fails>(in), fails(in)), [&] { in.step(); });
}

// --- adapters ---

inline void adapters(trial& in) {
    struct door {
        explicit door(trial& to) : body(to), open(to.open()) {}
        void close() {
            body.in().close(open);
            body.in().step();
        }
        steady body;
        std::size_t open;
    };
    with(withal::closing(door(in)), [&](door&) { in.step(); });
    door kept(in);
    with(withal::closing(kept, &door::close), [&](door&) { in.step(); });
    with(withal::on_exit([held = counted(in)] { held.in().step(); }),
         withal::on_fail([&] { in.step(); }),
         withal::on_success([&](const outcome&) { in.step(); }),
         [&] { in.step(); });
    with(withal::when(true, brittle<exits::fails>(in)),
         withal::when(true, gives_value<exits::fails>(in)),
         withal::when(false, fails(in)),
         [&](auto&) { in.step(); });
    with(withal::as_manager([&] { return counted(in); }), [&](counted&) { in.step(); });
    with(withal::null_context(counted(in)), body_of(in));
    with(fails(in),
         withal::suppress<std::exception>([&](const std::exception&) {
             in.step();
             return false;
         }),
         [&] { in.step(); });
}

inline void suppressions(trial& in) {
    auto ignore = withal::suppress<std::exception>();
    for (int n = 0; n < 2; ++n) {
        with(ignore, fails(in), [&] { in.step(); });
        in.ends_here(ignore.swallowed());
    }
}

// --- errors ---

/// Secondary errors of secondary errors, read and copied.
inline void errors_of_errors(trial& in) {
    try {
        with(fails(in),
             [&] { with<both_failed::replace>(fails(in), fails(in), [&] { in.step(); }); });
    } catch (...) {
        const withal::error_list list = withal::secondary_errors();
        withal::error_list copy = list;
        copy = withal::error_list();
        look(std::current_exception());
        throw;
    }
}

/// An exit throws again what the body threw, over an error that it is secondary to.
template <both_failed Inside>
void error_that_comes_round(trial& in) {
    std::exception_ptr first;
    with<both_failed::replace>(withal::on_exit([&] {
                                   if (first != nullptr) {
                                       std::rethrow_exception(first);
                                   }
                               }),
                               fails(in),
                               [&] {
                                   with<Inside>(fails(in), fails(in), fails(in), [&] {
                                       try {
                                           in.step();
                                       } catch (...) {
                                           first = std::current_exception();
                                           throw;
                                       }
                                   });
                               });
}

inline void wrong_uses(trial& in) {
    const auto refused = [&](auto use) {
        try {
            use();
        } catch (const withal::logic_error& error) {
            static_cast<void>(error.what());
            in.ends_here(std::current_exception());
        }
    };
    auto once = written<withal::managed<counted>>(&in);
    refused([&] { with(once, [&](counted&) { with(once, [](counted&) {}); }); });
    withal::exit_stack closed;
    closed.close();
    refused([&] { closed.enter(fails(in)); });
    withal::any_manager<void> empty;
    refused([&] { with(fails(in), empty, [] {}); });
    auto both = withal::all(fails(in), fails(in));
    refused([&] { with(both, [&] { with(both, [] {}); }); });
}

/// The same as elsewhere, but somebody watches.
inline void watched(trial& in) {
    int seen = 0;
    const auto watching = withal::observe([&](const withal::event&) noexcept { ++seen; });
    with_exits_that_fail(in);
    stack_enters<withal::exit_stack>(in);
    stack_that_suppresses(in);
    factories(in);
}

struct scene {
    const char* name;
    void (*play)(trial& in);

    friend std::ostream& operator<<(std::ostream& out, const scene& one) { return out << one.name; }
};

inline const std::vector<scene> scenes = {
    {"with_noexcept_exits", with_noexcept_exits},
    {"with_exits_that_fail", with_exits_that_fail},
    {"with_a_manager_that_suppresses", with_a_manager_that_suppresses},
    {"with_many_failures_keep_body", with_many_failures<both_failed::keep_body>},
    {"with_many_failures_replace", with_many_failures<both_failed::replace>},
    {"with_many_failures_group", with_many_failures<both_failed::group>},
    {"factories", factories},
    {"failure_values", failure_values},
    {"tries_keep_body", tries<both_failed::keep_body>},
    {"tries_replace", tries<both_failed::replace>},
    {"tries_group", tries<both_failed::group>},
    {"fallbacks", fallbacks},
    {"guards", guards},
    {"stack_enters", stack_enters<withal::exit_stack>},
    {"suppressing_stack_enters", stack_enters<withal::suppressing_exit_stack>},
    {"stack_takes_what_is_entered", stack_takes_what_is_entered<withal::exit_stack>},
    {"inplace_stack_takes_what_is_entered",
     stack_takes_what_is_entered<withal::inplace_exit_stack<512>>},
    {"stack_takes_what_is_hard_to_keep", stack_takes_what_is_hard_to_keep<withal::exit_stack>},
    {"suppressing_stack_takes_what_is_hard_to_keep",
     stack_takes_what_is_hard_to_keep<withal::suppressing_exit_stack>},
    {"stack_grows", stack_grows<withal::exit_stack>},
    {"stack_is_pushed_on_while_it_unwinds",
     stack_is_pushed_on_while_it_unwinds<withal::exit_stack>},
    {"suppressing_stack_is_pushed_on_while_it_unwinds",
     stack_is_pushed_on_while_it_unwinds<withal::suppressing_exit_stack>},
    {"stack_is_moved", stack_is_moved<withal::exit_stack>},
    {"stack_closes_some", stack_closes_some<withal::exit_stack>},
    {"suppressing_stack_closes_some", stack_closes_some<withal::suppressing_exit_stack>},
    {"stack_releases", stack_releases<withal::exit_stack>},
    {"inplace_stack_releases", stack_releases<withal::inplace_exit_stack<512>>},
    {"stack_is_closed_by_hand", stack_is_closed_by_hand<withal::exit_stack>},
    {"stack_is_abandoned", stack_is_abandoned<withal::exit_stack>},
    {"stack_that_suppresses", stack_that_suppresses},
    {"stack_in_place", stack_in_place},
    {"constructor_that_undoes", constructor_that_undoes},
    {"generators", generators},
    {"generators_on_a_stack", generators_on_a_stack},
    {"generators_that_break_the_rule", generators_that_break_the_rule},
    {"any_managers", any_managers},
    {"decorated", decorated},
    {"all_at_once", all_at_once},
    {"adapters", adapters},
    {"suppressions", suppressions},
    {"errors_of_errors", errors_of_errors},
    {"error_that_comes_round", error_that_comes_round<both_failed::keep_body>},
    {"error_that_comes_round_in_a_group", error_that_comes_round<both_failed::group>},
    {"wrong_uses", wrong_uses},
    {"watched", watched},
};

} // namespace withal_test

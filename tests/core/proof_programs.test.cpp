// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random programs of managers that fail, suppress and translate wherever they like. Each is run by
// hand, in plain loops that know nothing of withal, and in every form that withal has for it; the
// events, what each exit is shown, the value or the error that comes out and everything secondary
// to it must be the same.
//
// A program that differs is printed with its seed: WITHAL_PROGRAM=seed runs it alone.
// WITHAL_PROGRAMS=n runs n of them.
#include <withal/core/all.hpp>
#include <withal/core/any_manager.hpp>
#include <withal/core/decorate.hpp>
#include <withal/core/exit_stack.hpp>
#include <withal/core/managed.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/with.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using withal::both_failed;
using withal::outcome;
using withal::verdict;

/// What a block returns: a number, a number that means failure, or nothing, after a suppression.
struct value {
    enum class kind { number, failure, missing };
    kind is = kind::missing;
    int number = 0;
};

} // namespace

template <>
struct withal::failure_traits<value> {
    static bool failed(const value& v) { return v.is == value::kind::failure; }
};

namespace {

// --- programs ---

/// What an exit does. Those behind `raises_first` need one that answers.
enum class leaving {
    returns,
    rethrows,     // what it was shown
    raises,       // an error of its own
    raises_first, // the first error that there was
    suppresses,
    replaces,
    replaces_by_first,
    replaces_by_nothing,
};

struct step {
    std::string name;
    bool fails_to_enter;
    leaving leaves;
};

enum class doing {
    returns,
    fails, // returns a failure
    raises,
    runs, // the block inside
    runs_two,
    catches,           // runs the block inside and catches
    raises_in_handler, // the same, and raises another error where it is handled
};

struct block {
    both_failed policy;
    std::vector<step> steps;
    doing body;
    int number;
    std::vector<block> inside;
};

/// The weakest manager that can do what the steps of a block do.
enum class strength { quiet, asks, fails, answers };

strength strength_of(const block& b) {
    strength needed = strength::quiet;
    for (const step& each : b.steps) {
        needed = std::max(needed,
                          each.leaves == leaving::returns        ? strength::quiet
                          : each.leaves <= leaving::raises_first ? strength::fails
                                                                 : strength::answers);
    }
    return needed;
}

bool some_step(const block& b, auto is) {
    return std::ranges::any_of(b.steps, is);
}

/// Is there such a block in the program?
bool some_block(const block& b, auto is) {
    return is(b) ||
           std::ranges::any_of(b.inside, [&](const block& i) { return some_block(i, is); });
}

bool is_any_group(const block& b) {
    return some_block(b, [](const block& each) { return each.policy == both_failed::group; });
}

/// The same program with one manager a block. What is between them is nothing, and not noted.
block split(const block& b) {
    block core{b.policy, {}, b.body, b.number, {}};
    for (const block& each : b.inside) {
        core.inside.push_back(split(each));
    }
    core.steps = {b.steps.back()};
    for (auto each = std::next(b.steps.rbegin()); each != b.steps.rend(); ++each) {
        block outer{b.policy, {*each}, doing::runs, 0, {}};
        outer.inside.push_back(std::move(core));
        core = std::move(outer);
    }
    return core;
}

/// The same numbers everywhere.
class dice {
public:
    explicit dice(std::uint64_t seed) : state_(mixed(seed)) {}
    /// 0 .. sides - 1
    int operator()(int sides) {
        state_ += stride;
        return static_cast<int>(mixed(state_) % static_cast<std::uint64_t>(sides));
    }

private:
    static constexpr std::uint64_t stride = 0x9E3779B97F4A7C15U;

    static std::uint64_t mixed(std::uint64_t bits) {
        bits = (bits ^ (bits >> 30U)) * 0xBF58476D1CE4E5B9U;
        bits = (bits ^ (bits >> 27U)) * 0x94D049BB133111EBU;
        return bits ^ (bits >> 31U);
    }

    std::uint64_t state_;
};

block random_block(dice& throws, int depth, int& names) {
    constexpr both_failed policies[] = {
        both_failed::keep_body, both_failed::replace, both_failed::group};
    block made{policies[throws(3)], {}, doing::returns, ++names, {}};
    const int most = std::vector<int>{1, 4, 8}[static_cast<std::size_t>(throws(3))];
    const int count = 1 + throws(3) + throws(2);
    for (int at = 0; at < count; ++at) {
        const bool returns = throws(3) == 0;
        made.steps.push_back({"m" + std::to_string(++names),
                              throws(10) == 0,
                              returns ? leaving::returns : static_cast<leaving>(throws(most))});
    }
    const int deeds = depth == 0 ? 3 : 7;
    made.body = static_cast<doing>(throws(deeds));
    const int blocks = made.body < doing::runs ? 0 : made.body == doing::runs_two ? 2 : 1;
    for (int at = 0; at < blocks; ++at) {
        made.inside.push_back(random_block(throws, depth - 1, names));
    }
    return made;
}

block program_of(std::uint64_t seed) {
    dice throws(seed);
    int names = 0;
    return random_block(throws, 2, names);
}

std::string text_of(const block& b, const std::string& indent = "") {
    const char* const policies[] = {"keep_body", "replace", "group", "terminate"};
    const char* const leaves[] = {"returns",
                                  "rethrows",
                                  "raises",
                                  "raises the first error",
                                  "suppresses",
                                  "replaces",
                                  "replaces by the first error",
                                  "replaces by nothing"};
    const char* const does[] = {"return ",
                                "return failure ",
                                "raise ",
                                "run ",
                                "run two, number ",
                                "run and catch, return ",
                                "run and raise in the handler "};
    std::string text = indent + "with<" + policies[static_cast<int>(b.policy)] + "> {\n";
    for (const step& each : b.steps) {
        text += indent + "    " + each.name + (each.fails_to_enter ? " fails to enter" : "") +
                ", exit " + leaves[static_cast<int>(each.leaves)] + "\n";
    }
    text += indent + "    " + does[static_cast<int>(b.body)] + std::to_string(b.number) + "\n";
    for (const block& each : b.inside) {
        text += text_of(each, indent + "    ");
    }
    return text + indent + "}\n";
}

// --- what happens in a run ---

using errors = std::vector<std::exception_ptr>;

/// The events of one run, and the errors that were made in it: they are known by identity, a copy
/// is a stranger. A world also says what is secondary to an error.
class world {
public:
    virtual ~world() = default;
    virtual errors secondary_to(const std::exception_ptr& error) = 0;
    /// The errors of a group; none if it is no group.
    virtual errors group_of(const std::exception_ptr& error) = 0;

    std::exception_ptr make(const std::string& name) {
        made_.push_back(std::make_exception_ptr(withal::testing::planned_failure(name)));
        names_.push_back(name);
        return made_.back();
    }
    [[nodiscard]] std::exception_ptr first() const {
        return made_.empty() ? nullptr : made_.front();
    }
    void note(std::string event) { events_.push_back(std::move(event)); }

    std::string name_of(const std::exception_ptr& error) {
        const auto at = std::ranges::find(made_, error);
        if (at != made_.end()) {
            return names_[static_cast<std::size_t>(at - made_.begin())];
        }
        const errors group = group_of(error);
        return group.empty() ? "stranger " + withal::testing::text_of(error)
                             : "group(" + names_of(group) + ")";
    }
    /// With everything secondary to it.
    std::string whole_name_of(const std::exception_ptr& error) {
        const errors rest = secondary_to(error);
        return name_of(error) + (rest.empty() ? "" : " [" + names_of(rest) + "]");
    }

    [[nodiscard]] const std::vector<std::string>& events() const { return events_; }

    int live_resources = 0;

protected:
    std::string names_of(const errors& list) {
        std::string names;
        for (const std::exception_ptr& each : list) {
            names += (names.empty() ? "" : " ") + name_of(each);
        }
        return names;
    }

private:
    errors made_;
    std::vector<std::string> names_;
    std::vector<std::string> events_;
};

/// What withal says of errors.
class withals_world : public world {
public:
    errors secondary_to(const std::exception_ptr& error) override {
        const withal::error_list list = withal::secondary_errors(error);
        return {list.begin(), list.end()};
    }
    errors group_of(const std::exception_ptr& error) override {
        errors group;
        withal::detail::inspect_exception<withal::error_group>(
            error, [&](const withal::error_group& is) {
                group.assign(is.errors().begin(), is.errors().end());
            });
        return group;
    }
};

/// The resource of a manager: says when it ends.
class resource {
public:
    resource(world& in, std::string name) : in_(&in), name_(std::move(name)) {
        ++in_->live_resources;
    }
    resource(resource&& other) = delete;
    resource& operator=(resource&&) = delete;
    ~resource() {
        in_->note(name_ + " gone");
        --in_->live_resources;
    }

private:
    world* in_;
    std::string name_;
};

/// enter() of a step, but for the resource.
void enter_step(world& in, const step& plan) {
    in.note(plan.name + " enter");
    if (plan.fails_to_enter) {
        std::rethrow_exception(in.make(plan.name + ".enter"));
    }
}

/// How the part inside a step left, as the step is shown it.
struct shown {
    std::exception_ptr error;
    bool failed = false; // also without an error
};

void note_exit(world& in, const step& plan, const shown& left) {
    in.note(plan.name + " exit " +
            (left.error != nullptr ? "threw " + in.whole_name_of(left.error)
             : left.failed         ? "failed"
                                   : "ok"));
}

/// exit() of a step; raises what it raises.
verdict exit_step(world& in, const step& plan, const shown& left) {
    note_exit(in, plan, left);
    switch (plan.leaves) {
    case leaving::rethrows:
        if (left.error != nullptr) {
            std::rethrow_exception(left.error);
        }
        break;
    case leaving::raises:
        std::rethrow_exception(in.make(plan.name + ".exit"));
    case leaving::raises_first:
        if (in.first() != nullptr) {
            std::rethrow_exception(in.first());
        }
        break;
    case leaving::suppresses:
        return verdict::suppress;
    case leaving::replaces:
        return verdict::replace(in.make(plan.name + ".new"));
    case leaving::replaces_by_first:
        return verdict::replace(in.first());
    case leaving::returns:
    case leaving::replaces_by_nothing:
        break;
    }
    return verdict::propagate;
}

/// The body of a block; the blocks inside it run in the same form.
template <class Form>
value run_body(Form& form, world& in, const block& b) {
    const auto caught = [&] {
        in.note(std::to_string(b.number) + " caught " + in.whole_name_of(std::current_exception()));
    };
    if (b.number != 0) {
        in.note("body " + std::to_string(b.number));
    }
    switch (b.body) {
    case doing::returns:
        return {value::kind::number, b.number};
    case doing::fails:
        return {value::kind::failure, b.number};
    case doing::raises:
        std::rethrow_exception(in.make("body" + std::to_string(b.number)));
    case doing::runs:
        return form.run(in, b.inside[0]);
    case doing::runs_two:
        form.run(in, b.inside[0]);
        return form.run(in, b.inside[1]);
    case doing::catches:
        try {
            return form.run(in, b.inside[0]);
        } catch (...) {
            caught();
            return {value::kind::number, b.number};
        }
    case doing::raises_in_handler:
        try {
            return form.run(in, b.inside[0]);
        } catch (...) {
            caught();
            std::rethrow_exception(in.make("handler" + std::to_string(b.number)));
        }
    }
    return {};
}

// --- by hand ---

/// The rules once more, without withal: what is secondary to what is written down.
class plain_world : public world {
public:
    void attach(const std::exception_ptr& primary, const std::exception_ptr& secondary) {
        if (primary == secondary) {
            return;
        }
        const errors members = group_of(secondary);
        if (std::ranges::any_of(members, [&](const auto& one) { return leads_to(one, primary); })) {
            // a group goes not under what it owns, but its members do, and what is under it
            for (const errors& list : {members, secondary_to(secondary)}) {
                for (const std::exception_ptr& each : list) {
                    attach(primary, each);
                }
            }
            return;
        }
        errors& list = entry(primary);
        if (std::ranges::find(list, secondary) == list.end()) {
            errors visited;
            cut(secondary, primary, visited);
            entry(primary).push_back(secondary);
        }
    }
    errors secondary_to(const std::exception_ptr& error) override {
        errors found;
        errors visited = {error};
        collect(error, found, visited);
        return found;
    }
    errors group_of(const std::exception_ptr& error) override {
        const auto at = std::ranges::find(groups_, error, &group::first);
        return at == groups_.end() ? errors() : at->second;
    }
    /// What is thrown for `error` and everything secondary to it.
    std::exception_ptr grouped(const std::exception_ptr& error) {
        errors all;
        errors each = secondary_to(error);
        each.insert(each.begin(), error);
        for (const std::exception_ptr& one : each) {
            errors inside = group_of(one);
            if (inside.empty()) {
                inside.push_back(one);
            }
            std::ranges::copy_if(inside, std::back_inserter(all), [&](const auto& other) {
                return std::ranges::find(all, other) == all.end();
            });
        }
        groups_.emplace_back(std::make_exception_ptr(withal::testing::planned_failure("group")),
                             all);
        return groups_.back().first;
    }

private:
    using group = std::pair<std::exception_ptr, errors>;

    errors& entry(const std::exception_ptr& error) {
        const auto at = std::ranges::find(secondary_, error, &group::first);
        return at != secondary_.end() ? at->second
                                      : secondary_.emplace_back(error, errors()).second;
    }
    void collect(const std::exception_ptr& under, errors& found, errors& visited) {
        for (const std::exception_ptr& each : errors(entry(under))) {
            if (std::ranges::find(visited, each) == visited.end()) {
                visited.push_back(each);
                found.push_back(each);
                collect(each, found, visited);
            }
        }
    }
    /// What an error leads to: what is under it, and in it if it is a group.
    errors next(const std::exception_ptr& from) {
        errors all = entry(from);
        const errors members = group_of(from);
        all.insert(all.end(), members.begin(), members.end());
        return all;
    }
    bool leads_to(const std::exception_ptr& from,
                  const std::exception_ptr& error,
                  errors&& visited = {}) {
        visited.push_back(from);
        return from == error || std::ranges::any_of(next(from), [&](const auto& each) {
                   return std::ranges::find(visited, each) == visited.end() &&
                          leads_to(each, error, std::move(visited));
               });
    }
    /// No list below `from` may name `error`, nor a group that owns it: its other members do.
    void cut(const std::exception_ptr& from, const std::exception_ptr& error, errors& visited) {
        visited.push_back(from);
        errors kept;
        for (const std::exception_ptr& each : errors(entry(from))) {
            errors members = group_of(each);
            if (std::ranges::find(members, error) == members.end()) {
                members = {each};
            }
            std::ranges::copy_if(members, std::back_inserter(kept), [&](const auto& one) {
                return one != error && std::ranges::find(kept, one) == kept.end();
            });
        }
        entry(from) = kept;
        for (const std::exception_ptr& each : next(from)) {
            if (std::ranges::find(visited, each) == visited.end()) {
                cut(each, error, visited);
            }
        }
    }

    std::vector<group> secondary_;
    std::vector<group> groups_;
};

/// What distinguishes the forms, where the contract lets them differ.
struct manners {
    /// A manager that cannot fail is of a type that is not told how the body left.
    bool quiet_managers = false;
    /// The value of the body is kept when the error of an exit after it was suppressed.
    bool keeps_value = false;
    /// A manager that stands for several failed as one: unless the error that it was shown was
    /// suppressed inside, it is under the one that goes on.
    enum { nobody, all, stack } answers = nobody;
};

struct by_hand {
    plain_world& plain;
    manners how;

    value run(world& in, const block& b) {
        const bool quiet = how.quiet_managers && strength_of(b) == strength::quiet;
        value result;
        std::exception_ptr came_in;
        std::vector<std::optional<resource>> resources(b.steps.size());
        std::size_t live = 0;
        try {
            for (const step& each : b.steps) {
                enter_step(in, each);
                resources[live++].emplace(in, each.name);
            }
            result = run_body(*this, in, b);
        } catch (...) {
            came_in = std::current_exception();
        }
        const std::size_t live_at_body = live;
        std::exception_ptr current = came_in;
        bool both = false;
        bool forgiven = false; // what the body left by was suppressed
        while (live-- > 0) {
            const step& each = b.steps[live];
            if (quiet) {
                in.note(each.name + " exit");
            } else {
                const bool failed = result.is == value::kind::failure;
                try {
                    answered(exit_step(in, each, {current, failed}), current, both, forgiven);
                } catch (...) {
                    raised(std::current_exception(), b.policy, current, both);
                    result = how.keeps_value ? result : value();
                }
            }
            resources[live].reset();
        }
        if (current == nullptr) {
            return result;
        }
        const bool group = both && b.policy == both_failed::group;
        std::exception_ptr goes_on = group ? plain.grouped(current) : current;
        const bool shown = came_in != nullptr && !forgiven &&
                           (how.answers == manners::stack ||
                            (how.answers == manners::all && live_at_body == b.steps.size()));
        if (shown && group) {
            // the stack has thrown, and the with() around it has the same policy
            plain.attach(came_in, goes_on);
            goes_on = plain.grouped(came_in);
        } else if (shown) {
            plain.attach(goes_on, came_in);
        }
        std::rethrow_exception(goes_on);
    }

private:
    void answered(const verdict& said, std::exception_ptr& current, bool& both, bool& forgiven) {
        if (current == nullptr) {
            return;
        }
        if (said == verdict::suppress) {
            current = nullptr;
            both = false;
            forgiven = true;
        } else if (said.replacement() != nullptr && said.replacement() != current) {
            plain.attach(said.replacement(), current);
            current = said.replacement();
        }
    }

    void raised(const std::exception_ptr& fresh,
                both_failed policy,
                std::exception_ptr& current,
                bool& both) {
        if (current == nullptr) {
            current = fresh;
        } else if (fresh != current) {
            both = true;
            if (policy == both_failed::replace) {
                plain.attach(fresh, current);
                current = fresh;
            } else {
                plain.attach(current, fresh);
            }
        }
    }
};

// --- by withal ---

/// The manager of a step, as strong as it needs to be.
template <strength Strength>
class manager {
public:
    manager(world& in, const step& plan) : in_(&in), plan_(&plan) {}

    resource enter() {
        enter_step(*in_, *plan_);
        return {*in_, plan_->name};
    }
    void exit() noexcept
        requires(Strength == strength::quiet)
    {
        in_->note(plan_->name + " exit");
    }
    void exit(const outcome& left) noexcept
        requires(Strength == strength::asks)
    {
        note_exit(*in_, *plan_, {left.exception(), left.failed()});
    }
    void exit(const outcome& left)
        requires(Strength == strength::fails)
    {
        static_cast<void>(exit_step(*in_, *plan_, {left.exception(), left.failed()}));
    }
    verdict exit(const outcome& left)
        requires(Strength == strength::answers)
    {
        return exit_step(*in_, *plan_, {left.exception(), left.failed()});
    }

private:
    world* in_;
    const step* plan_;
};

/// Calls f with a constant for the strength of a block's managers, and one for its policy.
template <class F>
value chosen(const block& b, bool strongest, F f) {
    const auto with_policy = [&]<strength Strength>() {
        switch (b.policy) {
        case both_failed::replace:
            return f.template operator()<both_failed::replace, Strength>();
        case both_failed::group:
            return f.template operator()<both_failed::group, Strength>();
        default:
            return f.template operator()<both_failed::keep_body, Strength>();
        }
    };
    switch (strongest ? strength::answers : strength_of(b)) {
    case strength::quiet:
        return f.template operator()<both_failed::keep_body, strength::quiet>();
    case strength::asks:
        return f.template operator()<both_failed::keep_body, strength::asks>();
    case strength::fails:
        return with_policy.template operator()<strength::fails>();
    case strength::answers:
        return with_policy.template operator()<strength::answers>();
    }
    return {};
}

value value_of(value v) {
    return v;
}
value value_of(const std::optional<value>& v) {
    return v.value_or(value());
}

/// Calls use(managers...) with as many as there are.
template <strength Strength, class Use>
value with_managers(world& in, const block& b, Use use) {
    std::vector<manager<Strength>> m;
    for (const step& each : b.steps) {
        m.emplace_back(in, each);
    }
    switch (m.size()) {
    case 1:
        return use(m[0]);
    case 2:
        return use(m[0], m[1]);
    case 3:
        return use(m[0], m[1], m[2]);
    default:
        return use(m[0], m[1], m[2], m[3]);
    }
}

/// One call of with(). Of a program that is split: calls inside each other.
struct flat_with {
    static constexpr const char* name = "with()";
    bool strongest = false;

    value run(world& in, const block& b) {
        return chosen(b, strongest, [&]<both_failed Policy, strength Strength>() {
            return with_managers<Strength>(in, b, [&](auto&... m) {
                return value_of(
                    withal::with<Policy>(m..., [&](auto&...) { return run_body(*this, in, b); }));
            });
        });
    }
};

/// try_with() of managers that factories make.
struct flat_try {
    static constexpr const char* name = "try_with()";
    bool strongest = false;

    value run(world& in, const block& b) {
        return chosen(b, strongest, [&]<both_failed Policy, strength Strength>() {
            return with_managers<Strength>(in, b, [&](auto&... m) {
                auto tried =
                    withal::try_with<Policy>([&m](auto&...) { return m; }...,
                                             [&](auto&...) { return run_body(*this, in, b); });
                if (tried.error() != nullptr) {
                    if (tried.has_value() || tried.suppressed() || tried.cancelled()) {
                        in.note("a result is two things");
                    }
                    std::rethrow_exception(tried.error());
                }
                return tried.suppressed() ? value() : tried.value();
            });
        });
    }
};

struct flat_or {
    static constexpr const char* name = "with_or()";
    bool strongest = true;

    value run(world& in, const block& b) {
        return chosen(b, strongest, [&]<both_failed Policy, strength Strength>() {
            return with_managers<Strength>(in, b, [&](auto&... m) {
                return withal::with_or<Policy>(
                    m..., [&](auto&...) { return run_body(*this, in, b); }, [] { return value(); });
            });
        });
    }
};

/// For programs that are split.
struct decorated {
    static constexpr const char* name = "decorate()";
    bool strongest = false;

    value run(world& in, const block& b) {
        return chosen(b, strongest, [&]<both_failed Policy, strength Strength>() {
            return value_of(
                withal::decorate<Policy>([&] { return manager<Strength>(in, b.steps[0]); },
                                         [&](int) { return run_body(*this, in, b); })(0));
        });
    }
};

struct erased {
    static constexpr const char* name = "any_manager";

    value run(world& in, const block& b) {
        withal::any_manager<resource&> m = manager<strength::fails>(in, b.steps[0]);
        const auto body = [&](resource&) { return run_body(*this, in, b); };
        switch (b.policy) {
        case both_failed::replace:
            return withal::with<both_failed::replace>(m, body);
        case both_failed::group:
            return withal::with<both_failed::group>(m, body);
        default:
            return withal::with(m, body);
        }
    }
};

withal::suppressing_managed<resource> written(world* in, const step* plan) {
    enter_step(*in, *plan);
    resource given(*in, plan->name);
    shown left;
    try {
        co_yield given;
    } catch (const withal::body_failed&) {
        left.failed = true;
    } catch (...) {
        left.error = std::current_exception();
    }
    const verdict said = exit_step(*in, *plan, left);
    if (left.error != nullptr && said != verdict::suppress) {
        std::rethrow_exception(left.error);
    }
}

struct generators {
    static constexpr const char* name = "suppressing_managed";

    value run(world& in, const block& b) {
        const auto body = [&](resource&) { return run_body(*this, in, b); };
        auto m = written(&in, b.steps.data());
        switch (b.policy) {
        case both_failed::replace:
            return value_of(withal::with<both_failed::replace>(m, body));
        case both_failed::group:
            return value_of(withal::with<both_failed::group>(m, body));
        default:
            return value_of(withal::with(m, body));
        }
    }
};

/// A stack that is closed by hand; moved before that.
template <class Stack>
struct closes_stack {
    static constexpr const char* name = "exit_stack::close()";
    static constexpr bool answers = std::is_same_v<Stack, withal::suppressing_exit_stack>;

    value run(world& in, const block& b) {
        using strong = manager<answers ? strength::answers : strength::fails>;
        Stack stack(b.policy);
        value result;
        std::exception_ptr error;
        try {
            for (const step& each : b.steps) {
                stack.enter(strong(in, each));
            }
            result = run_body(*this, in, b);
        } catch (...) {
            error = std::current_exception();
        }
        Stack moved = stack.pop_all();
        if (error == nullptr) {
            moved.close(result.is == value::kind::failure
                            ? withal::detail::outcome_access::failure_value()
                            : outcome::success());
            return result;
        }
        if constexpr (answers) {
            const verdict said = moved.close(outcome::failure(error));
            if (said.suppresses()) {
                return {};
            }
            error = said.replacement() != nullptr ? said.replacement() : error;
        } else {
            moved.close(outcome::failure(error));
        }
        std::rethrow_exception(error);
    }
};

/// A stack as a manager.
template <class Stack>
struct with_stack {
    static constexpr const char* name = "with(exit_stack)";

    value run(world& in, const block& b) {
        switch (b.policy) {
        case both_failed::replace:
            return run_by<both_failed::replace>(in, b);
        case both_failed::group:
            return run_by<both_failed::group>(in, b);
        default:
            return run_by<both_failed::keep_body>(in, b);
        }
    }

    template <both_failed Policy>
    value run_by(world& in, const block& b) {
        using strong = manager<closes_stack<Stack>::answers ? strength::answers : strength::fails>;
        return value_of(withal::with<Policy>(Stack(b.policy), [&](Stack& stack) {
            for (const step& each : b.steps) {
                stack.enter(strong(in, each));
            }
            return run_body(*this, in, b);
        }));
    }
};

struct with_all {
    static constexpr const char* name = "with(all())";
    bool strongest = false;

    value run(world& in, const block& b) {
        return strongest || strength_of(b) == strength::answers ? run_by<strength::answers>(in, b)
                                                                : run_by<strength::fails>(in, b);
    }

    template <strength Strength>
    value run_by(world& in, const block& b) {
        return with_managers<Strength>(in, b, [&](auto&... m) {
            return value_of(
                withal::with(withal::all(m...), [&](auto&) { return run_body(*this, in, b); }));
        });
    }
};

// --- the comparison ---

struct record {
    std::vector<std::string> events;
    std::string result;
    friend bool operator==(const record&, const record&) = default;
};

template <class Form>
record record_of(world& in, Form form, const block& b) {
    record made;
    try {
        const value v = form.run(in, b);
        made.result = v.is == value::kind::missing  ? "missing"
                      : v.is == value::kind::number ? std::to_string(v.number)
                                                    : "failure " + std::to_string(v.number);
    } catch (...) {
        made.result = in.whole_name_of(std::current_exception());
    }
    made.events = in.events();
    if (in.live_resources != 0) {
        made.events.push_back(std::to_string(in.live_resources) + " resources live");
    }
    return made;
}

record said_by_hand(const block& b, manners how) {
    plain_world world;
    return record_of(world, by_hand{world, how}, b);
}

std::string text_of(const record& r) {
    std::string text;
    for (const std::string& each : r.events) {
        text += "  " + each + "\n";
    }
    return text + "  came to: " + r.result + "\n";
}

class comparison {
public:
    comparison(std::uint64_t seed, const block& program) : seed_(seed), program_(&program) {}

    template <class Form>
    void expect(const record& expected, Form form, const block& b) {
        const std::size_t known = withal::detail::secondaries.size();
        record found;
        {
            withals_world world;
            found = record_of(world, form, b);
        }
        if (withal::detail::secondaries.size() != known) {
            found.events.push_back("secondary errors outlive their primaries");
        }
        judge(expected, found, Form::name);
    }

    void judge(const record& expected, const record& found, const char* form) {
        same_ = same_ && found == expected;
        if (found != expected) {
            ADD_FAILURE() << form << " differs from what was said by hand; WITHAL_PROGRAM=" << seed_
                          << "\n"
                          << text_of(*program_) << "by hand:\n"
                          << text_of(expected) << "found:\n"
                          << text_of(found);
        }
    }

    [[nodiscard]] bool same() const { return same_; }

private:
    std::uint64_t seed_;
    const block* program_;
    bool same_ = true;
};

/// Runs a program in every form that can express it.
bool same_in_every_form(std::uint64_t seed) {
    const block program = program_of(seed);
    const block single = split(program);
    const bool none_answers = !some_block(
        program, [](const block& each) { return strength_of(each) == strength::answers; });
    const bool groups = is_any_group(program);
    comparison is(seed, program);

    const record plain = said_by_hand(program, {});
    const record quiet = said_by_hand(program, {.quiet_managers = true});
    is.expect(plain, flat_with{.strongest = true}, program);
    is.expect(quiet, flat_with(), program);
    is.expect(plain, flat_try{.strongest = true}, program);
    is.expect(quiet, flat_try(), program);
    is.expect(plain, flat_or(), program);

    const record nested = said_by_hand(single, {});
    const record nested_quiet = said_by_hand(single, {.quiet_managers = true});
    is.expect(nested, flat_with{.strongest = true}, single);
    is.expect(nested_quiet, flat_with(), single);
    is.expect(nested_quiet, decorated(), single);
    if (!groups) {
        is.judge(plain, nested, "the nested program");
    }
    if (none_answers) {
        is.expect(nested, erased(), single);
    }
    const auto replaces = [](const step& each) {
        return each.leaves == leaving::replaces || each.leaves == leaving::replaces_by_first;
    };
    if (!some_block(program, [&](const block& each) { return some_step(each, replaces); })) {
        is.expect(nested, generators(), single);
    }

    const record kept = said_by_hand(program, {.keeps_value = true});
    is.expect(kept, closes_stack<withal::suppressing_exit_stack>(), program);
    if (none_answers) {
        is.expect(kept, closes_stack<withal::exit_stack>(), program);
    }
    const record answered = said_by_hand(program, {.keeps_value = true, .answers = manners::stack});
    is.expect(answered, with_stack<withal::suppressing_exit_stack>(), program);
    if (none_answers) {
        is.expect(answered, with_stack<withal::exit_stack>(), program);
    }
    // all() has one policy, and no body to skip when an enter() in it fails.
    const auto unlike_all = [](const block& each) {
        return each.policy != both_failed::keep_body ||
               (some_step(each, [](const step& s) { return s.fails_to_enter; }) &&
                some_step(each, [](const step& s) { return s.leaves == leaving::suppresses; }));
    };
    if (!some_block(program, unlike_all)) {
        is.expect(said_by_hand(program, {.keeps_value = true, .answers = manners::all}),
                  with_all(),
                  program);
    }
    return is.same();
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t programs_by_default = 10'000;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint64_t programs_by_default = 10'000;
#else
constexpr std::uint64_t programs_by_default = 100'000;
#endif
#else
constexpr std::uint64_t programs_by_default = 100'000;
#endif

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable); // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// A part of the programs, so that the parts run at once.
class proof_programs : public testing::TestWithParam<std::uint64_t> {};
constexpr std::uint64_t parts = 8;

TEST_P(proof_programs, are_the_same_by_hand_and_in_every_form_of_withal) {
    const std::uint64_t only = number_from("WITHAL_PROGRAM", 0);
    if (only != 0) {
        EXPECT_TRUE(same_in_every_form(only)) << text_of(program_of(only));
        return;
    }
    const std::uint64_t count = number_from("WITHAL_PROGRAMS", programs_by_default);
    const std::uint64_t first = 1 + count * GetParam() / parts;
    const std::uint64_t end = 1 + count * (GetParam() + 1) / parts;
    int differ = 0;
    for (std::uint64_t seed = first; seed < end && differ < 3; ++seed) {
        differ += same_in_every_form(seed) ? 0 : 1;
    }
    std::cout << "programs with the seeds " << first << " to " << end - 1 << "\n";
}

INSTANTIATE_TEST_SUITE_P(part, proof_programs, testing::Range<std::uint64_t>(0, parts));

} // namespace

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>
#include <withal/core/testing/allocations.hpp>
#include <withal/core/testing/fault_plan.hpp>
#include <withal/core/testing/planned_failure.hpp>
#include <withal/core/testing/throw_at_nth.hpp>

#include <concepts>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace withal::testing {

/// Runs a scenario again and again, while the first step fails, the second, and so on, until a run
/// comes to its end without a failure: the sweep that shows what happens wherever it breaks.
///
///     const std::size_t steps = testing::for_each_failure([](testing::throw_at_nth& failure) {
///         with(on_exit([&] { failure.step(); }), [&] {
///             failure.step();
///         });
///     }); // 2
///
/// `scenario(throw_at_nth&)` calls step() where something can fail. What must hold after a run is
/// said in the scenario, or in `check(const throw_at_nth&)`, which is called after each run, the
/// last included: done() tells whether the failure came. Both may leave out the argument.
///
/// **Returns.** How many steps there were: so many runs failed. Compare it with what you expect: a
/// sweep over nothing passes.
/// **Throws.** What the scenario throws, unless the failure of this run has happened and it is a
/// planned_failure; logic_error if there is no end after 10000 runs.
template <class Scenario>
    requires(!std::same_as<Scenario, fault>)
[[nodiscard]] std::size_t for_each_failure(Scenario scenario);
template <class Scenario, class Check>
    requires(!std::same_as<Scenario, fault>)
[[nodiscard]] std::size_t for_each_failure(Scenario scenario, Check check);

/// The same with a `scenario(fault_plan&)` whose first enter fails, its second, and so on; or its
/// exits; or its allocations.
///
///     const std::size_t exits = testing::for_each_failure(
///         testing::fault::exit, [](testing::fault_plan& plan) {
///             with(plan.faulty(null_context()), plan.faulty(null_context()), [] {});
///         }); // 2
///
/// Failing allocations end a run by std::bad_alloc. How many there are depends on the standard
/// library and on what the compiler leaves out, so expect a least number. The check is not counted.
template <class Scenario>
[[nodiscard]] std::size_t for_each_failure(fault what, Scenario scenario);
template <class Scenario, class Check>
[[nodiscard]] std::size_t for_each_failure(fault what, Scenario scenario, Check check);

} // namespace withal::testing

//
// Implementation
//

namespace withal::detail {

template <class F, class Plan>
void call_with_plan(F& f, Plan& plan) {
    if constexpr (std::is_invocable_v<F&, Plan&>) {
        static_cast<void>(f(plan));
    } else {
        static_assert(std::is_invocable_v<F&>,
                      "withal::testing::for_each_failure: the scenario and the check are called "
                      "with the plan, throw_at_nth& or fault_plan&, or with nothing");
        static_cast<void>(f());
    }
}

/// Runs the scenario with make(1), make(2), ... until one whose failure did not come.
template <class Error, class Make, class Scenario, class Check>
std::size_t sweep(Make make, Scenario& scenario, Check& check) {
    constexpr std::size_t most = 10'000;
    for (std::size_t nth = 1; nth <= most; ++nth) {
        auto plan = make(nth);
        try {
            detail::call_with_plan(scenario, plan);
        } catch (const Error&) {
            if (!plan.done()) {
                throw;
            }
        }
        const testing::uncounted checking;
        detail::call_with_plan(check, std::as_const(plan));
        if (!plan.done()) {
            return nth - 1;
        }
    }
    throw logic_error("withal::testing::for_each_failure: 10000 runs failed and there is no end; "
                      "does the scenario try again for ever?");
}

} // namespace withal::detail

namespace withal::testing {

template <class Scenario, class Check>
    requires(!std::same_as<Scenario, fault>)
std::size_t for_each_failure(Scenario scenario, Check check) {
    return withal::detail::sweep<planned_failure>(
        [](std::size_t nth) { return throw_at_nth(nth); }, scenario, check);
}

template <class Scenario>
    requires(!std::same_as<Scenario, fault>)
std::size_t for_each_failure(Scenario scenario) {
    return testing::for_each_failure(static_cast<Scenario&&>(scenario), [] {});
}

template <class Scenario, class Check>
std::size_t for_each_failure(fault what, Scenario scenario, Check check) {
    const auto make = [what](std::size_t nth) { return fault_plan(what, nth); };
    if (what == fault::allocation) {
        return withal::detail::sweep<std::bad_alloc>(make, scenario, check);
    }
    return withal::detail::sweep<planned_failure>(make, scenario, check);
}

template <class Scenario>
std::size_t for_each_failure(fault what, Scenario scenario) {
    return testing::for_each_failure(what, static_cast<Scenario&&>(scenario), [] {});
}

} // namespace withal::testing

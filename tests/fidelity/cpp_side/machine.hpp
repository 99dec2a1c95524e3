// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "managers.hpp"
#include "runner.hpp"
#include <withal/core/adapt.hpp>
#include <withal/core/any_manager.hpp>
#include <withal/core/decorate.hpp>
#include <withal/core/exit_stack.hpp>
#include <withal/core/managed.hpp>
#include <withal/core/manager.hpp>
#include <withal/core/with.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// The interpreter. Where C++ needs types, the program chooses among those that withal has for it;
// a `with` of several managers takes each as one that may suppress (boxed) or may not (firm).
namespace fidelity {

using withal::both_failed;
using withal::entered_t;
using withal::may_suppress;

using generator = withal::managed<int>;
using suppressing_generator = withal::suppressing_managed<int>;
using closing = decltype(withal::closing(std::declval<closer>()));
using null_value = decltype(withal::null_context(std::declval<int>()));
template <class... E>
using suppressing = decltype(withal::suppress<E...>());

/// Managers that stay where they are and are used as often as the program likes.
using shared_manager = std::variant<firm,
                                    asking,
                                    generator,
                                    suppressing_generator,
                                    null_value,
                                    closing,
                                    suppressing<E0>,
                                    suppressing<E1>,
                                    suppressing<E2>,
                                    suppressing<E3>,
                                    suppressing<X0>,
                                    suppressing<E1, E2>,
                                    suppressing<E3, X0>,
                                    suppressing<E2, X0>>;

/// Any manager as one that may suppress and gives the word for what it gave. It is made when it is
/// entered, as the managers of a Python `with` are.
class boxed {
public:
    struct inside {
        inside() = default;
        inside(const inside&) = delete;
        inside& operator=(const inside&) = delete;
        virtual ~inside() = default;
        virtual std::string enter() = 0;
        virtual withal::verdict exit(const withal::outcome& left) = 0;
    };
    explicit boxed(std::function<std::unique_ptr<inside>()> make) : make_(std::move(make)) {}

    std::string enter() {
        inside_ = make_();
        return inside_->enter();
    }
    withal::verdict exit(const withal::outcome& left) { return inside_->exit(left); }

private:
    std::function<std::unique_ptr<inside>()> make_;
    std::unique_ptr<inside> inside_;
};

/// Runs one program.
template <both_failed Policy>
class machine : public runner {
public:
    explicit machine(const json& program)
        : program_(program), suppresses_(some_manager_suppresses(program)) {}

    /// The events of the program.
    std::string run_program() {
        try {
            for (const json& spec : program_.at("shared")) {
                make<void>(spec, "", [this]<class M>(M&& manager) {
                    if constexpr (std::constructible_from<shared_manager, M>) {
                        shared_.push_back(
                            std::make_unique<shared_manager>(std::forward<M>(manager)));
                    } else {
                        throw std::invalid_argument("this manager cannot be shared");
                    }
                });
            }
            say("end " + text_of(run(program_.at("body"))));
        } catch (...) {
            say("end raised " + shown(std::current_exception()));
        }
        return log();
    }

    value run(const json& statements) override {
        for (const json& each : statements) {
            if (const value result = run_one(each); result.has) {
                return result;
            }
        }
        return {};
    }

    named_stack& stack(const std::string& name) override { return *stacks_.at(name); }

private:
    /// Calls use(manager) with a new manager, or with a shared one as an lvalue. If it is an entry
    /// of a stack, that is its name.
    template <class Result, class Use>
    Result make(const json& spec, const std::string& stack, Use use) {
        if (const auto shared = spec.find("use"); shared != spec.end()) {
            return std::visit([&use](auto& manager) -> Result { return use(manager); },
                              *shared_.at(shared->template get<std::size_t>()));
        }
        const auto& kind = spec.at("kind").template get_ref<const std::string&>();
        const bool erase = spec.value("erased", false);
        if (kind == "class") {
            if (answers(spec.at("exit").at("answer"))) {
                return use(asking(*this, spec, stack));
            }
            return erase ? use(withal::any_manager<int>(firm(*this, spec, stack)))
                         : use(firm(*this, spec, stack));
        }
        if (kind == "generator") {
            if (!spec.at("quiet").template get<bool>()) {
                return use(generate<suppressing_generator>(*this, spec));
            }
            return erase ? use(withal::any_manager<int&>(generate<generator>(*this, spec)))
                         : use(generate<generator>(*this, spec));
        }
        if (kind == "suppress") {
            return make_suppress<Result>(spec.at("classes"), use);
        }
        if (kind == "null") {
            return use(withal::null_context(spec.at("value").template get<int>()));
        }
        if (kind == "closing") {
            return use(withal::closing(closer(*this, spec)));
        }
        if (kind == "stack") {
            return suppresses_ ? use(filled<withal::suppressing_exit_stack>(spec))
                               : use(filled<withal::exit_stack>(spec));
        }
        throw std::invalid_argument("there is no manager " + spec.dump());
    }

    template <class Result, class Use>
    static Result make_suppress(const json& classes, Use& use) {
        std::string names;
        for (const json& each : classes) {
            names += each.get<std::string>();
        }
        using withal::suppress;
        return names == "E0"     ? use(suppress<E0>())
               : names == "E1"   ? use(suppress<E1>())
               : names == "E2"   ? use(suppress<E2>())
               : names == "E3"   ? use(suppress<E3>())
               : names == "X0"   ? use(suppress<X0>())
               : names == "E1E2" ? use(suppress<E1, E2>())
               : names == "E3X0" ? use(suppress<E3, X0>())
               : names == "E2X0" ? use(suppress<E2, X0>())
                                 : throw std::invalid_argument("no type suppresses " + names);
    }

    template <class Stack>
    class stack_of : public named_stack {
    public:
        stack_of(machine& with, std::string name, Stack& stack)
            : machine_(with), name_(std::move(name)), stack_(stack) {}

        void add(const json& entry) override {
            if (const auto manager = entry.find("push"); manager != entry.end()) {
                push(*manager);
            } else if (const auto function = entry.find("function"); function != entry.end()) {
                push_function(*function);
            } else {
                push_callback(entry.at("callback"));
            }
        }
        std::string enter(const json& spec) override {
            return machine_.template make<std::string>(
                spec, name_, [&]<class M>(M&& manager) -> std::string {
                    if constexpr (may_suppress<M> && !may_suppress<Stack>) {
                        throw std::logic_error("a manager that may suppress is on an exit_stack");
                    } else if constexpr (std::is_void_v<entered_t<M>>) {
                        stack_.enter(std::forward<M>(manager));
                        return "-";
                    } else {
                        return machine_.word(spec, stack_.enter(std::forward<M>(manager)));
                    }
                });
        }
        std::optional<value> pop(const json& statement) override {
            return settled(withal::with<Policy>(stack_.pop_all(), [&](Stack& popped) {
                return machine_.run_body(statement, machine_.known(statement.at("as"), popped));
            }));
        }
        void close() override { stack_.close(); }

    private:
        void push(const json& spec) {
            if (!answers(spec.at("exit").at("answer"))) {
                stack_.push(firm(machine_, spec, name_));
            } else if constexpr (may_suppress<Stack>) {
                stack_.push(asking(machine_, spec, name_));
            } else {
                throw std::logic_error("a manager that may suppress is on an exit_stack");
            }
        }
        void push_function(const json& spec) {
            if (answers(spec.at("exit").at("answer"))) {
                push(spec);
            } else {
                stack_.defer([with = &machine_, &spec, name = name_](const withal::outcome& left) {
                    leave(*with, spec, name, left);
                });
            }
        }
        void push_callback(const json& spec) {
            stack_.defer([with = &machine_, &spec] {
                with->say("callback " + spec.at("name").template get<std::string>());
                if (const json& kind = spec.at("raise"); !kind.is_null()) {
                    with->raise(kind);
                }
            });
        }

        machine& machine_;
        std::string name_;
        Stack& stack_;
    };

    template <class Stack>
    Stack filled(const json& spec) {
        Stack made(Policy);
        stack_of<Stack> entries(*this, spec.at("name"), made);
        for (const json& each : spec.at("entries")) {
            entries.add(each);
        }
        return made;
    }

    /// The word for what a manager gave.
    std::string word(const json&, int number) { return std::to_string(number); }
    std::string word(const json&, const std::string& already) { return already; }
    std::string word(const json&, const closer& object) { return object.name(); }
    template <class Stack>
        requires std::same_as<Stack, withal::exit_stack> ||
                 std::same_as<Stack, withal::suppressing_exit_stack>
    std::string word(const json& spec, Stack& stack) {
        return known(spec.at("name"), stack);
    }

    /// From now on the stack is the one that has this name.
    template <class Stack>
    std::string known(const std::string& name, Stack& stack) {
        stacks_[name] = std::make_unique<stack_of<Stack>>(*this, name, stack);
        return name;
    }

    /// What `with` returned, whether the managers may suppress or not.
    static std::optional<value> settled(std::optional<value> result) { return result; }

    template <class M>
    class box : public boxed::inside {
    public:
        box(machine& with, const json& spec, M&& manager)
            : machine_(with), spec_(spec), manager_(std::forward<M>(manager)) {}

        std::string enter() override {
            if constexpr (std::is_void_v<entered_t<M>>) {
                manager_.enter();
                return "-";
            } else {
                auto&& given = manager_.enter();
                return machine_.word(spec_, given);
            }
        }
        withal::verdict exit(const withal::outcome& left) override {
            using protocol = withal::detail::protocol<std::remove_cvref_t<M>>;
            if constexpr (may_suppress<M>) {
                return protocol::exit(manager_, left);
            } else {
                protocol::exit(manager_, left);
                return withal::verdict::propagate;
            }
        }

    private:
        machine& machine_;
        const json& spec_;
        M manager_;
    };

    boxed in_box(const json& spec) {
        return boxed([this, &spec] {
            return make<std::unique_ptr<boxed::inside>>(
                spec, "", [&]<class M>(M&& manager) -> std::unique_ptr<boxed::inside> {
                    return std::make_unique<box<M>>(*this, spec, std::forward<M>(manager));
                });
        });
    }

    static bool is_firm(const json& spec) {
        return spec.contains("kind") && spec.at("kind") == "class" &&
               !answers(spec.at("exit").at("answer"));
    }

    /// A `with` of one manager: the type itself.
    std::optional<value> with_one(const json& statement) {
        const json& spec = statement.at("with").front();
        return make<std::optional<value>>(
            spec, "", [&]<class M>(M&& manager) -> std::optional<value> {
                if constexpr (std::is_void_v<entered_t<M>>) {
                    return settled(withal::with<Policy>(std::forward<M>(manager),
                                                        [&] { return run_body(statement, "-"); }));
                } else {
                    return settled(withal::with<Policy>(std::forward<M>(manager), [&](auto& given) {
                        return run_body(statement, word(spec, given));
                    }));
                }
            });
    }

    /// A `with` of several, those made so far before the others.
    template <class... M>
    std::optional<value> with_some(const json& statement, M... made) {
        const json& specs = statement.at("with");
        if constexpr (sizeof...(M) >= 2) {
            if (specs.size() == sizeof...(M)) {
                return settled(withal::with<Policy>(std::move(made)..., [&](auto&... given) {
                    std::size_t at = 0;
                    std::string words;
                    ((words += (at == 0 ? "" : " ") + word(specs.at(at), given), ++at), ...);
                    return run_body(statement, words);
                }));
            }
        }
        if constexpr (sizeof...(M) < 4) {
            const json& next = specs.at(sizeof...(M));
            return is_firm(next) ? with_some(statement, std::move(made)..., firm(*this, next))
                                 : with_some(statement, std::move(made)..., in_box(next));
        } else {
            throw std::invalid_argument("a with of more than four managers");
        }
    }

    value run_body(const json& statement, const std::string& given) {
        say("body " + statement.at("id").get<std::string>() + " " + given);
        return run(statement.at("body"));
    }

    /// Says how a block ended, and what the body around returns at once.
    value ended(const json& statement, const char* what, const std::optional<value>& result) {
        say(std::string(what) + " " + statement.at("id").get<std::string>() + " " +
            (result ? text_of(*result) : "suppressed"));
        return result && statement.value("returns", false) ? *result : value();
    }

    value run_one(const json& statement) {
        if (const auto managers = statement.find("with"); managers != statement.end()) {
            return ended(statement,
                         "with",
                         managers->size() == 1 ? with_one(statement) : with_some(statement));
        }
        if (const auto manager = statement.find("call"); manager != statement.end()) {
            call(statement, *manager);
        } else if (const auto popped = statement.find("pop"); popped != statement.end()) {
            return ended(statement, "with", stack(*popped).pop(statement));
        } else if (const auto entered = statement.find("enter"); entered != statement.end()) {
            say("got " + stack(statement.at("on")).enter(*entered));
        } else if (const auto closed = statement.find("close"); closed != statement.end()) {
            stack(*closed).close();
        } else if (const auto kind = statement.find("raise"); kind != statement.end()) {
            raise(*kind);
        } else if (const auto number = statement.find("return"); number != statement.end()) {
            return {true, *number};
        } else if (const auto tried = statement.find("try"); tried != statement.end()) {
            return try_to(statement, *tried);
        } else {
            stack(statement.at("on")).add(statement);
        }
        return {};
    }

    value try_to(const json& statement, const json& statements) {
        try {
            return run(statements);
        } catch (...) {
            const std::exception_ptr error = std::current_exception();
            if (!is_a(error, statement.at("catch").get_ref<const std::string&>())) {
                throw;
            }
            say("caught " + statement.at("id").get<std::string>() + " " + shown(error));
            return {};
        }
    }

    void call(const json& statement, const json& spec) {
        const auto body = [&] {
            say("body " + statement.at("id").get<std::string>());
            return run(statement.at("body"));
        };
        const auto call_often = [&](auto&& decorated) {
            for (int n = statement.at("times"); n > 0; --n) {
                ended(statement, "call", settled(decorated()));
            }
        };
        if (const auto shared = spec.find("use"); shared != spec.end()) {
            shared_manager& manager = *shared_.at(shared->template get<std::size_t>());
            if (auto* const one = std::get_if<firm>(&manager)) {
                call_often(withal::decorate<Policy>(*one, body));
            } else {
                call_often(withal::decorate<Policy>(std::get<asking>(manager), body));
            }
        } else if (spec.at("kind") == "class") {
            if (is_firm(spec)) {
                call_often(withal::decorate<Policy>(firm(*this, spec), body));
            } else {
                call_often(withal::decorate<Policy>(asking(*this, spec), body));
            }
        } else if (spec.at("quiet").get<bool>()) {
            call_often(
                withal::decorate<Policy>([&] { return generate<generator>(*this, spec); }, body));
        } else {
            call_often(withal::decorate<Policy>(
                [&] { return generate<suppressing_generator>(*this, spec); }, body));
        }
    }

    const json& program_;
    bool suppresses_;
    std::vector<std::unique_ptr<shared_manager>> shared_;
    std::map<std::string, std::unique_ptr<named_stack>> stacks_;
};

std::string run_with_replace(const json& program);
std::string run_with_keep_body(const json& program);

} // namespace fidelity

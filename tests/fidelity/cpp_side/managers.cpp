// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "managers.hpp"

#include <stdexcept>

namespace fidelity {

bool answers(const json& answer) {
    const auto suppresses = answer.find("return");
    return answer.contains("suppress") || answer.contains("replace") ||
           (suppresses != answer.end() && suppresses->get<bool>());
}

bool some_manager_suppresses(const json& part) {
    if (part.is_object()) {
        const std::string kind = part.value("kind", "");
        const auto answer = part.find("answer");
        if (kind == "suppress" || (kind == "generator" && !part.at("quiet").get<bool>()) ||
            (answer != part.end() && answers(*answer))) {
            return true;
        }
    }
    for (const json& inside : part) {
        if (inside.is_structured() && some_manager_suppresses(inside)) {
            return true;
        }
    }
    return false;
}

int enter(runner& with, const json& spec) {
    with.say("enter " + spec.at("name").get<std::string>());
    const json& enters = spec.at("enter");
    if (const auto inside = enters.find("run"); inside != enters.end()) {
        with.run(*inside);
    }
    if (const auto kind = enters.find("raise"); kind != enters.end()) {
        with.raise(*kind);
    }
    return enters.at("value");
}

withal::verdict
leave(runner& with, const json& spec, const std::string& stack, const withal::outcome& left) {
    const std::exception_ptr error = left.exception();
    const json& exit = spec.at("exit");
    with.say("exit " + spec.at("name").get<std::string>() + " " + with.shown(error));
    if (const auto inside = exit.find("run"); inside != exit.end()) {
        with.run_in_exit(*inside);
    }
    if (const auto entries = exit.find("adds"); entries != exit.end()) {
        for (const json& each : *entries) {
            with.stack(stack).add(each);
        }
    }
    const json& answer = exit.at("answer");
    const std::string& does = answer.begin().key();
    const json& what = answer.begin().value();
    if (does == "return") {
        return what.get<bool>() ? withal::verdict::suppress : withal::verdict::propagate;
    }
    if (does == "raise") {
        with.raise(what);
    }
    if (error == nullptr) {
        return withal::verdict::propagate;
    }
    if (does == "suppress") {
        return is_a(error, what.get<std::string>()) ? withal::verdict::suppress
                                                    : withal::verdict::propagate;
    }
    if (does == "replace") {
        return withal::verdict::replace(with.next_error(what));
    }
    if (does == "reraise") {
        std::rethrow_exception(error);
    }
    if (does == "root") {
        const withal::error_list chain = withal::secondary_errors(error);
        std::rethrow_exception(chain.empty() ? error : chain.back());
    }
    throw std::invalid_argument("there is no answer " + does);
}

} // namespace fidelity

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/error.hpp>
#include <withal/core/outcome.hpp>
#include <withal/core/testing.hpp>
#include <withal/core/verdict.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string>
#include <vector>

namespace withal_test {

/// A run in which every step of the user's code may fail, and which keeps the books: what was
/// entered must be exited once, in reverse order, and every object made must end.
class trial {
public:
    trial() = default;
    trial(const trial&) = delete;
    trial& operator=(const trial&) = delete;
    virtual ~trial() = default;

    /// Something of the user's happens, and may fail.
    virtual void step() = 0;
    /// Somebody saw an error, and let it end.
    virtual void ends_here(const std::exception_ptr& error) { static_cast<void>(error); }

    void made() noexcept { ++objects_; }
    void ended() noexcept { --objects_; }

    /// Returns the name under which to close it.
    std::size_t open() {
        const withal::testing::uncounted notes;
        open_.push_back(++opened_);
        return opened_;
    }
    void close(std::size_t one) {
        const withal::testing::uncounted notes;
        const auto at = std::ranges::find(open_, one);
        if (at == open_.end()) {
            faults_.push_back(std::to_string(one) + " was closed twice");
            return;
        }
        if (in_order_ && std::next(at) != open_.end()) {
            faults_.push_back(std::to_string(one) + " was closed before the newer ones");
        }
        open_.erase(at);
    }
    /// From here on the newest need not be the first to be closed.
    void in_any_order() noexcept { in_order_ = false; }

    /// What is wrong after the run.
    [[nodiscard]] std::vector<std::string> faults() const {
        std::vector<std::string> all = faults_;
        for (const std::size_t one : open_) {
            all.push_back(std::to_string(one) + " was not closed");
        }
        if (objects_ != 0) {
            all.push_back(std::to_string(objects_) + " objects too many");
        }
        return all;
    }

private:
    int objects_ = 0;
    std::size_t opened_ = 0;
    std::vector<std::size_t> open_;
    std::vector<std::string> faults_;
    bool in_order_ = true;
};

/// Counts the objects of a type that has it as a member; each copy and each move is a step.
class counted {
public:
    explicit counted(trial& in) : in_(&in) {
        in_->step();
        in_->made();
    }
    counted(const counted& other) : counted(*other.in_) {}
    counted& operator=(const counted&) = delete;
    ~counted() { in_->ended(); }

    [[nodiscard]] trial& in() const noexcept { return *in_; }

private:
    trial* in_;
};

/// The same, but its copies and moves do not fail.
class steady {
public:
    explicit steady(trial& in) noexcept : in_(&in) { in_->made(); }
    steady(const steady& other) noexcept : steady(*other.in_) {}
    steady& operator=(const steady&) = delete;
    ~steady() { in_->ended(); }

    [[nodiscard]] trial& in() const noexcept { return *in_; }

private:
    trial* in_;
};

/// What is open from when it is made, under a name that its manager keeps.
struct resource {
    resource(trial& in, std::size_t& open) : body(in) { open = in.open(); }
    counted body;
};

/// How a manager exits: `quiet` and `asks` cannot fail, `answers` suppresses.
enum class exits { quiet, asks, fails, answers };
enum class gives { nothing, value, lent };

/// A manager each of whose operations is a step.
template <exits Exit, gives Given = gives::nothing, class Body = steady>
class player {
public:
    explicit player(trial& in) : body_(in) {}

    void enter()
        requires(Given == gives::nothing)
    {
        in().step();
        open_ = in().open();
    }
    resource enter()
        requires(Given == gives::value)
    {
        return {in(), open_};
    }
    player& enter()
        requires(Given == gives::lent)
    {
        in().step();
        open_ = in().open();
        return *this;
    }

    void exit() noexcept
        requires(Exit == exits::quiet)
    {
        in().close(open_);
    }
    void exit(const withal::outcome& /*left*/) noexcept
        requires(Exit == exits::asks)
    {
        in().close(open_);
    }
    void exit(const withal::outcome& /*left*/)
        requires(Exit == exits::fails)
    {
        in().close(open_);
        in().step();
    }
    withal::verdict exit(const withal::outcome& left)
        requires(Exit == exits::answers)
    {
        in().close(open_);
        in().step();
        in().ends_here(left.exception());
        return withal::verdict::suppress;
    }

private:
    [[nodiscard]] trial& in() const noexcept { return body_.in(); }

    Body body_;
    std::size_t open_ = 0;
};

/// An action that closes what is open from when it is made; then it may fail.
template <class Body = steady, std::size_t Alignment = alignof(void*)>
class alignas(Alignment) task {
public:
    explicit task(trial& in) : body_(in) { open_ = in.open(); }
    void operator()(const withal::outcome& /*left*/) {
        body_.in().close(open_);
        body_.in().step();
    }

private:
    Body body_;
    std::size_t open_ = 0;
};

} // namespace withal_test

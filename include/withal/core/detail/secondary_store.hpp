// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <withal/core/detail/atomic.hpp>
#include <withal/core/detail/error_block.hpp>
#include <withal/core/error_group.hpp>
#include <withal/core/error_list.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <new>
#include <typeinfo>

// Which errors are secondary to which exception object, for as long as that object lives.
//
// C++ gives no room in an exception object and no notice of its end, but the Itanium C++ ABI (Level
// II, 2.2.1) puts a header before every thrown object, with a pointer to the function that destroys
// it. The first secondary error of an object replaces that function by ours, which forgets the
// object's errors and then calls the original. The header of libstdc++ and of libc++abi is the same
// from that pointer on; the exception class word at its end names the runtime that made it, and is
// compared before anything is touched. An object of another runtime goes to a small table that
// keeps the object alive and forgets the oldest.
//
// Lifetime: the destroying function lives in the binary that recorded the error; that binary must
// outlive the exception.
namespace withal::detail {

/// The end of the ABI's header, from the type to the thrown object. 64-bit targets only.
struct exception_header {
    const std::type_info* type;
    void (*destroy)(void*);
    void* handlers[2];
    void* next;
    int counts[2];
    void* cache[4];
    alignas(16) std::uint64_t exception_class;
    std::uint64_t unwind_private[3];
};

inline constexpr bool exception_header_known =
#if defined(__LP64__) && (defined(__GLIBCXX__) || defined(_LIBCPP_VERSION)) &&                     \
    (defined(__x86_64__) || defined(__aarch64__))
    sizeof(exception_header) == 112;
#else
    false;
#endif

inline void* object_of(const std::exception_ptr& error) noexcept {
    static_assert(sizeof(std::exception_ptr) == sizeof(void*));
    void* object = nullptr;
    __builtin_memcpy(static_cast<void*>(&object), &error, sizeof(object));
    return object;
}

/// The header of a thrown object, or null if another runtime made it.
inline exception_header* header_of(void* object) noexcept {
    if (exception_header_known && object != nullptr) {
        constexpr std::uint64_t gnu = 0x474E5543432B2B00;   // "GNUCC++\0"
        constexpr std::uint64_t clang = 0x434C4E47432B2B00; // "CLNGC++\0"
        auto* header = static_cast<exception_header*>(object) - 1;
        if (header->exception_class == gnu || header->exception_class == clang) {
            return header;
        }
    }
    return nullptr;
}

/// The errors that an error_group owns; null for an object that is none.
inline error_block* members_of([[maybe_unused]] void* object) noexcept {
#if !defined(__cpp_rtti)
    return nullptr; // circles through groups cannot be seen
#else
    const exception_header* const header = detail::header_of(object);
    return header != nullptr && *header->type == typeid(error_group)
               ? error_list_access::block(static_cast<error_group*>(object)->errors())
               : nullptr;
#endif
}

/// The process-wide record. Every member may be called from any thread.
class secondary_store {
public:
    /// Records `secondary` under `primary`, unless it is there already or is the same object.
    /// Returns false if there was no memory for it. A chain that would lead back to `primary` is
    /// cut where it names it, as CPython does with `__context__`, or the two would own each other.
    /// A group that owns `primary` is cut too: its other members take its place.
    bool attach(const std::exception_ptr& primary, const std::exception_ptr& secondary) noexcept {
        return attach(primary, secondary, header_of(object_of(primary)));
    }

    /// The errors recorded under `primary`, and under those, depth first.
    /// Throws std::bad_alloc.
    error_list errors_of(const std::exception_ptr& primary) {
        if (load_acquire(entries_) == 0 || primary == nullptr) {
            return {};
        }
        const spin_guard guard(lock_);
        entry* const top = find(object_of(primary));
        if (top == nullptr || top->errors == nullptr) {
            return {};
        }
        if (!nested(*top)) {
            return error_list_access::share(top->errors);
        }
        error_block* flat = error_block::make(2 * top->errors->size());
        ++visit_;
        top->visited = visit_;
        if (flat == nullptr || !flatten(*top, flat)) {
            throw std::bad_alloc();
        }
        return error_list_access::own(flat);
    }

    /// Is `error` recorded under `from`, however deep?
    bool reaches(const std::exception_ptr& from, const std::exception_ptr& error) noexcept {
        if (load_acquire(entries_) == 0) {
            return false;
        }
        const spin_guard guard(lock_);
        entry* const top = find(object_of(from));
        return top != nullptr && !walk(*top, [&error](entry& at) {
                   return !contains(at.errors, error) && !contains(members_of(at.object), error);
               });
    }

    /// How many exceptions are known: 0 when none of them is alive any more.
    [[nodiscard]] std::size_t size() const noexcept { return load_acquire(entries_); }

private:
    friend struct secondary_store_test;

    struct entry {
        void* object;
        void (*destroy)(void*);   // the original
        error_block* errors;      // what is secondary to the object, may be null
        entry* next;              // in the bucket
        entry* work;              // in the list of a walk
        std::exception_ptr alive; // only where the header is unknown: keeps the object alive
        std::size_t visited;      // the number of the last walk that came by
        std::size_t next_child;   // where that walk is
        std::size_t age;
        bool referenced; // some list names the object
    };

    static constexpr std::size_t bucket_count = 64;
    static constexpr std::size_t kept_alive_most = 16;

    bool attach(const std::exception_ptr& primary,
                const std::exception_ptr& secondary,
                exception_header* header) noexcept {
        if (primary == nullptr || secondary == nullptr || primary == secondary) {
            return true;
        }
        std::exception_ptr forgotten; // dropped after the lock: its end comes back here
        error_block* forgotten_errors = nullptr;
        error_block* removed = nullptr;
        bool recorded = false;
        {
            const spin_guard guard(lock_);
            entry* const top = find_or_make(primary, header);
            entry* const below = find_or_make(secondary, header_of(object_of(secondary)));
            if (top != nullptr && below != nullptr) {
                groups_ = groups_ || members_of(object_of(secondary)) != nullptr;
                const bool owned = top->referenced || groups_;
                recorded = contains(top->errors, secondary) ||
                           ((!owned || cut(*below, primary, removed)) &&
                            error_block::append(top->errors, secondary));
                below->referenced = below->referenced || recorded;
            }
            forget_oldest(forgotten, forgotten_errors);
        }
        for (error_block* const ended : {forgotten_errors, removed}) {
            if (ended != nullptr) {
                ended->drop();
            }
        }
        return recorded;
    }

    entry*& bucket(void* object) noexcept {
        return buckets_[(reinterpret_cast<std::uintptr_t>(object) >> 5) % bucket_count];
    }

    entry* find(void* object) noexcept {
        entry* at = bucket(object);
        while (at != nullptr && at->object != object) {
            at = at->next;
        }
        return at;
    }

    entry* find_or_make(const std::exception_ptr& error, exception_header* header) noexcept {
        void* const object = object_of(error);
        entry* known = find(object);
        if (known != nullptr) {
            return known;
        }
        void* const memory = ::operator new(sizeof(entry), std::nothrow);
        if (memory == nullptr) {
            return nullptr;
        }
        entry*& head = bucket(object);
        head = ::new (memory) entry{.object = object,
                                    .destroy = nullptr,
                                    .errors = nullptr,
                                    .next = head,
                                    .work = nullptr,
                                    .alive = nullptr,
                                    .visited = 0,
                                    .next_child = 0,
                                    .age = ++age_,
                                    .referenced = false};
        if (header != nullptr) {
            head->destroy = header->destroy;
            header->destroy = &secondary_store::object_ends;
        } else {
            head->alive = error;
            ++kept_alive_;
        }
        add<std::size_t>(entries_, 1);
        return head;
    }

    entry* unlink(void* object) noexcept {
        entry** at = &bucket(object);
        while (*at != nullptr && (*at)->object != object) {
            at = &(*at)->next;
        }
        entry* const found = *at;
        if (found != nullptr) {
            *at = found->next;
            add<std::size_t>(entries_, static_cast<std::size_t>(-1));
        }
        return found;
    }

    static bool contains(error_block* errors, const std::exception_ptr& error) noexcept {
        return errors != nullptr && errors->contains(error);
    }

    /// Calls visit(entry&) for everything that can be reached from `from`, until it says false.
    template <class Visit>
    bool walk(entry& from, Visit visit) noexcept {
        ++visit_;
        from.visited = visit_;
        from.work = nullptr;
        for (entry* at = &from; at != nullptr;) {
            entry* rest = at->work;
            if (!visit(*at)) {
                return false;
            }
            const auto add_below = [this, &rest](error_block* errors) {
                for (std::size_t child = 0; errors != nullptr && child < errors->size(); ++child) {
                    entry* const below = find(object_of(errors->data()[child]));
                    if (below != nullptr && below->visited != visit_) {
                        below->visited = visit_;
                        below->work = rest;
                        rest = below;
                    }
                }
            };
            add_below(at->errors);
            add_below(members_of(at->object));
            at = rest;
        }
        return true;
    }

    /// Takes `error`, and groups that own it, out of every list that can be reached from `from`.
    /// The groups go to `removed`: they may end with it, and must not while the lock is held.
    bool cut(entry& from, const std::exception_ptr& error, error_block*& removed) noexcept {
        return walk(from, [&error, &removed](entry& at) {
            if (at.errors == nullptr) {
                return true;
            }
            std::size_t capacity = at.errors->size();
            bool whole = !contains(at.errors, error);
            for (std::size_t child = 0; child < at.errors->size(); ++child) {
                const std::exception_ptr& one = at.errors->data()[child];
                error_block* const members = members_of(object_of(one));
                if (contains(members, error)) {
                    whole = false;
                    capacity += members->size();
                    if (!error_block::append(removed, one)) {
                        return false;
                    }
                }
            }
            return whole || replace_without(at, error, capacity);
        });
    }

    static bool
    replace_without(entry& at, const std::exception_ptr& error, std::size_t capacity) noexcept {
        error_block* const shorter = error_block::make(capacity);
        if (shorter == nullptr) {
            return false;
        }
        const auto keep = [shorter, &error](const std::exception_ptr& one) {
            if (one != error && !shorter->contains(one)) {
                shorter->append(one);
            }
        };
        for (std::size_t child = 0; child < at.errors->size(); ++child) {
            const std::exception_ptr& one = at.errors->data()[child];
            error_block* const members = members_of(object_of(one));
            if (contains(members, error)) {
                for (std::size_t each = 0; each < members->size(); ++each) {
                    keep(members->data()[each]);
                }
            } else {
                keep(one);
            }
        }
        at.errors->drop();
        at.errors = shorter;
        return true;
    }

    bool nested(const entry& top) noexcept {
        for (std::size_t at = 0; at < top.errors->size(); ++at) {
            const entry* const below = find(object_of(top.errors->data()[at]));
            if (below != nullptr && below->errors != nullptr) {
                return true;
            }
        }
        return false;
    }

    /// Everything under `top`, depth first, without recursion: a chain may be long.
    bool flatten(entry& top, error_block*& into) noexcept {
        top.next_child = 0;
        top.work = nullptr;
        for (entry* at = &top; at != nullptr;) {
            if (at->errors == nullptr || at->next_child == at->errors->size()) {
                at = at->work;
                continue;
            }
            const std::exception_ptr& error = at->errors->data()[at->next_child++];
            entry* const below = find(object_of(error));
            if (below != nullptr && below->visited == visit_) {
                continue;
            }
            if (!error_block::append(into, error)) {
                into->drop();
                return false;
            }
            if (below != nullptr) {
                below->visited = visit_;
                below->next_child = 0;
                below->work = at;
                at = below;
            }
        }
        return true;
    }

    void forget_oldest(std::exception_ptr& object, error_block*& errors) noexcept {
        if (kept_alive_ <= kept_alive_most) {
            return;
        }
        entry* oldest = nullptr;
        for (entry* head : buckets_) {
            for (entry* at = head; at != nullptr; at = at->next) {
                if (at->alive != nullptr && (oldest == nullptr || at->age < oldest->age)) {
                    oldest = at;
                }
            }
        }
        unlink(oldest->object);
        --kept_alive_;
        object = oldest->alive;
        errors = oldest->errors;
        oldest->~entry();
        ::operator delete(oldest);
    }

    static void object_ends(void* object) noexcept;

    spin_lock lock_;
    entry* buckets_[bucket_count] = {};
    std::size_t entries_ = 0;
    std::size_t kept_alive_ = 0;
    std::size_t visit_ = 0;
    std::size_t age_ = 0;
    bool groups_ = false; // was a group ever recorded?
};

/// What a thread has to drop when it is done with the exception that ends: a chain of ten thousand
/// errors must not become a recursion.
struct ended_errors {
    void* first = nullptr;
    bool draining = false;
};
inline thread_local constinit ended_errors ended_here;

/// One for the process, also across shared libraries built with hidden visibility.
[[gnu::visibility("default")]] inline constinit secondary_store secondaries;

inline void secondary_store::object_ends(void* object) noexcept {
    entry* ended = nullptr;
    {
        const spin_guard guard(secondaries.lock_);
        ended = secondaries.unlink(object);
    }
    if (ended->destroy != nullptr) {
        ended->destroy(object);
    }
    ended->work = static_cast<entry*>(ended_here.first);
    ended_here.first = ended;
    if (ended_here.draining) {
        return;
    }
    ended_here.draining = true;
    while (ended_here.first != nullptr) {
        auto* const next = static_cast<entry*>(ended_here.first);
        ended_here.first = next->work;
        if (next->errors != nullptr) {
            next->errors->drop();
        }
        ::operator delete(next);
    }
    ended_here.draining = false;
}

} // namespace withal::detail

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error: withal::managed: name this resource before the co_yield
#include <withal/withal.hpp>

#include <string>

struct entry {
    std::string name;
    int number;
};

withal::managed<entry> yields_a_temporary() {
    co_yield entry{"first", 1};
}

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs programs with withal: reads them from standard input, one JSON object a line, and prints the
// events of each in a line. The format is in ../README.md.
#include "machine.hpp"

#include <exception>
#include <iostream>
#include <string>

int main() {
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);) {
        try {
            const fidelity::json program = fidelity::json::parse(line);
            std::cout << (program.at("policy") == "replace" ? fidelity::run_with_replace(program)
                                                            : fidelity::run_with_keep_body(program))
                      << '\n';
        } catch (const std::exception& error) {
            std::cout.flush();
            std::cerr << "fidelity: not a program: " << error.what() << '\n' << line << '\n';
            return 2;
        }
    }
    return std::cout.flush() ? 0 : 1;
}

// SPDX-License-Identifier: Apache-2.0
#include "cli/confirm.hpp"

#include "cli/output.hpp"

#include <iostream>
#include <string>

namespace davit::cli {

bool confirm(std::string_view warning) {
    const std::string question =
        std::string(warning) + "\nAre you sure you want to continue? [y/N] ";
    if (!print(question)) return false;
    std::string answer;
    return std::getline(std::cin, answer) && (answer == "y" || answer == "Y");
}

}  // namespace davit::cli

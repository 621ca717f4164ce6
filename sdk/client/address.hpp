// SPDX-License-Identifier: Apache-2.0
// Where a daemon is reached: a unix socket, or a program that carries the connection on its stdin
// and stdout (ssh, davit-dial). Plain data.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace davit::sdk {

struct Address {
    Address(std::string socket) : path(std::move(socket)), shown(path) {}
    Address(const char* socket) : Address(std::string(socket)) {}
    Address(std::vector<std::string> program, std::string name)
        : command(std::move(program)), shown(std::move(name)) {}

    std::string path;                  // of the unix socket
    std::vector<std::string> command;  // instead: argv of the program, found on PATH
    std::string shown;                 // in errors
};

}  // namespace davit::sdk

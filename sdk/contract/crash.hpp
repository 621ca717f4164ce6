// SPDX-License-Identifier: Apache-2.0
// kill -9 at a chosen point of an operation: for the suites that ask what a crash leaves. One
// thread.
#pragma once

#include <functional>

namespace davit::sdk::contract {

enum class Ending {
    killed,     // before the system call that was asked for
    succeeded,  // it came to its end before
    failed,     // the operation, or its preparation
};

// Runs `prepare` and then `operation` in a process of its own, and kills that before the system
// call number `point` of the operation, counting from 0 those of all its threads that may change
// something outside the process: between others a crash leaves the same.
Ending run_and_kill(const std::function<bool()>& prepare, const std::function<bool()>& operation,
                    int point);

}  // namespace davit::sdk::contract

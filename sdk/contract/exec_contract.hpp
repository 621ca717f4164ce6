// SPDX-License-Identifier: Apache-2.0
// The definition of an exec driver, as GoogleTest cases that run against any file which exports
// one. Used by tests/contract, by davit-conform, and by vendors, who link davit::contract_exec.
// Needs root and a static busybox at /bin/busybox: containers are really run.
#pragma once

#include "davit/module.h"

#include <functional>
#include <string>

namespace davit::sdk::contract {

struct ExecSubject {
    std::string name;                             // of the test suite in reports: "Native"
    std::function<const davit_driver*()> driver;  // loads the file; asked once, by the first case
    std::string config = "{}";                    // of every instance that a case opens
    std::string executables;  // directory of what the host lends by davit.host.launch/1; empty: it
                              // lends nothing
};

// Makes one test "<name>ExecContract.<promise>" of every case. Call before RUN_ALL_TESTS; the
// subject is kept to the end of the process.
void register_exec_contract(ExecSubject subject);

}  // namespace davit::sdk::contract

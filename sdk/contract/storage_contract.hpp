// SPDX-License-Identifier: Apache-2.0
// The definition of a storage driver, as GoogleTest cases that run against any file which exports
// one. Used by tests/contract, by davit-conform, and by vendors, who link davit::contract_storage.
// Needs root (CAP_SYS_ADMIN): mounts are looked at, in a mount namespace of the test's own.
#pragma once

#include "davit/module.h"

#include <functional>
#include <string>

namespace davit::sdk::contract {

struct StorageSubject {
    std::string name;                             // of the test suite in reports: "overlay"
    std::function<const davit_driver*()> driver;  // loads the file; asked once, by the first case
    std::string config = "{}";                    // of every instance that a case opens
};

// Makes one test "<name>StorageContract.<promise>" of every case. Call before RUN_ALL_TESTS; the
// subject is kept to the end of the process.
void register_storage_contract(StorageSubject subject);

}  // namespace davit::sdk::contract

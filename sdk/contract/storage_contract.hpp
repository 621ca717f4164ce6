// SPDX-License-Identifier: Apache-2.0
// The definition of a storage driver, as GoogleTest cases that run against any file which exports
// one. Used by tests/contract, by davit-conform, and by vendors, who link davit::contract_storage.
// Needs root (CAP_SYS_ADMIN): mounts are looked at, in a mount namespace of the test's own.
#pragma once

#include "davit/module.h"
#include "sdk/base/result.hpp"

#include <functional>
#include <string>

namespace davit::sdk::contract {

struct StorageSubject {
    std::string name;                             // of the test suite in reports: "overlay"
    std::function<const davit_driver*()> driver;  // loads the file; asked once, by the first case
    std::string config = "{}";                    // of every instance that a case opens
    // A directory for the cases' own, for drivers that need a certain file system; empty: $TMPDIR,
    // or /tmp.
    std::function<std::string()> directory = {};
    // Mounts a file system on this directory that is full after few megabytes; empty: a tmpfs.
    std::function<Result<void>(const std::string& path)> mount_small_disk = {};
};

// Makes one test "<name>StorageContract.<promise>" of every case. Call before RUN_ALL_TESTS; the
// subject is kept to the end of the process.
void register_storage_contract(StorageSubject subject);

}  // namespace davit::sdk::contract

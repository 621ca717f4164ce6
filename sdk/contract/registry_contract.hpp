// SPDX-License-Identifier: Apache-2.0
// The definition of a registry driver, as GoogleTest cases against a real registry that the caller
// provides. Used by tests/contract and by vendors, who link davit::contract_registry.
#pragma once

#include "davit/module.h"

#include <functional>
#include <string>

namespace davit::sdk::contract {

struct RegistrySubject {
    std::string name;                             // of the test suite in reports: "Oci"
    std::function<const davit_driver*()> driver;  // loads the file; asked once
    std::string config = "{}";
    // "localhost:5000": a registry that lets anybody push, pull and delete; asked once in each
    // process.
    std::function<std::string()> registry;
};

// Makes one test "<name>RegistryContract.<promise>" of every case. Call before RUN_ALL_TESTS.
void register_registry_contract(RegistrySubject subject);

}  // namespace davit::sdk::contract

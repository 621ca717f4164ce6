// SPDX-License-Identifier: Apache-2.0
// The C++ face of "davit.registry/1". A driver derives from it; every method's promise is written
// in davit/registry.h.
#pragma once

#include "davit/registry.h"
#include "sdk/plugin/entry.hpp"

namespace davit::sdk {

class RegistryDriver {
public:
    virtual ~RegistryDriver() = default;
    virtual Result<void> resolve(const Call& call, const davit_registry_resolve& request) = 0;
    // `fetched.bytes` counts on failure too: the host goes on from there.
    virtual Result<void> fetch(const Call& call, const davit_registry_fetch& request,
                               davit_registry_fetched& fetched) = 0;
    virtual Result<davit_registry_pushed> push_blob(const Call& call,
                                                    const davit_registry_push_blob& request) = 0;
    virtual Result<void> push_manifest(const Call& call,
                                       const davit_registry_push_manifest& request) = 0;
    virtual Result<void> tags(const Call& call, const davit_registry_list& request) = 0;
    virtual Result<void> referrers(const Call& call, const davit_registry_list& request) = 0;
    virtual Result<void> remove(const Call& call, const davit_registry_list& request) = 0;
    virtual Result<void> login(const Call& call, const davit_registry_login& request) = 0;

    const void* get(std::string_view id);
    // The table of an ability beyond davit.registry/1, or nullptr.
    virtual const void* ability(std::string_view) { return nullptr; }
};

inline constexpr davit_registry kRegistryTable = {
    sizeof(davit_registry),
    0,
    thunk<&RegistryDriver::resolve>,
    thunk<&RegistryDriver::fetch>,
    thunk<&RegistryDriver::push_blob>,
    thunk<&RegistryDriver::push_manifest>,
    thunk<&RegistryDriver::tags>,
    thunk<&RegistryDriver::referrers>,
    thunk<&RegistryDriver::remove>,
    thunk<&RegistryDriver::login>,
};

inline const void* RegistryDriver::get(std::string_view id) {
    return id == DAVIT_REGISTRY ? static_cast<const void*>(&kRegistryTable) : ability(id);
}

}  // namespace davit::sdk

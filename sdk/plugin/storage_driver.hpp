// SPDX-License-Identifier: Apache-2.0
// The C++ face of "davit.storage/1". A driver derives from it; every method's promise is written in
// davit/storage.h.
#pragma once

#include "davit/storage.h"
#include "sdk/plugin/entry.hpp"

namespace davit::sdk {

class StorageDriver {
public:
    virtual ~StorageDriver() = default;
    virtual Result<davit_storage_prepared> prepare(const Call& call,
                                                   const davit_storage_prepare& request) = 0;
    virtual Result<davit_storage_mounted> mount(const Call& call,
                                                const davit_storage_mount& request) = 0;
    virtual Result<void> release(const Call& call, const davit_storage_key& request) = 0;
    virtual Result<davit_storage_committed> commit(const Call& call,
                                                   const davit_storage_commit& request) = 0;
    virtual Result<void> remove(const Call& call, const davit_storage_key& request) = 0;
    virtual Result<void> stat(const Call& call, const davit_storage_key& request) = 0;
    virtual Result<void> list(const Call& call) = 0;
    virtual Result<davit_storage_space> usage(const Call& call,
                                              const davit_storage_key& request) = 0;
    virtual Result<void> sync(const Call& call) = 0;
    virtual Result<void> retain(const Call& call, const davit_storage_retain& request) = 0;
    virtual Result<void> check(const Call& call, const davit_storage_check& request) = 0;

    const void* get(std::string_view id);
    // The table of an ability beyond davit.storage/1, or nullptr.
    virtual const void* ability(std::string_view) { return nullptr; }
};

inline constexpr davit_storage kStorageTable = {
    sizeof(davit_storage),          0,
    thunk<&StorageDriver::prepare>, thunk<&StorageDriver::mount>,
    thunk<&StorageDriver::release>, thunk<&StorageDriver::commit>,
    thunk<&StorageDriver::remove>,  thunk<&StorageDriver::stat>,
    thunk<&StorageDriver::list>,    thunk<&StorageDriver::usage>,
    thunk<&StorageDriver::sync>,    thunk<&StorageDriver::retain>,
    thunk<&StorageDriver::check>,
};

inline const void* StorageDriver::get(std::string_view id) {
    return id == DAVIT_STORAGE ? static_cast<const void*>(&kStorageTable) : ability(id);
}

}  // namespace davit::sdk

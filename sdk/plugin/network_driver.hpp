// SPDX-License-Identifier: Apache-2.0
// The C++ face of "davit.network/1". A driver derives from it; every method's promise is written in
// davit/network.h.
#pragma once

#include "davit/network.h"
#include "sdk/plugin/entry.hpp"

namespace davit::sdk {

class NetworkDriver {
public:
    virtual ~NetworkDriver() = default;
    virtual Result<davit_network_created> create_network(const Call& call,
                                                         const davit_network_create& request) = 0;
    virtual Result<void> remove_network(const Call& call, const davit_network_key& request) = 0;
    virtual Result<davit_endpoint_attached> attach(const Call& call,
                                                   const davit_endpoint_attach& request) = 0;
    virtual Result<void> detach(const Call& call, const davit_endpoint_detach& request) = 0;
    virtual Result<void> check(const Call& call, const davit_network_key& request) = 0;
    virtual Result<void> retain(const Call& call, const davit_network_retain& request) = 0;
    virtual Result<davit_endpoint_stats> stats(const Call& call,
                                               const davit_endpoint_key& request) = 0;

    const void* get(std::string_view id);
    // The table of an ability beyond davit.network/1, or nullptr.
    virtual const void* ability(std::string_view) { return nullptr; }
};

inline constexpr davit_network kNetworkTable = {
    sizeof(davit_network),
    0,
    thunk<&NetworkDriver::create_network>,
    thunk<&NetworkDriver::remove_network>,
    thunk<&NetworkDriver::attach>,
    thunk<&NetworkDriver::detach>,
    thunk<&NetworkDriver::check>,
    thunk<&NetworkDriver::retain>,
    thunk<&NetworkDriver::stats>,
};

inline const void* NetworkDriver::get(std::string_view id) {
    return id == DAVIT_NETWORK ? static_cast<const void*>(&kNetworkTable) : ability(id);
}

}  // namespace davit::sdk

// SPDX-License-Identifier: Apache-2.0
// The C++ face of "davit.service/1". A driver derives from it; every method's promise is written in
// davit/draft/service.h.
#pragma once

#include "davit/draft/service.h"
#include "sdk/plugin/entry.hpp"

namespace davit::sdk {

class ServiceDriver {
public:
    virtual ~ServiceDriver() = default;
    virtual Result<void> start(const Call& call, const davit_service_start& request) = 0;
    virtual Result<void> stop(const Call& call) = 0;

    const void* get(std::string_view id);
    // The table of an ability beyond davit.service/1, or nullptr.
    virtual const void* ability(std::string_view) { return nullptr; }
};

inline constexpr davit_service kServiceTable = {
    sizeof(davit_service),
    0,
    thunk<&ServiceDriver::start>,
    thunk<&ServiceDriver::stop>,
};

inline const void* ServiceDriver::get(std::string_view id) {
    return id == DAVIT_SERVICE ? static_cast<const void*>(&kServiceTable) : ability(id);
}

}  // namespace davit::sdk

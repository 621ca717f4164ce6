// SPDX-License-Identifier: Apache-2.0
// The C++ face of "davit.log/1". A driver derives from it; every method's promise is written in
// davit/draft/log.h.
#pragma once

#include "davit/draft/log.h"
#include "sdk/plugin/entry.hpp"

namespace davit::sdk {

class LogDriver {
public:
    virtual ~LogDriver() = default;
    virtual Result<void> open(const Call& call, const davit_log_open& request) = 0;
    virtual Result<void> write(const Call& call, const davit_log_batch& request) = 0;
    virtual Result<void> close(const Call& call, const davit_log_open& request) = 0;

    const void* get(std::string_view id);
    // The table of an ability beyond davit.log/1, or nullptr.
    virtual const void* ability(std::string_view) { return nullptr; }
};

inline constexpr davit_log_table kLogTable = {
    sizeof(davit_log_table),  0, thunk<&LogDriver::open>, thunk<&LogDriver::write>,
    thunk<&LogDriver::close>,
};

inline const void* LogDriver::get(std::string_view id) {
    return id == DAVIT_LOG ? static_cast<const void*>(&kLogTable) : ability(id);
}

}  // namespace davit::sdk

// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/expectation.hpp"

#include "sdk/plugin/value.hpp"

namespace davit::sdk::contract {

std::unique_ptr<davit_host> plain_host() {
    auto host = std::make_unique<davit_host>();
    *host = {};
    host->size = sizeof(davit_host);
    host->minor = DAVIT_ABI_MINOR;
    host->name = str("davit-conform");
    host->get = [](const davit_host*, davit_str) -> const void* { return nullptr; };
    host->log = [](const davit_host*, std::int32_t, davit_str, const davit_kv*, std::uint64_t) {};
    return host;
}

}  // namespace davit::sdk::contract

// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/storage_bench.hpp"

namespace davit::sdk::contract {

std::vector<StorageCase> storage_content_cases() { return {}; }

}  // namespace davit::sdk::contract

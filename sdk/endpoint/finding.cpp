// SPDX-License-Identifier: Apache-2.0
#include "sdk/endpoint/finding.hpp"

#include "davit/network.h"

namespace davit::sdk {

Result<void> emit_network_finding(const Call& call, const std::string& object,
                                  const std::string& text, bool repaired) {
    auto finding = sized<davit_network_finding>();
    finding.repaired = repaired ? 1 : 0;
    finding.object = str(object);
    finding.text = str(text);
    return call.emit(finding);
}

}  // namespace davit::sdk

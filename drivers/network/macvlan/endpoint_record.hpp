// SPDX-License-Identifier: Apache-2.0
// What the driver remembers of an endpoint. Its link lies in the sandbox, where no alias on the
// host tells of it: so the sandbox's number and the link's MAC are written down before the link is
// made, and read again when the daemon comes back. Value type.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/netlink/link.hpp"

#include <string>
#include <vector>

namespace davit::macvlan {

struct EndpointRecord {
    std::string network, endpoint;
    int sandbox = -1;  // the number of its namespace (sdk/netlink/namespace_id.hpp)
    sdk::Mac mac{};    // that the link is made with
};

// In the directory behind `directory`, one file for each. A file that a power loss cut short is
// dropped: its sandbox is gone as well.
Result<std::vector<EndpointRecord>> load_records(int directory);
Result<void> save_record(int directory, const EndpointRecord& record);
// An absent one is OK.
Result<void> remove_record(int directory, const EndpointRecord& record);

}  // namespace davit::macvlan

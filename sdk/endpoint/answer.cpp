// SPDX-License-Identifier: Apache-2.0
#include "sdk/endpoint/answer.hpp"

#include "sdk/plugin/value.hpp"

#include <algorithm>

namespace davit::sdk {

davit_endpoint_attached attached_as(const Link& interface) {
    auto attached = sized<davit_endpoint_attached>();
    attached.index = static_cast<std::uint32_t>(interface.index);
    interface.name.copy(attached.interface, sizeof attached.interface - 1);
    std::copy(interface.mac.begin(), interface.mac.end(), attached.mac);
    return attached;
}

davit_endpoint_stats stats_of(const LinkCounters& counters, bool from_outside) {
    auto stats = sized<davit_endpoint_stats>();
    stats.rx_bytes = counters.rx_bytes;
    stats.rx_packets = counters.rx_packets;
    stats.rx_errors = counters.rx_errors;
    stats.rx_dropped = counters.rx_dropped;
    stats.tx_bytes = counters.tx_bytes;
    stats.tx_packets = counters.tx_packets;
    stats.tx_errors = counters.tx_errors;
    stats.tx_dropped = counters.tx_dropped;
    if (!from_outside) return stats;
    std::swap(stats.rx_bytes, stats.tx_bytes);
    std::swap(stats.rx_packets, stats.tx_packets);
    std::swap(stats.rx_errors, stats.tx_errors);
    std::swap(stats.rx_dropped, stats.tx_dropped);
    return stats;
}

}  // namespace davit::sdk

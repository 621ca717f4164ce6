// SPDX-License-Identifier: Apache-2.0
// What a container uses, as GET /containers/{id}/stats answers: figures of the exec driver, of its
// interfaces, and of the host they are held against.
#pragma once

#include "core/container/containers.hpp"

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace davit::container {

struct InterfaceCounters {
    std::string name;
    std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
    std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
};

// One moment. Without figures: it does not run.
struct Sample {
    std::int64_t time_ns = 0;
    std::vector<plugin::Figure> figures;
    std::vector<InterfaceCounters> interfaces;
    std::uint64_t host_cpu_ns = 0;  // used by everything on the host
};

Result<Sample> take_sample(Containers& containers, const ContainerPtr& container);
// `before`: an earlier sample, or an empty one.
boost::json::object statistics_json(const Container& container, const Sample& now,
                                    const Sample& before);

// Reads /proc/<pid>/net/dev; the loopback is left out.
std::vector<InterfaceCounters> parse_interfaces(std::string_view text);
// Reads the first line of /proc/stat.
std::uint64_t parse_host_cpu(std::string_view text);

}  // namespace davit::container

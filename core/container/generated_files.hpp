// SPDX-License-Identifier: Apache-2.0
// The files that the engine writes for every container: hosts, hostname, resolv.conf (seams rule
// 1). Each becomes a bind mount of its own.
#pragma once

#include "core/container/config.hpp"
#include "core/network/sandbox.hpp"
#include "sdk/base/result.hpp"

#include <string>
#include <vector>

namespace davit::container {

struct FileContext {
    const Config& config;
    std::string hostname;                         // what uname -n shows in the container
    std::vector<network::EndpointPtr> endpoints;  // none: it has the host's network, or none
    bool host_network = false;
};

// Writes the three files into the container's directory under the data root.
Result<void> write_generated_files(int directory, const FileContext& context);

// The same for hosts and resolv.conf of a container that runs: in place, since they are mounted.
// What somebody wrote into them in the container stays.
Result<void> rewrite_generated_files(int directory, const FileContext& before,
                                     const FileContext& now);

// The content of /etc/resolv.conf: the host's name servers without those that only the host can
// reach (loopback), unless the container shares its network; the user's --dns options replace them.
// `host_file` is the host's own text.
std::string resolv_conf(const FileContext& context, std::string_view host_file);
std::string hosts_file(const FileContext& context);

}  // namespace davit::container

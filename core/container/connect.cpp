// SPDX-License-Identifier: Apache-2.0
// Networks of a container that exists: connected and disconnected, running or not.
#include "core/container/containers.hpp"
#include "core/container/generated_files.hpp"
#include "core/container/networking.hpp"
#include "core/network/builtin.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace davit::container {

namespace {

using network::EndpointSettings;

Result<Fd> sandbox_of(const State& state) {
    const std::string path = "/proc/" + std::to_string(state.pid) + "/ns/net";
    Fd sandbox(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!sandbox) return os_error("open " + path);
    return sandbox;
}

// Docker's words for what does not go together.
Result<void> refuse_mode(const Container& container, const std::string& network) {
    const std::string& mode = container.config().network_mode;
    const network::Builtin* builtin = network::find_builtin(network);
    if (mode == "host" || (builtin != nullptr && std::string_view(builtin->name) == "host"))
        return fail(Code::denied,
                    "container cannot be disconnected from host network or connected "
                    "to host network");
    if (mode == "none" || builtin != nullptr)
        return fail(Code::denied,
                    "container cannot be connected to multiple networks with one of "
                    "the networks in private (none) mode");
    if (!has_own_networks(mode))
        return fail(Code::denied,
                    "container sharing network namespace with another container or "
                    "host cannot be connected to any other network");
    return {};
}

}  // namespace

network::Occupant Containers::occupant_of(const Container& container) const {
    const Config& config = container.config();
    const std::string short_id = container.id().substr(0, 12);
    network::Occupant occupant{.container = container.id(),
                               .names = {container.name(), short_id},
                               .ports = {},
                               .name_servers = config.dns};
    if (!config.hostname.empty() && config.hostname != short_id)
        occupant.names.push_back(config.hostname);
    for (const PortBinding& port : config.ports)
        occupant.ports.push_back(
            {port.protocol, port.host_address, port.container_port, port.first, port.last});
    if (!config.publish_all) return occupant;
    for (const std::string& exposed : config.exposed_ports) {
        const std::size_t slash = exposed.find('/');
        const std::string protocol = slash == std::string::npos ? "tcp" : exposed.substr(slash + 1);
        const auto port = static_cast<std::uint16_t>(std::atoi(exposed.c_str()));
        const bool bound =
            std::any_of(config.ports.begin(), config.ports.end(), [&](const PortBinding& binding) {
                return binding.container_port == port && binding.protocol == protocol;
            });
        if (!bound && port != 0) occupant.ports.push_back({protocol, "", port, 0, 0});
    }
    return occupant;
}

Result<void> Containers::connect(const std::shared_ptr<Cancel>& cancel,
                                 const ContainerPtr& container, EndpointSettings wanted) {
    TRY(refuse_mode(*container, wanted.network));
    const auto record = TRY(services_.networks.find(wanted.network));
    wanted.network = record->name;
    wanted.network_id = record->id;
    const ContainerLock lock = container->operate();
    auto networks = container->networks();
    const auto known = std::find_if(networks.begin(), networks.end(),
                                    [&](const auto& one) { return one.network == wanted.network; });
    const SandboxPtr sandbox = container->sandbox();
    if (known != networks.end() && sandbox && sandbox->endpoint_on(record->id))
        return fail(Code::denied, "endpoint with name ", container->name(),
                    " already exists in network ", wanted.network);
    if (known != networks.end())
        *known = wanted;
    else
        networks.push_back(wanted);
    const auto before = container->endpoints();
    if (sandbox) {
        const Fd netns = TRY(sandbox_of(container->state()));
        TRY(services_.networks.connect(cancel, sandbox, netns.get(), wanted));
    }
    return keep_networks(container, std::move(networks), before);
}

Result<void> Containers::disconnect(const ContainerPtr& container, const std::string& reference) {
    TRY(refuse_mode(*container, reference));
    const auto record = services_.networks.find(reference);
    const ContainerLock lock = container->operate();
    auto networks = container->networks();
    const auto known = std::find_if(networks.begin(), networks.end(), [&](const auto& one) {
        return one.network == (record ? (*record)->name : reference);
    });
    if (known == networks.end()) {
        if (!record) return record.error();
        return fail(Code::denied, "container ", container->id(), " is not connected to network ",
                    (*record)->name);
    }
    networks.erase(known);
    const auto before = container->endpoints();
    const SandboxPtr sandbox = container->sandbox();
    if (sandbox && record && sandbox->endpoint_on((*record)->id)) {
        const Fd netns = TRY(sandbox_of(container->state()));
        TRY(services_.networks.disconnect(*sandbox, netns.get(), **record));
    }
    return keep_networks(container, std::move(networks), before);
}

// Writes down what was changed, and tells the container by its files.
Result<void> Containers::keep_networks(const ContainerPtr& container,
                                       std::vector<EndpointSettings> networks,
                                       const std::vector<network::EndpointPtr>& before) {
    {
        const ContainerLock writing = container->write();
        TRY(put_networks(services_.graph, container->id(), networks, container->endpoints()));
    }
    container->set_networks(std::move(networks));
    if (!container->sandbox()) return {};
    const Fd directory =
        TRY(open_beneath(services_.directory_fd.get(), container->id(), O_PATH | O_DIRECTORY));
    FileContext context{.config = container->config(),
                        .hostname = hostname_of(*container),
                        .endpoints = before,
                        .host_network = false};
    FileContext now = context;
    now.endpoints = container->endpoints();
    return rewrite_generated_files(directory.get(), context, now);
}

}  // namespace davit::container

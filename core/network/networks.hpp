// SPDX-License-Identifier: Apache-2.0
// The engine's networks: names, addresses and host ports are decided here, packets are the driver's
// (seams rule 5). The default network is made when the first container needs it. Each verb has a
// file of its own (network_create.cpp, connect.cpp, …). Thread-safe.
#pragma once

#include "core/network/address_pool.hpp"
#include "core/network/dns_server.hpp"
#include "core/network/network_record.hpp"
#include "core/network/published_ports.hpp"
#include "core/network/sandbox.hpp"
#include "core/plugin/network.hpp"
#include "core/store/database.hpp"
#include "sdk/base/cancel.hpp"
#include "sdk/base/result.hpp"

#include <atomic>
#include <boost/json/fwd.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace davit::network {

inline constexpr const char* kDefaultName =
    "bridge";  // what every client calls the default network

struct NetworkSettings {
    std::string scope;           // 8 hex digits that tell this engine from others
    std::string bridge_address;  // --bip: "192.168.7.1/24"; empty: a free subnet of the pools
    std::string
        bridge_link;  // --bridge; empty: davit0, or a name of this engine's own when that is taken
    std::uint32_t mtu = 0;  // of the default network
    struct Pool {
        std::string base;        // "172.17.0.0/16"
        std::uint32_t size = 0;  // bits of a network's prefix
    };
    std::vector<Pool> pools;  // empty: Docker's
    std::function<Result<plugin::Network>(const std::string& instance)>
        driver;  // "" = the default instance
    // The instance that a client means: its name, or that of a driver which has one.
    std::function<Result<std::string>(const std::string& wanted)> instance_of;
    // Options against the schema of the instance's driver; topic: "network", "endpoint".
    std::function<Result<std::string>(const std::string& instance, const char* topic,
                                      const std::string& options)>
        check_options;
    // Instances that have state on this host, in use or left over.
    std::function<std::vector<std::string>()> instances_with_state;
    std::function<void(int level, const std::string& line)> log;
    // Tells subscribers: "create", "connect", … of a network.
    std::function<void(const std::string& action, const NetworkRecord& network,
                       const std::string& container)>
        publish;
};

struct JoinRequest {
    Occupant occupant;
    int netns = -1;                        // borrowed
    std::vector<EndpointSettings> wanted;  // in the order of the interfaces
};

class Networks {
public:
    using RecordPtr = std::shared_ptr<const NetworkRecord>;
    using SandboxPtr = std::shared_ptr<Sandbox>;

    static Result<std::unique_ptr<Networks>> open(store::Database& graph, NetworkSettings settings);
    ~Networks();

    // Errors: conflict when the name is taken; denied for a name or a subnet that is the engine's
    // or another network's; what the driver says. On failure nothing is left.
    Result<RecordPtr> create(const std::shared_ptr<Cancel>& cancel, const NetworkRequest& request);
    // Errors: not_found; denied while containers are connected, and for what is always there.
    Result<void> remove(const std::string& reference);
    // Removes those that fit and that no running container is connected to; their names.
    Result<std::vector<std::string>> prune(const std::function<bool(const NetworkRecord&)>& fits);

    // By id, name or unique beginning of an id. Errors: not_found, conflict (ambiguous) in docker's
    // words.
    Result<RecordPtr> find(const std::string& reference) const;

    // Joins a sandbox to networks, all or none. Errors: not_found network; exists when a host port
    // is taken; no_space when no address is free; invalid or denied for an address of the user's.
    Result<SandboxPtr> join(const std::shared_ptr<Cancel>& cancel, const JoinRequest& request);
    // Takes all endpoints away and frees what they held. What fails is logged: the next start's
    // `recover` finds it. The namespace is gone or going.
    void leave(Sandbox& sandbox);
    // One more network, while the sandbox lives. Errors: as join; denied when it is connected.
    Result<void> connect(const std::shared_ptr<Cancel>& cancel, const SandboxPtr& sandbox,
                         int netns, const EndpointSettings& wanted);
    // Errors: denied when it is not connected.
    Result<void> disconnect(Sandbox& sandbox, int netns, const NetworkRecord& network);

    // After a restart: the sandboxes of the containers that still run. Takes their addresses and
    // ports again, and has the drivers remove everything else. The answer is in the order of
    // `live`.
    struct LiveSandbox {
        std::string id;
        Occupant occupant;
        std::vector<EndpointPtr> endpoints;
        int netns = -1;  // borrowed; -1: unknown
    };
    Result<std::vector<SandboxPtr>> recover(const std::vector<LiveSandbox>& live);

    // What the drivers found that an operator must mend, with the line that mends it: another
    // firewall that drops packets, for one. Looked for anew at every call.
    std::vector<std::string> findings() const;

    // As GET /networks and GET /networks/{id} answer (API 1.51). Errors: invalid filter; not_found.
    Result<boost::json::array> list(const std::string& filters) const;
    Result<boost::json::object> inspect(const std::string& reference) const;

private:
    struct Live {
        RecordPtr record;
        std::optional<AddressPool> four, six;
        std::map<std::string, EndpointPtr> endpoints;  // by id
        int joining = 0;                               // endpoints on their way in
        bool in_graph = false;
        bool made = false;  // the driver has been told of it since the daemon came up
        bool removing = false;
    };
    struct Ticket;      // of one connection on its way in
    struct Attachment;  // what it is made from
    struct Way {
        bool default_route = false, publish = false;
    };
    Networks(store::Database& graph, NetworkSettings settings);
    Result<void> load();
    Result<Live> open_pools(RecordPtr record) const;

    // These hold mutex_.
    Result<Live*> find_live(const std::string& reference);
    Result<const Live*> find_live(const std::string& reference) const;
    Result<void> ensure_made(const std::shared_ptr<Cancel>& cancel, Live& live);
    Result<void> plan_default(Live& live);
    Result<Subnet> plan_subnet(const Subnet& given, std::uint8_t family) const;
    Result<sdk::Prefix> free_subnet(std::uint8_t family) const;
    Result<void> refuse_overlap(const sdk::Prefix& subnet) const;
    Result<std::vector<sdk::Prefix>> take_addresses(Live& live, const EndpointSettings& wanted);

    Result<plugin::NetworkSpec> spec_of(const NetworkRecord& record) const;
    Result<std::string> make(const std::shared_ptr<Cancel>& cancel, const NetworkRecord& record);
    Result<NetworkRecord> plan(const NetworkRequest& request) const;

    Result<Ticket> admit(const std::shared_ptr<Cancel>& cancel, const EndpointSettings& wanted);
    void turn_away(const Ticket& ticket);
    Result<Connection> attach(const std::shared_ptr<Cancel>& cancel, const Attachment& what);
    void detach(const Endpoint& endpoint, int netns);
    Result<void> add(const std::shared_ptr<Cancel>& cancel, Sandbox& sandbox, int netns,
                     const EndpointSettings& wanted, Way way);
    Result<void> add_to_live(const std::shared_ptr<Cancel>& cancel, Sandbox& sandbox, int netns,
                             const EndpointSettings& wanted);
    std::string best_gateway(const std::vector<EndpointSettings>& wanted) const;
    void keep_changed(Sandbox& sandbox, const Endpoint& endpoint, bool default_route);

    void hold_again(const Endpoint& endpoint, std::vector<Fd>& reservations);
    Result<void> retain(const std::vector<LiveSandbox>& live);

    // Names of containers (dns_names.cpp). The server's thread takes mutex_ after its own lock:
    // none of its calls happens under mutex_.
    DnsDirectory directory();
    template <class Visit>
    void each_named(const Sandbox& sandbox, Visit visit);
    std::vector<sdk::Prefix> addresses(const Sandbox& sandbox, const std::string& name);
    std::string name_of(const Sandbox& sandbox, const sdk::Prefix& address);
    bool passes_on(const Sandbox& sandbox);
    Result<void> serve_names(const SandboxPtr& sandbox, int netns);

    std::vector<SandboxPtr> take_again(const std::vector<LiveSandbox>& live);

    boost::json::object shown(const Live& live, bool with_containers) const;

    store::Database& graph_;
    NetworkSettings settings_;
    mutable std::mutex mutex_;  // of the map; held over a driver's create_network only when a
                                // network is needed for the first time since the daemon came up
    std::map<std::string, Live> networks_;  // by id
    std::atomic<std::size_t> turn_ = 0;
    DnsServer names_;  // last: its thread uses the rest
};

}  // namespace davit::network

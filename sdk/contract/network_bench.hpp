// SPDX-License-Identifier: Apache-2.0
// What the network cases share: a host with a LAN, an instance on a directory of its own, and calls
// that read as words. For the suite and for drivers' own tests. One thread, unless a method says
// otherwise.
#pragma once

#include "davit/network.h"
#include "sdk/base/fd.hpp"
#include "sdk/contract/network_contract.hpp"
#include "sdk/contract/network_lab.hpp"
#include "sdk/netlink/link.hpp"
#include "sdk/plugin/caller.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace davit::sdk::contract {

struct NetworkFinding {
    std::string object, text;
    bool repaired = false;
};

davit_address network_address(const std::string& text);  // "": none

// What a network is asked to be; zero and empty: not asked.
struct NetworkWish {
    std::string key = "net-a";
    std::string gateway4, gateway6;
    std::string options = "{}";
    std::uint32_t flags = 0;
};

// A sandbox with what its endpoint was asked to be.
struct Sandbox {
    NetNs netns;
    std::string network, endpoint;
    std::vector<davit_address> addresses;
    std::vector<davit_port> ports;
    std::string gateway;  // of the default route; empty: none
    std::string gateway6 = {};
    Mac mac = {};                // all zero: the driver's choice
    std::string interface = {};  // exact name; empty: the first free "eth" and number
    std::uint32_t mtu = 0;       // 0: the network's
};

// An opened instance. Its calls may come from several threads: each makes a Caller of its own.
class Fabric {
public:
    static Result<std::unique_ptr<Fabric>> open(const NetworkSubject& subject, int state_directory);
    Fabric(const Fabric&) = delete;
    Fabric& operator=(const Fabric&) = delete;
    ~Fabric();  // closes the instance

    const davit_network& table() const { return *table_; }
    davit_instance* instance() const { return instance_; }
    Result<davit_network_created> create(const NetworkWish& wish) const;
    Result<void> remove(const std::string& network) const;
    Result<davit_endpoint_attached> attach(const Sandbox& sandbox) const;
    Result<void> detach(const Sandbox& sandbox, bool stays) const;
    Result<davit_endpoint_stats> stats(const Sandbox& sandbox) const;
    Result<std::vector<NetworkFinding>> check(const std::string& network) const;
    Result<std::vector<NetworkFinding>> retain(const std::vector<std::string>& networks,
                                               const std::vector<const Sandbox*>& live) const;

private:
    Fabric(davit_instance* instance, const davit_network* table)
        : instance_(instance), table_(table) {}
    davit_instance* instance_;
    const davit_network* table_;
};

class NetworkBench {
public:
    explicit NetworkBench(const NetworkSubject& subject) : subject_(subject) {}
    ~NetworkBench();
    void set_up();

    const NetworkSubject& subject() const { return subject_; }
    const Fabric& fabric() const { return *fabric_; }
    // A new instance over what the old one left; the old one does nothing any more, its clean end
    // included.
    void kill_and_reopen();
    void close() { fabric_.reset(); }
    void reopen();  // after close
    // Another instance over the same state, for a process of its own while this one is closed.
    Result<std::unique_ptr<Fabric>> open_second() const {
        return Fabric::open(subject_, state_.get());
    }

    // The name of the link on the host that the driver told of for "net-b".
    const std::string& second_link() const { return second_link_; }
    // The network "net-a", 172.30.0.0/16, and "net-b", 172.31.0.0/16.
    void create_networks();
    // A sandbox at 172.30.0.<last>, or 172.31.0.<last>, not yet attached; from 256 on the third
    // byte counts as well.
    Sandbox sandbox(int last, const std::string& network = "net-a");
    // The same, attached.
    Sandbox started(int last, std::vector<davit_port> ports = {},
                    const std::string& network = "net-a");

    int host() const { return host_->netns(); }
    int lan() const { return lan_->netns.fd(); }
    // Names of the links in a namespace.
    static std::vector<std::string> links(int netns);
    // Runs `work` in the namespace and returns what it returned.
    static bool inside(int netns, const std::function<bool()>& work);
    // The address that a server sees the client come from, or the error in words.
    static std::string ask(int netns, const std::string& to, std::uint16_t port);
    // Whether nothing answers there for as long as an answer may take.
    static bool is_out_of_reach(int netns, const std::string& to, std::uint16_t port);
    static std::unique_ptr<EchoServer> serve(int netns, std::uint16_t port);

private:
    const NetworkSubject& subject_;
    std::optional<PrivateHost> host_;
    std::optional<LanPeer> lan_;
    std::string directory_;
    Fd state_;
    std::unique_ptr<Fabric> fabric_;
    std::vector<std::unique_ptr<Fabric>> killed_;
    std::string second_link_;
    int count_ = 0;
};

// What the kernel or a thread of the driver does off the path of those who wait is done within two
// seconds.
bool soon(const std::function<bool()>& holds);

struct NetworkCase {
    const char* name;
    void (*body)(NetworkBench&);
};
std::vector<NetworkCase> network_life_cases();
std::vector<NetworkCase> network_packet_cases();
std::vector<NetworkCase> network_recovery_cases();
std::vector<NetworkCase> network_crash_cases();

}  // namespace davit::sdk::contract

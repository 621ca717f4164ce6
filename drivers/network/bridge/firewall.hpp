// SPDX-License-Identifier: Apache-2.0
// Keeps the table of packet rules of one engine: what should be in force lies here, and every
// change goes to the kernel in one transaction. Where the kernel's table is not as remembered
// (another program flushed or changed it), the whole table is put back, also in one transaction, so
// that there is no moment without rules. Thread-safe.
#pragma once

#include "network_settings.hpp"
#include "ruleset.hpp"
#include "sdk/netlink/nft_batch.hpp"

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace davit::bridge {

// One published port of one container, for one address family.
struct PortRule {
    std::string set;  // kPorts4, …
    sdk::NftElement element;
};
// The rules for `ports` of a container with these addresses. IPv4 goes to an IPv4 address, IPv6 to
// an IPv6 address; a port without a fitting address is no rule.
std::vector<PortRule> port_rules(const davit_port* ports, std::size_t count,
                                 const std::vector<sdk::Prefix>& addresses);

class Firewall {
public:
    Firewall(std::string table, sdk::NftSocket socket)
        : table_(std::move(table)), socket_(std::move(socket)) {}

    const std::string& table() const { return table_; }
    // Takes over what an earlier process left in force, without touching it: these networks, and
    // the published ports as the kernel has them, which stay until `keep_ports`.
    Result<void> adopt(const std::vector<NetworkSettings>& networks);

    Result<void> add_network(const NetworkSettings& network);
    Result<void> remove_network(const NetworkSettings& network);
    // One transaction for all of them. A rule that is there for another container is replaced.
    Result<void> publish(const std::vector<PortRule>& rules);
    // Rules that are not there are no error.
    Result<void> withdraw(const std::vector<PortRule>& rules);

    // After UDP ports were published or withdrawn: lets flows to them, and those that one of
    // `addresses` answers, be looked at afresh. Without a UDP port among them there is nothing to
    // do.
    Result<void> forget_datagrams(const davit_port* ports, std::size_t count,
                                  const std::vector<sdk::Prefix>& addresses);

    // Makes exactly these the wanted ports, without touching the kernel.
    void keep_ports(const std::vector<PortRule>& rules);
    // How the kernel's table differs from what is wanted, one line for each set and chain; empty:
    // not at all.
    Result<std::vector<std::string>> differences() const;
    // Puts the whole table into force as wanted; without networks it is removed. How this kernel
    // lists the rules that it was just given is what `differences` compares with from then on.
    Result<void> restore();

private:
    using Elements = std::map<std::string, std::vector<sdk::NftElement>>;  // by set
    Elements wanted_elements() const;
    Result<void> restore_locked();
    std::map<std::string, std::vector<std::string>> expected_rules() const;
    Result<void> apply(sdk::NftBatch& batch);

    const std::string table_;
    const sdk::NftSocket socket_;
    mutable std::mutex mutex_;
    std::map<std::string, std::vector<std::string>>
        listing_;  // of the rules by chain; empty: as we write them
    std::map<std::string, NetworkSettings> networks_;  // by key
    std::map<std::string, std::map<std::string, sdk::NftElement>>
        ports_;  // by set, then by the bytes of the key
};

}  // namespace davit::bridge

// SPDX-License-Identifier: Apache-2.0
// A host of its own for each test of the bridge driver: a private network namespace with a peer in
// the LAN, and the driver opened inside as an engine would.
#pragma once

#include "bridge_driver.hpp"
#include "sdk/contract/network_lab.hpp"
#include "sdk/plugin/caller.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <cstdlib>
#include <optional>

namespace davit::bridge::test {

inline davit_address address(const std::string& text) {
    davit_address made{};
    if (text.empty()) return made;
    const sdk::Prefix prefix = *sdk::parse_prefix(text);
    std::copy(prefix.bytes.begin(), prefix.bytes.end(), made.bytes);
    made.family = prefix.family;
    made.prefix = prefix.length;
    return made;
}

inline davit_port port(std::uint16_t host_port, std::uint16_t container_port,
                       const std::string& host = "", std::uint8_t protocol = IPPROTO_TCP) {
    return {.host = address(host),
            .host_port = host_port,
            .container_port = container_port,
            .protocol = protocol,
            .padding = {}};
}

struct Finding {
    std::string object, text;
    bool repaired;
};

// A sandbox with its endpoint.
struct Container {
    NetNs netns;
    std::string network, endpoint, interface;
    std::vector<davit_address> addresses;
    std::vector<davit_port> ports;
};

struct NetworkOptions {
    std::string key = "net-a";
    std::string gateway4 = "172.30.0.1/16";
    std::string gateway6;
    std::uint32_t flags = 0;
    std::string options = "{}";
    std::string link;
};

class BridgeHost : public ::testing::Test {
protected:
    void SetUp() override {
        auto host = sdk::PrivateHost::enter();
        ASSERT_TRUE(host) << host.error().what;
        host_.emplace(std::move(*host));
        auto lan = sdk::LanPeer::create("lanlink0", "192.0.2.1/24", "192.0.2.9/24");
        ASSERT_TRUE(lan) << lan.error().what;
        lan_.emplace(std::move(*lan));
        char path[] = "/tmp/davit-bridge-test-XXXXXX";
        ASSERT_NE(::mkdtemp(path), nullptr);
        directory_ = path;
        reopen();
    }
    void TearDown() override {
        driver_.reset();
        killed_.clear();
        lan_.reset();
        host_.reset();
        EXPECT_TRUE(directory_.empty() || shell("rm -r " + directory_));
    }

    // A new instance over what the old one left, as after kill -9 of the daemon: the old one does
    // nothing any more, its clean end included.
    void reopen() {
        if (driver_) killed_.push_back(std::move(driver_));
        const Fd state(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        auto request = sdk::sized<davit_open>();
        request.state_fd = state.get();
        request.scope = sdk::str("0123abcd");
        request.config = sdk::str("{}");
        caller_.begin(nullptr);
        auto opened = BridgeDriver::open(sdk::Call(caller_.raw()), request);
        ASSERT_TRUE(opened) << opened.error().what;
        driver_ = std::move(*opened);
    }
    sdk::Call call() { return sdk::Call(caller_.raw()); }

    Result<davit_network_created> create(const NetworkOptions& wanted = {}) {
        auto request = sdk::sized<davit_network_create>();
        request.network = sdk::str(wanted.key);
        request.options = sdk::str(wanted.options);
        request.gateway4 = address(wanted.gateway4);
        request.gateway6 = address(wanted.gateway6);
        request.flags = wanted.flags;
        request.link = sdk::str(wanted.link);
        return driver_->create_network(call(), request);
    }
    Result<void> remove(const std::string& key) {
        auto request = sdk::sized<davit_network_key>();
        request.network = sdk::str(key);
        return driver_->remove_network(call(), request);
    }

    Result<davit_endpoint_attached> attach_to(Container& container, const std::string& gateway4,
                                              const std::string& gateway6 = "") {
        auto request = sdk::sized<davit_endpoint_attach>();
        request.netns_fd = container.netns.fd();
        request.network = sdk::str(container.network);
        request.endpoint = sdk::str(container.endpoint);
        request.interface_prefix = sdk::str("eth");
        request.flags = DAVIT_ENDPOINT_DEFAULT_ROUTE;
        request.addresses = container.addresses.data();
        request.address_count = container.addresses.size();
        request.gateway4 = address(gateway4);
        request.gateway6 = address(gateway6);
        request.ports = container.ports.data();
        request.port_count = container.ports.size();
        request.options = sdk::str("{}");
        auto attached = driver_->attach(call(), request);
        if (attached) container.interface = attached->interface;
        return attached;
    }
    // A container of net-a, or of the network given, at that address.
    Container start(const std::string& at, std::vector<davit_port> ports = {},
                    const std::string& network = "net-a",
                    const std::string& gateway = "172.30.0.1") {
        Container container{std::move(*NetNs::create()),
                            network,
                            "endpoint-" + std::to_string(++count_),
                            "",
                            {address(at)},
                            std::move(ports)};
        const auto attached = attach_to(container, gateway);
        EXPECT_TRUE(attached) << attached.error().what;
        return container;
    }
    Result<void> detach(const Container& container, bool sandbox_stays = true) {
        auto request = sdk::sized<davit_endpoint_detach>();
        request.netns_fd = sandbox_stays ? container.netns.fd() : -1;
        request.network = sdk::str(container.network);
        request.endpoint = sdk::str(container.endpoint);
        return driver_->detach(call(), request);
    }
    std::vector<Finding> check(const std::string& network = "net-a") {
        auto request = sdk::sized<davit_network_key>();
        request.network = sdk::str(network);
        std::vector<Finding> findings;
        caller_.begin(collect(findings));
        const auto done = driver_->check(call(), request);
        EXPECT_TRUE(done) << done.error().what;
        return findings;
    }
    std::vector<Finding> retain(const std::vector<std::string>& networks,
                                const std::vector<const Container*>& live) {
        std::vector<davit_str> keys;
        for (const std::string& key : networks) keys.push_back(sdk::str(key));
        std::vector<davit_endpoint_live> endpoints;
        for (const Container* one : live)
            endpoints.push_back({sdk::str(one->network), sdk::str(one->endpoint),
                                 one->addresses.data(), one->addresses.size(), one->ports.data(),
                                 one->ports.size()});
        auto request = sdk::sized<davit_network_retain>();
        request.networks = keys.data();
        request.network_count = keys.size();
        request.endpoints = endpoints.data();
        request.endpoint_count = endpoints.size();
        std::vector<Finding> findings;
        caller_.begin(collect(findings));
        const auto done = driver_->retain(call(), request);
        EXPECT_TRUE(done) << done.error().what;
        return findings;
    }
    static sdk::Caller::Sink collect(std::vector<Finding>& findings) {
        return sdk::Caller::sink_of<davit_network_finding>(
            [&](const davit_network_finding& finding) {
                findings.push_back(
                    {sdk::text(finding.object), sdk::text(finding.text), finding.repaired != 0});
            });
    }

    // The address that a server sees the client come from, or "refused", "no answer", or the error.
    static std::string ask(int netns, const std::string& to, std::uint16_t port,
                           sdk::Transport transport = sdk::Transport::tcp,
                           std::chrono::milliseconds patience = std::chrono::seconds(2)) {
        const auto answer = sdk::ask_server(netns, transport, to, port, patience);
        if (answer) return *answer;
        if (answer.error().code == Code::deadline) return "no answer";
        if (answer.error().os_errno == ECONNREFUSED) return "refused";
        return answer.error().what;
    }
    // For packets that must not arrive: long enough for one that does, short for the test.
    static std::string ask_briefly(int netns, const std::string& to, std::uint16_t port,
                                   sdk::Transport transport = sdk::Transport::tcp) {
        return ask(netns, to, port, transport, std::chrono::milliseconds(400));
    }
    static std::unique_ptr<sdk::EchoServer> serve(int netns, std::uint16_t port,
                                                  const std::string& at = "0.0.0.0",
                                                  sdk::Transport transport = sdk::Transport::tcp) {
        auto server = sdk::EchoServer::start(netns, transport, at, port);
        EXPECT_TRUE(server) << server.error().what;
        return server ? std::move(*server) : nullptr;
    }
    // Runs a command on the private host; true when it succeeded.
    static bool shell(const std::string& command) { return std::system(command.c_str()) == 0; }

    int host() const { return host_->netns(); }
    int lan() const { return lan_->netns.fd(); }

    std::optional<sdk::PrivateHost> host_;
    std::optional<sdk::LanPeer> lan_;
    std::string directory_;
    sdk::Caller caller_;
    std::unique_ptr<sdk::NetworkDriver> driver_;
    std::vector<std::unique_ptr<sdk::NetworkDriver>> killed_;
    int count_ = 0;
};

}  // namespace davit::bridge::test

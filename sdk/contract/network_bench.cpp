// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/network_bench.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace davit::sdk::contract {
namespace {

constexpr std::chrono::milliseconds kSilence{
    400};  // long enough for an answer here, short for a test

Caller::Sink collect(std::vector<NetworkFinding>& findings) {
    return Caller::sink_of<davit_network_finding>([&](const davit_network_finding& finding) {
        findings.push_back({text(finding.object), text(finding.text), finding.repaired != 0});
    });
}

}  // namespace

bool soon(const std::function<bool()>& holds) {
    for (int tries = 0; tries < 200; ++tries) {
        if (holds()) return true;
        ::usleep(10'000);
    }
    return holds();
}

davit_address network_address(const std::string& text) {
    davit_address made{};
    if (text.empty()) return made;
    const Prefix prefix = *parse_prefix(text);
    std::copy(prefix.bytes.begin(), prefix.bytes.end(), made.bytes);
    made.family = prefix.family;
    made.prefix = prefix.length;
    return made;
}

Result<std::unique_ptr<Fabric>> Fabric::open(const NetworkSubject& subject, int state_directory) {
    const davit_driver* driver = subject.driver();
    if (driver == nullptr)
        return fail(Code::not_found, "load driver ", subject.name, ": there is none");
    static const davit_host host = [] {
        davit_host made = sized<davit_host>();
        made.minor = DAVIT_ABI_MINOR;
        made.name = str("davit-conform");
        made.get = [](const davit_host*, davit_str) -> const void* { return nullptr; };
        made.log = [](const davit_host*, std::int32_t, davit_str, const davit_kv*, std::uint64_t) {
        };
        return made;
    }();
    auto request = sized<davit_open>();
    request.state_fd = state_directory;
    request.host = &host;
    request.instance = str("contract");
    request.config = str(subject.config);
    request.scope = str("c0ffee01");
    auto opened = sized<davit_opened>();
    Caller caller;
    caller.begin(nullptr);
    TRY(caller.finish(driver->open(caller.raw(), &request, &opened)));
    const auto* table = static_cast<const davit_network*>(
        opened.instance->get(opened.instance, str(DAVIT_NETWORK)));
    if (table == nullptr)
        return fail(Code::unsupported, "open driver ", subject.name, ": it lacks " DAVIT_NETWORK);
    return std::unique_ptr<Fabric>(new Fabric(opened.instance, table));
}

Fabric::~Fabric() {
    Caller caller;
    caller.begin(nullptr);
    instance_->close(instance_, caller.raw());
}

Result<davit_network_created> Fabric::create(const NetworkWish& wish) const {
    auto request = sized<davit_network_create>();
    request.flags = wish.flags;
    request.network = str(wish.key);
    request.options = str(wish.options);
    request.gateway4 = network_address(wish.gateway4);
    request.gateway6 = network_address(wish.gateway6);
    Caller caller;
    return caller.ask(table_->create_network, instance_, request);
}

Result<void> Fabric::remove(const std::string& network) const {
    auto request = sized<davit_network_key>();
    request.network = str(network);
    Caller caller;
    return caller.tell(table_->remove_network, instance_, request);
}

Result<davit_endpoint_attached> Fabric::attach(const Sandbox& sandbox) const {
    auto request = sized<davit_endpoint_attach>();
    request.netns_fd = sandbox.netns.fd();
    request.network = str(sandbox.network);
    request.endpoint = str(sandbox.endpoint);
    request.interface = str(sandbox.interface);
    request.interface_prefix = str("eth");
    request.mtu = sandbox.mtu;
    const bool has_gateway = !sandbox.gateway.empty() || !sandbox.gateway6.empty();
    request.flags = has_gateway ? DAVIT_ENDPOINT_DEFAULT_ROUTE : 0;
    std::copy(sandbox.mac.begin(), sandbox.mac.end(), request.mac);
    request.addresses = sandbox.addresses.data();
    request.address_count = sandbox.addresses.size();
    request.gateway4 = network_address(sandbox.gateway);
    request.gateway6 = network_address(sandbox.gateway6);
    request.ports = sandbox.ports.data();
    request.port_count = sandbox.ports.size();
    request.options = str("{}");
    Caller caller;
    return caller.ask(table_->attach, instance_, request);
}

Result<void> Fabric::detach(const Sandbox& sandbox, bool stays) const {
    auto request = sized<davit_endpoint_detach>();
    request.netns_fd = stays ? sandbox.netns.fd() : -1;
    request.network = str(sandbox.network);
    request.endpoint = str(sandbox.endpoint);
    Caller caller;
    return caller.tell(table_->detach, instance_, request);
}

Result<davit_endpoint_stats> Fabric::stats(const Sandbox& sandbox) const {
    auto request = sized<davit_endpoint_key>();
    request.network = str(sandbox.network);
    request.endpoint = str(sandbox.endpoint);
    Caller caller;
    return caller.ask(table_->stats, instance_, request);
}

Result<std::vector<NetworkFinding>> Fabric::check(const std::string& network) const {
    auto request = sized<davit_network_key>();
    request.network = str(network);
    std::vector<NetworkFinding> findings;
    Caller caller;
    caller.begin(collect(findings));
    TRY(caller.finish(table_->check(instance_, caller.raw(), &request)));
    return findings;
}

Result<std::vector<NetworkFinding>> Fabric::retain(const std::vector<std::string>& networks,
                                                   const std::vector<const Sandbox*>& live) const {
    std::vector<davit_str> keys;
    for (const std::string& network : networks) keys.push_back(str(network));
    std::vector<davit_endpoint_live> endpoints;
    for (const Sandbox* one : live)
        endpoints.push_back({str(one->network), str(one->endpoint), one->addresses.data(),
                             one->addresses.size(), one->ports.data(), one->ports.size()});
    auto request = sized<davit_network_retain>();
    request.networks = keys.data();
    request.network_count = keys.size();
    request.endpoints = endpoints.data();
    request.endpoint_count = endpoints.size();
    std::vector<NetworkFinding> findings;
    Caller caller;
    caller.begin(collect(findings));
    TRY(caller.finish(table_->retain(instance_, caller.raw(), &request)));
    return findings;
}

void NetworkBench::set_up() {
    auto host = PrivateHost::enter();
    ASSERT_TRUE(host) << host.error().what;
    host_.emplace(std::move(*host));
    auto lan = LanPeer::create("lanlink0", "192.0.2.1/24", "192.0.2.9/24");
    ASSERT_TRUE(lan) << lan.error().what;
    lan_.emplace(std::move(*lan));
    char path[] = "/tmp/davit-network-contract-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    directory_ = path;
    state_ = Fd(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto fabric = Fabric::open(subject_, state_.get());
    ASSERT_TRUE(fabric) << fabric.error().what;
    fabric_ = std::move(*fabric);
}

NetworkBench::~NetworkBench() {
    fabric_.reset();
    killed_.clear();
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

void NetworkBench::kill_and_reopen() {
    killed_.push_back(std::move(fabric_));
    reopen();
}

void NetworkBench::reopen() {
    auto fabric = Fabric::open(subject_, state_.get());
    ASSERT_TRUE(fabric) << fabric.error().what;
    fabric_ = std::move(*fabric);
}

void NetworkBench::create_networks() {
    const auto first =
        fabric_->create({.key = "net-a", .gateway4 = "172.30.0.1/16", .options = subject_.options});
    ASSERT_TRUE(first) << first.error().what;
    const auto second = fabric_->create(
        {.key = "net-b", .gateway4 = "172.31.0.1/16", .options = subject_.other_options});
    ASSERT_TRUE(second) << second.error().what;
    second_link_ = second->link;
}

Sandbox NetworkBench::sandbox(int last, const std::string& network) {
    const std::string subnet = network == "net-b" ? "172.31." : "172.30.";
    const std::string host = std::to_string(last / 256) + "." + std::to_string(last % 256);
    return {std::move(*NetNs::create()),
            network,
            "endpoint-" + std::to_string(++count_),
            {network_address(subnet + host + "/16")},
            {},
            subnet + "0.1"};
}

Sandbox NetworkBench::started(int last, std::vector<davit_port> ports, const std::string& network) {
    Sandbox made = sandbox(last, network);
    made.ports = std::move(ports);
    const auto attached = fabric_->attach(made);
    EXPECT_TRUE(attached) << attached.error().what;
    return made;
}

std::vector<std::string> NetworkBench::links(int netns) {
    std::vector<std::string> names;
    const auto list = [&]() -> Result<void> {
        RouteSocket socket = TRY(RouteSocket::open());
        for (const Link& link : TRY(list_links(socket))) names.push_back(link.name);
        return {};
    };
    EXPECT_TRUE(run_in_netns(netns, list));
    std::sort(names.begin(), names.end());
    return names;
}

bool NetworkBench::inside(int netns, const std::function<bool()>& work) {
    bool held = false;
    const auto run = [&]() -> Result<void> {
        held = work();
        return {};
    };
    return run_in_netns(netns, run) && held;
}

std::string NetworkBench::ask(int netns, const std::string& to, std::uint16_t port) {
    const auto answer = ask_server(netns, Transport::tcp, to, port);
    return answer ? *answer : answer.error().what;
}

bool NetworkBench::is_out_of_reach(int netns, const std::string& to, std::uint16_t port) {
    return !ask_server(netns, Transport::tcp, to, port, kSilence);
}

std::unique_ptr<EchoServer> NetworkBench::serve(int netns, std::uint16_t port) {
    auto server = EchoServer::start(netns, Transport::tcp, "0.0.0.0", port);
    EXPECT_TRUE(server) << server.error().what;
    return server ? std::move(*server) : nullptr;
}

}  // namespace davit::sdk::contract

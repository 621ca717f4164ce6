// SPDX-License-Identifier: Apache-2.0
#include "core/network/port_map.hpp"

#include "sdk/contract/network_lab.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <optional>

namespace davit::network {
namespace {

// Ports are taken in a network namespace of the test's own.
class PortMap : public ::testing::Test {
protected:
    void SetUp() override {
        auto host = sdk::PrivateHost::enter();
        ASSERT_TRUE(host) << host.error().what;
        host_.emplace(std::move(*host));
    }
    std::optional<sdk::PrivateHost> host_;
};

sdk::Prefix at(const std::string& text) { return *sdk::parse_prefix(text); }

TEST_F(PortMap, holds_a_port_for_both_families_until_it_is_let_go) {
    auto held = hold_port({.first = 8080, .last = 8080, .container_port = 80});
    ASSERT_TRUE(held) << held.error().what;
    EXPECT_EQ(held->port.host_port, 8080);
    EXPECT_EQ(held->sockets.size(), 2u);
    EXPECT_EQ(port_text(held->port), "8080/tcp");
    const auto second = hold_port({.first = 8080, .last = 8080, .container_port = 81});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::exists);
    EXPECT_NE(second.error().what.find("port is already allocated"), std::string::npos)
        << second.error().what;
    EXPECT_FALSE(hold_port({.host = at("127.0.0.1"), .first = 8080, .last = 8080}));
    EXPECT_FALSE(hold_port({.host = at("::1"), .first = 8080, .last = 8080}));
    held->sockets.clear();
    EXPECT_TRUE(hold_port({.first = 8080, .last = 8080, .container_port = 80}));
}

TEST_F(PortMap, refuses_a_port_that_a_server_of_the_host_has) {
    const auto server =
        sdk::EchoServer::start(host_->netns(), sdk::Transport::tcp, "127.0.0.1", 8080);
    ASSERT_TRUE(server) << server.error().what;
    EXPECT_EQ(hold_port({.first = 8080, .last = 8080}).error().code, Code::exists);
    EXPECT_TRUE(hold_port({.first = 8080, .last = 8080, .protocol = IPPROTO_UDP}));
}

TEST_F(PortMap, nobody_can_bind_beside_a_held_port) {
    const auto held = hold_port({.first = 8080, .last = 8080});
    ASSERT_TRUE(held);
    EXPECT_FALSE(sdk::EchoServer::start(host_->netns(), sdk::Transport::tcp, "127.0.0.1", 8080))
        << "it has SO_REUSEADDR";
    EXPECT_FALSE(sdk::EchoServer::start(host_->netns(), sdk::Transport::tcp, "::", 8080));
}

TEST_F(PortMap, takes_the_first_free_port_of_a_range) {
    const auto first = hold_port({.first = 9000, .last = 9001});
    const auto second = hold_port({.first = 9000, .last = 9001});
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->port.host_port, 9000);
    EXPECT_EQ(second->port.host_port, 9001);
    EXPECT_EQ(hold_port({.first = 9000, .last = 9001}).error().code, Code::exists);
    EXPECT_EQ(hold_port({.first = 9001, .last = 9000}).error().code, Code::invalid);
}

TEST_F(PortMap, lets_the_kernel_choose_one_that_is_free_for_both_families) {
    const auto any = hold_port({.container_port = 80, .protocol = IPPROTO_UDP});
    ASSERT_TRUE(any) << any.error().what;
    EXPECT_NE(any->port.host_port, 0);
    EXPECT_EQ(any->sockets.size(), 2u);
}

TEST_F(PortMap, refuses_an_address_that_the_host_does_not_have) {
    const auto foreign = hold_port({.host = at("192.0.2.77"), .first = 8080, .last = 8080});
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error().code, Code::invalid);
    EXPECT_NE(foreign.error().what.find("192.0.2.77:8080/tcp"), std::string::npos)
        << foreign.error().what;
}

TEST_F(PortMap, holds_all_wished_ports_or_none) {
    const auto taken = hold_port({.first = 9001, .last = 9001});
    ASSERT_TRUE(taken);
    EXPECT_FALSE(hold_ports({{.first = 9000, .last = 9000}, {.first = 9001, .last = 9001}}));
    EXPECT_TRUE(hold_port({.first = 9000, .last = 9000}));
}

}  // namespace
}  // namespace davit::network

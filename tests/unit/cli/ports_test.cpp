// SPDX-License-Identifier: Apache-2.0
#include "cli/ports.hpp"

#include "cli/template/print.hpp"
#include "sdk/base/json.hpp"

#include <gtest/gtest.h>

namespace davit::cli {
namespace {

std::string bindings(const std::string& text) {
    const auto ports = parse_ports({text}, {});
    return ports ? templates::to_json(ports->bindings) : ports.error().what;
}

TEST(Publish, reads_every_form) {
    EXPECT_EQ(bindings("80"), R"({"80/tcp":[{"HostIp":"","HostPort":""}]})");
    EXPECT_EQ(bindings("8080:80"), R"({"80/tcp":[{"HostIp":"","HostPort":"8080"}]})");
    EXPECT_EQ(bindings("127.0.0.1:8080:80/UDP"),
              R"({"80/udp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]})");
    EXPECT_EQ(bindings("127.0.0.1::80"), R"({"80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]})");
    EXPECT_EQ(bindings("[::1]:8080:80"), R"({"80/tcp":[{"HostIp":"::1","HostPort":"8080"}]})");
    EXPECT_EQ(bindings("::1:8080:80"), R"({"80/tcp":[{"HostIp":"::1","HostPort":"8080"}]})");
    EXPECT_EQ(bindings("0:80"), R"({"80/tcp":[{"HostIp":"","HostPort":"0"}]})");
    EXPECT_EQ(
        bindings("7000-7001:80-81"),
        R"({"80/tcp":[{"HostIp":"","HostPort":"7000"}],"81/tcp":[{"HostIp":"","HostPort":"7001"}]})");
    EXPECT_EQ(bindings("7000-7009:80"), R"({"80/tcp":[{"HostIp":"","HostPort":"7000-7009"}]})");
    EXPECT_EQ(bindings("target=80,published=8080,protocol=udp"),
              R"({"80/udp":[{"HostIp":"","HostPort":"8080"}]})");
}

TEST(Publish, refuses_what_cannot_be_meant_and_quotes_it) {
    EXPECT_EQ(bindings("8080:80/icmp"), "publish 8080:80/icmp: invalid proto 'icmp'");
    EXPECT_EQ(bindings("99999:80"), "publish 99999:80: invalid port '99999'");
    EXPECT_EQ(bindings("localhost:8080:80"),
              "publish localhost:8080:80: invalid IP address: localhost");
    EXPECT_EQ(bindings("7000-7001:80-85"),
              "publish 7000-7001:80-85: invalid ranges specified for container and host ports: "
              "80-85 and 7000-7001");
    EXPECT_EQ(bindings("8080:"), "publish 8080:: no port specified");
}

TEST(Expose, takes_ports_and_ranges) {
    EXPECT_EQ(templates::to_json(parse_ports({}, {"80", "90-91/udp"})->exposed),
              R"({"80/tcp":{},"90/udp":{},"91/udp":{}})");
    EXPECT_FALSE(parse_ports({}, {"80:80"}));
}

TEST(Ports, are_shown_as_docker_shows_them) {
    const auto ports = json::parse(R"([
        {"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}, {"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
        {"IP":"127.0.0.1","PrivatePort":9001,"PublicPort":9001,"Type":"tcp"}, {"IP":"127.0.0.1","PrivatePort":9000,"PublicPort":9000,"Type":"tcp"},
        {"PrivatePort":443,"Type":"tcp"}])",
                                   "ports");
    EXPECT_EQ(
        ports_text(ports->get_array()),
        "443/tcp, 127.0.0.1:9000-9001->9000-9001/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
}

}  // namespace
}  // namespace davit::cli

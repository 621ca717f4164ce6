// SPDX-License-Identifier: Apache-2.0
// The name server, asked from a network namespace of its own.
#include "core/network/dns_server.hpp"
#include "sdk/base/netns.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

namespace davit::network {
namespace {

std::string query(const std::vector<std::string>& labels, DnsType type) {
    std::string text("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
    for (const std::string& label : labels) text += static_cast<char>(label.size()) + label;
    text += std::string("\0\0", 2);
    text += static_cast<char>(type);
    return text + std::string("\0\1", 2);
}

// What 127.0.0.11, port 53, answers in the namespace of the calling thread.
std::string asked(const std::string& message, int type) {
    const Fd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    timeval patience{.tv_sec = 3, .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(53);
    ::inet_pton(AF_INET, kDnsAddress, &server.sin_addr);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&server), sizeof server) != 0)
        return "";
    std::string frame = message;
    if (type == SOCK_STREAM)
        frame.insert(0,
                     {static_cast<char>(message.size() >> 8), static_cast<char>(message.size())});
    if (::send(socket.get(), frame.data(), frame.size(), 0) < 0) return "";
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 2) return "";
    std::string answer(buffer.data(), static_cast<std::size_t>(got));
    return type == SOCK_STREAM ? answer.substr(2) : answer;
}

class NameServer : public testing::Test {
protected:
    void SetUp() override {
        auto made = NetNs::create();
        ASSERT_TRUE(made) << made.error().what;
        netns_.emplace(std::move(*made));
        const auto opened = server_.open(sandbox_, netns_->fd());
        ASSERT_TRUE(opened) << opened.error().what;
    }
    std::string ask(const std::string& message, int type = SOCK_DGRAM) {
        std::string answer;
        EXPECT_TRUE(netns_->run([&]() -> Result<void> {
            answer = asked(message, type);
            return {};
        }));
        return answer;
    }

    std::optional<NetNs> netns_;
    std::shared_ptr<Sandbox> sandbox_ = std::make_shared<Sandbox>(
        "s", Occupant{.container = "c", .names = {"web"}, .ports = {}, .name_servers = {}});
    DnsServer server_{{.addresses =
                           [](const Sandbox&, const std::string& name) {
                               return name == "db" ? std::vector{*sdk::parse_prefix("10.9.8.7")}
                                                   : std::vector<sdk::Prefix>();
                           },
                       .name =
                           [](const Sandbox&, const sdk::Prefix& address) {
                               return sdk::address_text(address) == "10.9.8.7" ? std::string("db.n")
                                                                               : std::string();
                           },
                       .passes_on = [](const Sandbox&) { return false; }}};
};

TEST_F(NameServer, answers_names_by_udp_and_tcp_whatever_their_case) {
    for (const int type : {SOCK_DGRAM, SOCK_STREAM})
        for (const char* name : {"db", "DB"}) {
            const std::string answer = ask(query({name}, DnsType::a), type);
            ASSERT_GE(answer.size(), 12u) << name << type;
            EXPECT_EQ(answer.substr(0, 2), "\x12\x34");
            EXPECT_EQ(answer[7], 1);
            EXPECT_TRUE(answer.ends_with("\x0a\x09\x08\x07"));
        }
}

TEST_F(NameServer, answers_nothing_and_no_error_for_addresses_of_the_other_family) {
    const std::string answer = ask(query({"db"}, DnsType::aaaa));
    ASSERT_GE(answer.size(), 12u);
    EXPECT_EQ(answer[3] & 0x0f, 0);
    EXPECT_EQ(answer[7], 0);
}

TEST_F(NameServer, names_the_one_who_has_an_address) {
    const std::string answer = ask(query({"7", "8", "9", "10", "in-addr", "arpa"}, DnsType::ptr));
    EXPECT_TRUE(answer.ends_with(std::string("\2db\1n\0", 6)));
}

TEST_F(NameServer, r53_fails_what_must_not_be_passed_on) {
    const std::string answer = ask(query({"elsewhere"}, DnsType::a));
    ASSERT_GE(answer.size(), 12u);
    EXPECT_EQ(answer[3] & 0x0f, 2);
}

TEST_F(NameServer, survives_what_is_no_question) {
    std::string torn = query({"db"}, DnsType::a);
    for (std::size_t size = 0; size < torn.size(); ++size)
        EXPECT_FALSE(read_question(std::string_view(torn).substr(0, size))) << size;
    EXPECT_TRUE(ask(query({"db"}, DnsType::a)).ends_with("\x0a\x09\x08\x07"));
}

TEST_F(NameServer, answers_no_more_once_it_is_closed) {
    server_.close(*sandbox_);
    EXPECT_EQ(ask(query({"db"}, DnsType::a), SOCK_STREAM), "");
}

}  // namespace
}  // namespace davit::network

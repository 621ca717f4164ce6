// SPDX-License-Identifier: Apache-2.0
// The client against a server of a few lines on a real socket, which answers what each test says.
#include "sdk/client/client.hpp"

#include "sdk/base/fd.hpp"
#include "sdk/client/containers.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <boost/json/value.hpp>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace davit::sdk {
namespace {

// Serves one connection after the other; on each, answers the next of the answers to every request.
class Server {
public:
    explicit Server(std::vector<std::string> answers) : answers_(std::move(answers)) {
        directory_ = ::mkdtemp(name_);
        path_ = directory_ + "/s";
        listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, path_.c_str());
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
                  0);
        EXPECT_EQ(::listen(listener_.get(), 5), 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~Server() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
        ::unlink(path_.c_str());
        ::rmdir(directory_.c_str());
    }
    const std::string& path() const { return path_; }
    // What was asked, once all answers are given.
    std::vector<std::string> requests;
    int connections = 0;

private:
    void serve() {
        while (next_ < answers_.size()) {
            Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!connection) return;
            ++connections;
            while (next_ < answers_.size() && read_request(connection.get())) {
                const auto answer = answers_[next_++];
                if (answer == "close") break;
                EXPECT_EQ(::send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL),
                          static_cast<ssize_t>(answer.size()));
            }
        }
    }

    bool read_request(int fd) {
        std::string text;
        char block[4096];
        while (text.find("\r\n\r\n") == std::string::npos) {
            const auto got = ::recv(fd, block, sizeof block, 0);
            if (got <= 0) return false;
            text.append(block, static_cast<std::size_t>(got));
        }
        requests.push_back(text.substr(0, text.find(" HTTP")));
        return true;
    }

    char name_[32] = "/tmp/davit-client-XXXXXX";
    std::string directory_, path_;
    Fd listener_;
    std::vector<std::string> answers_;
    std::size_t next_ = 0;
    std::thread thread_;
};

std::string answer(int status, const std::string& body, const std::string& more = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + more +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(Client, keeps_one_connection_for_calls_in_a_row) {
    Server server({answer(200, "[]"), answer(200, "{}"), answer(304, "")});
    Client client(server.path());
    EXPECT_TRUE(client.call_json({"GET", "/containers/json"}));
    EXPECT_TRUE(client.call_json({"GET", "/info"}));
    EXPECT_FALSE(*start_container(client, "web"));
    EXPECT_EQ(server.connections, 1);
}

TEST(Client, steps_down_to_the_version_of_an_older_daemon) {
    Server server(
        {answer(
             400,
             R"({"message":"client version 1.51 is too new. Maximum supported API version is 1.41"})",
             "Api-Version: 1.41\r\n"),
         answer(200, "[]"), answer(200, "[]")});
    Client client(server.path());
    EXPECT_TRUE(client.call_json({"GET", "/containers/json"}));
    EXPECT_TRUE(client.call_json({"GET", "/images/json"}));
    EXPECT_EQ(client.version(), (ApiVersion{1, 41}));
    EXPECT_EQ(server.requests,
              (std::vector<std::string>{"GET /v1.51/containers/json", "GET /v1.41/containers/json",
                                        "GET /v1.41/images/json"}));
}

TEST(Client, says_what_a_daemon_that_is_too_old_said) {
    Server server({answer(
        400,
        R"({"message":"client version 1.51 is too new. Maximum supported API version is 1.24"})",
        "Api-Version: 1.24\r\n")});
    Client client(server.path());
    const auto reply = client.call({"GET", "/info"});
    ASSERT_FALSE(reply);
    EXPECT_NE(reply.error().what.find("1.24"), std::string::npos);
}

TEST(Client, gives_the_daemons_message_and_its_class) {
    Server server({answer(404, R"({"message":"No such container: x"})"),
                   answer(409, "{\"message\":\"busy\"}"), answer(500, "plain\n")});
    Client client(server.path());
    EXPECT_EQ(client.call({"GET", "/a"}).error().code, Code::not_found);
    EXPECT_EQ(client.call({"GET", "/b"}).error().what, "busy");
    EXPECT_EQ(client.call({"GET", "/c"}).error().what, "plain");
}

TEST(Client, asks_again_when_an_idle_connection_was_closed) {
    Server server({answer(200, "1"), "close", answer(200, "2")});
    Client client(server.path());
    EXPECT_EQ(client.call({"GET", "/a"})->body, "1");
    EXPECT_EQ(client.call({"GET", "/b"})->body, "2");
}

TEST(Client, does_not_repeat_a_post_that_may_have_been_done) {
    Server server({answer(200, "1"), "close"});
    Client client(server.path());
    EXPECT_TRUE(client.call({"GET", "/a"}));
    EXPECT_EQ(client.call({"POST", "/containers/create"}).error().code, Code::unavailable);
    EXPECT_EQ(server.requests.size(), 2u);
}

TEST(Client, hands_over_the_raw_stream_with_what_came_early) {
    Server server(
        {"HTTP/1.1 101 UPGRADED\r\nContent-Type: "
         "application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\n\r\nearly"});
    Client client(server.path());
    const auto stream = client.hijack(attach_call("x", {}));
    ASSERT_TRUE(stream);
    EXPECT_TRUE(stream->multiplexed);
    EXPECT_EQ(stream->early, "early");
}

TEST(Client, reads_a_stream_that_breaks_off_as_an_error) {
    Server server({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"});
    Client client(server.path());
    auto stream = client.stream({"GET", "/events"});
    ASSERT_TRUE(stream);
    EXPECT_EQ(*stream->read(), "hel");
    EXPECT_EQ(stream->read().error().code, Code::unavailable);
}

TEST(Connection, tells_that_nobody_is_there) {
    const auto connection = Connection::open("/tmp/davit-no-such-socket");
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().os_errno, ENOENT);
    EXPECT_EQ(connection.error().what,
              "connect to /tmp/davit-no-such-socket: no such file or directory");
}

TEST(Connection, reaches_a_socket_behind_a_path_of_two_hundred_characters) {
    const std::string path = "/tmp/" + std::string(200, 'd') + "/s";
    const auto connection = Connection::open(path);
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().os_errno, ENOENT);  // and not: name too long
}

}  // namespace
}  // namespace davit::sdk

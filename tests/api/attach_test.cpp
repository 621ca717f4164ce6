// SPDX-License-Identifier: Apache-2.0
// Connections that become a container's or an exec session's streams.
#include "tests/api/http_client.hpp"
#include "tests/api/served_api.hpp"
#include "tests/api/streams.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <csignal>
#include <thread>

namespace davit::docker_api::test {
namespace {

// A container with three pipes that the engine hands over when it is attached.
class Attached : public ::testing::Test {
protected:
    void attach(bool terminal,
                const std::string& line = "POST /v1.44/containers/web/attach?stream=1&stdin=1") {
        api.on("container.attach", [this, terminal](const Asked& asked) {
            return asked.streams(in.write.release(), out.read.release(),
                                 terminal ? -1 : err.read.release(), terminal);
        });
        client.send(request(line, kUpgrade));
        head = client.read_head();
        if (terminal) err.write.reset();
    }
    void write(Pipe& pipe, const std::string& bytes) {
        ASSERT_EQ(::write(pipe.write.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }

    ServedApi api;
    HttpClient client{api.socket_path()};
    Pipe in, out, err;
    Answer head;
};

TEST_F(Attached, the_connection_is_taken_over_as_docker_does) {
    attach(false);
    EXPECT_EQ(head.status, 101u);
    EXPECT_EQ(head.reason, "UPGRADED");
    EXPECT_EQ(head.headers.at("upgrade"), "tcp");
    EXPECT_EQ(head.headers.at("connection"), "Upgrade");
    EXPECT_EQ(head.headers.at("content-type"), "application/vnd.docker.multiplexed-stream");
}

TEST_F(Attached, clients_before_1_42_and_terminals_get_the_raw_type) {
    attach(false, "POST /v1.41/containers/web/attach?stream=1");
    EXPECT_EQ(head.headers.at("content-type"), "application/vnd.docker.raw-stream");
}

TEST_F(Attached, a_client_that_did_not_ask_to_upgrade_gets_200) {
    api.on("container.attach",
           [this](const Asked& asked) { return asked.streams(-1, out.read.release(), -1, true); });
    client.send(request("POST /containers/web/attach?stream=1"));
    EXPECT_EQ(client.read_head().status, 200u);
    write(out, "hello");
    EXPECT_EQ(client.read_raw(5), "hello");
}

TEST_F(Attached, stdout_and_stderr_are_framed_and_their_end_ends_the_connection) {
    attach(false);
    write(out, "one");
    EXPECT_EQ(client.read_raw(11), frame(1, "one"));
    write(err, "two");
    EXPECT_EQ(client.read_raw(11), frame(2, "two"));
    out.write.reset();
    write(err, "three");
    EXPECT_EQ(client.read_raw(13), frame(2, "three"));
    err.write.reset();
    EXPECT_TRUE(client.ended());
}

TEST_F(Attached, half_closing_ends_stdin_and_output_goes_on) {
    attach(false);
    client.send("question");
    client.half_close();
    EXPECT_EQ(read_all(in.read.get()), "question");
    write(out, "answer");
    EXPECT_EQ(client.read_raw(14), frame(1, "answer"));
    out.write.reset();
    err.write.reset();
    EXPECT_TRUE(client.ended());
}

TEST_F(Attached, what_was_sent_with_the_request_reaches_stdin) {
    api.on("container.attach", [this](const Asked& asked) {
        return asked.streams(in.write.release(), out.read.release(), -1, false);
    });
    client.send(request("POST /containers/web/attach?stream=1&stdin=1", kUpgrade, "early"));
    client.half_close();
    EXPECT_EQ(read_all(in.read.get()), "early");
}

TEST_F(Attached, a_client_that_leaves_frees_the_container_s_output) {
    attach(false);
    client.close();
    EXPECT_EQ(read_all(in.read.get()), "");
    ::signal(SIGPIPE, SIG_IGN);
    while (::write(out.write.get(), "x", 1) > 0)
        ::usleep(1000);  // ends when the plugin's end is closed
    EXPECT_EQ(errno, EPIPE);
}

TEST_F(Attached, everything_sent_before_leaving_is_delivered) {
    attach(false);
    const std::string much(300'000, 'm');  // more than socket and pipe hold together
    std::string received;
    std::thread reader([&] { received = read_all(in.read.get()); });
    client.send(much);
    client.close();
    reader.join();
    EXPECT_EQ(received.size(), much.size());
}

TEST_F(Attached, input_flows_while_the_client_does_not_read) {
    attach(false);
    ::fcntl(out.write.get(), F_SETFL, O_NONBLOCK);
    const std::string block(65536, 'o');
    for (int full = 0; full < 50;) {  // until socket and pipe stay full
        full = ::write(out.write.get(), block.data(), block.size()) < 0 ? full + 1 : 0;
        if (full > 0) ::usleep(1000);
    }
    client.send("still");
    std::string bytes(5, '\0');
    EXPECT_EQ(::read(in.read.get(), bytes.data(), bytes.size()), 5);
    EXPECT_EQ(bytes, "still");
}

// Nobody reads stdin any more, and the client only wrote: there is nothing left to be connected to.
TEST_F(Attached, stdin_alone_ends_with_its_reader_be_it_a_pipe_or_a_socket) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    api.on("container.attach",
           [&](const Asked& asked) { return asked.streams(ends[0], -1, -1, false); });
    client.send(request("POST /containers/web/attach?stream=1&stdin=1", kUpgrade));
    EXPECT_EQ(client.read_head().status, 101u);
    ::close(ends[1]);
    EXPECT_TRUE(client.ended());

    HttpClient second(api.socket_path());
    api.on("container.attach",
           [&](const Asked& asked) { return asked.streams(in.write.release(), -1, -1, false); });
    second.send(request("POST /containers/web/attach?stream=1&stdin=1", kUpgrade));
    EXPECT_EQ(second.read_head().status, 101u);
    in.read.reset();
    EXPECT_TRUE(second.ended());
}

TEST_F(Attached, a_terminal_is_not_framed) {
    attach(true);
    EXPECT_EQ(head.headers.at("content-type"), "application/vnd.docker.raw-stream");
    write(out, "$ ");
    EXPECT_EQ(client.read_raw(2), "$ ");
}

TEST_F(Attached, detach_keys_leave_the_container_and_are_not_typed_into_it) {
    attach(true);
    client.send(
        "a\x10"
        "b\x10\x11");  // ctrl-p alone is the container's
    EXPECT_TRUE(client.ended());
    EXPECT_EQ(read_all(in.read.get()),
              "a\x10"
              "b");
}

TEST_F(Attached, other_detach_keys_come_from_the_query) {
    attach(true, "POST /containers/web/attach?stream=1&stdin=1&detachKeys=ctrl-a,x");
    client.send("\x10\x11\x01x");
    EXPECT_TRUE(client.ended());
    EXPECT_EQ(read_all(in.read.get()), "\x10\x11");
}

TEST_F(Attached, unknown_detach_keys_are_refused_before_anything_happens) {
    client.send(request("POST /containers/web/attach?detachKeys=ctrl-7", kUpgrade));
    EXPECT_EQ(client.read_answer().status, 400u);
    EXPECT_TRUE(api.asked().empty());
}

TEST_F(Attached, without_a_container_there_is_an_ordinary_error) {
    api.on("container.attach", [](const Asked& asked) {
        return asked.fail(DAVIT_NOT_FOUND, "no such container: web");
    });
    client.send(request("POST /containers/web/attach?stream=1", kUpgrade));
    const Answer answer = client.read_answer();
    EXPECT_EQ(answer.status, 404u);
    EXPECT_EQ(answer.body, "{\"message\":\"no such container: web\"}\n");
}

TEST_F(Attached, stopping_the_service_ends_it) {
    attach(false);
    api.stop();
    EXPECT_TRUE(client.ended());
}

TEST(Exec, a_detached_start_is_a_plain_200) {
    ServedApi api;
    std::string body;
    api.on("exec.start", [&](const Asked& asked) { return body = asked.body(), DAVIT_OK; });
    const Answer answer =
        HttpClient::ask(api.socket_path(), "POST", "/exec/e/start", R"({"Detach":true})");
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(body, R"({"Detach":true})");
}

TEST(Exec, a_program_that_cannot_start_is_told_in_the_stream) {
    ServedApi api;
    api.on("exec.start", [](const Asked& asked) {
        asked.answer(DAVIT_ANSWER_STARTED);
        return asked.fail(DAVIT_NOT_FOUND, "start nope: no such file or directory");
    });
    HttpClient client(api.socket_path());
    client.send(request("POST /exec/e/start",
                        kUpgrade + "Content-Type: application/json\r\nContent-Length: 2\r\n",
                        "{}"));
    EXPECT_EQ(client.read_head().status, 101u);
    EXPECT_EQ(client.read_to_end(), frame(1, "start nope: no such file or directory\r\n"));
}

TEST(Exec, input_that_follows_the_request_s_body_is_stdin) {
    ServedApi api;
    Pipe in, out;
    api.on("exec.start", [&](const Asked& asked) {
        return asked.streams(in.write.release(), out.read.release(), -1, false);
    });
    HttpClient client(api.socket_path());
    client.send(request("POST /exec/e/start",
                        kUpgrade + "Content-Type: application/json\r\nContent-Length: 2\r\n",
                        "{}ls\n"));
    client.half_close();
    EXPECT_EQ(read_all(in.read.get()), "ls\n");
}

}  // namespace
}  // namespace davit::docker_api::test

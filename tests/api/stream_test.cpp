// SPDX-License-Identifier: Apache-2.0
// Answers that come piece by piece, connections that become a container's streams, and bodies that
// are streamed in.
#include "tests/api/http_client.hpp"
#include "tests/api/served_api.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <condition_variable>
#include <thread>

namespace davit::docker_api::test {
namespace {

// A latch that a test and the plugin's thread meet at.
class Signal {
public:
    void set() {
        const std::lock_guard lock(mutex_);
        set_ = true;
        changed_.notify_all();
    }
    bool wait() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return set_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool set_ = false;
};

struct Pipe {
    Fd read, write;
    Pipe() {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
};

std::string read_all(int fd) {
    std::string all;
    char block[4096];
    for (ssize_t count; (count = ::read(fd, block, sizeof block)) > 0;)
        all.append(block, static_cast<std::size_t>(count));
    return all;
}

std::string frame(char stream, const std::string& bytes) {
    return std::string{stream, 0, 0, 0, 0, 0, 0, static_cast<char>(bytes.size())} + bytes;
}

std::string request(const std::string& line, const std::string& headers = {},
                    const std::string& body = {}) {
    return line + " HTTP/1.1\r\nHost: docker\r\n" + headers + "\r\n" + body;
}

const std::string kUpgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

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

TEST(Logs, frames_come_as_they_are_written) {
    ServedApi api;
    Signal first_seen;
    api.on("container.logs", [&](const Asked& asked) {
        asked.output(1, "out\n");
        first_seen.wait();
        return asked.output(2, "err\n");
    });
    HttpClient client(api.socket_path());
    client.send(request("GET /v1.42/containers/web/logs?stdout=1&follow=1"));
    EXPECT_EQ(client.read_head().headers.at("content-type"),
              "application/vnd.docker.multiplexed-stream");
    EXPECT_EQ(client.read_chunk(), frame(1, "out\n"));
    first_seen.set();
    EXPECT_EQ(client.read_chunk(), frame(2, "err\n"));
    EXPECT_EQ(client.read_chunk(), "");
}

TEST(Logs, of_a_terminal_are_raw) {
    ServedApi api;
    api.on("container.logs", [](const Asked& asked) { return asked.output(1, "out\r\n", true); });
    const Answer answer =
        HttpClient::ask(api.socket_path(), "GET", "/containers/web/logs?stdout=1");
    EXPECT_EQ(answer.headers.at("content-type"), "application/vnd.docker.raw-stream");
    EXPECT_EQ(answer.body, "out\r\n");
}

TEST(Logs, following_ends_when_the_client_leaves) {
    ServedApi api;
    Signal cancelled;
    api.on("container.logs", [&](const Asked& asked) {
        EXPECT_FALSE(asked.cancelled());
        asked.answer(DAVIT_ANSWER_STARTED);
        if (asked.wait_cancelled(20'000) && asked.cancelled()) cancelled.set();
        return asked.fail(DAVIT_CANCELLED, "read log: cancelled");
    });
    HttpClient client(api.socket_path());
    client.send(request("GET /containers/web/logs?follow=1"));
    EXPECT_EQ(client.read_head().status, 200u);
    client.close();
    EXPECT_TRUE(cancelled.wait());
}

TEST(Job, stopping_a_container_goes_on_when_its_client_leaves) {
    ServedApi api;
    Signal begun, gone, ended;
    bool cancelled = true;
    api.on("container.stop", [&](const Asked& asked) {
        begun.set();
        gone.wait();
        cancelled = asked.cancelled();
        ended.set();
        return DAVIT_OK;
    });
    HttpClient client(api.socket_path());
    client.send(request("POST /containers/web/stop"));
    begun.wait();
    client.close();
    gone.set();
    EXPECT_TRUE(ended.wait());
    EXPECT_FALSE(cancelled);
}

TEST(Job, stopping_the_service_cancels_every_call_and_cuts_its_answer) {
    ServedApi api;
    Signal begun;
    api.on("container.wait", [&](const Asked& asked) {
        asked.answer(DAVIT_ANSWER_STARTED);
        begun.set();
        asked.wait_cancelled(20'000);
        return asked.fail(DAVIT_CANCELLED, "wait: cancelled");
    });
    HttpClient client(api.socket_path());
    client.send(request("POST /containers/web/wait"));
    begun.wait();
    api.stop();
    EXPECT_FALSE(client.read_answer().complete);
}

TEST(Job, wait_sends_its_head_before_the_container_ends) {
    ServedApi api;
    Signal head_seen;
    api.on("container.wait", [&](const Asked& asked) {
        asked.answer(DAVIT_ANSWER_STARTED);
        head_seen.wait();
        return asked.result(R"({"StatusCode":3})");
    });
    HttpClient client(api.socket_path());
    client.send(request("POST /containers/web/wait?condition=next-exit"));
    EXPECT_EQ(client.read_head().status, 200u);
    head_seen.set();
    EXPECT_EQ(client.read_chunk(), "{\"StatusCode\":3}\n");
}

TEST(Pull, progress_is_sent_line_by_line_and_a_late_error_is_one_of_them) {
    ServedApi api;
    api.on("image.pull", [](const Asked& asked) {
        asked.answer(DAVIT_ANSWER_JOB, "j1");
        asked.answer(DAVIT_ANSWER_PROGRESS, R"({"status":"Pulling"})");
        return asked.fail(DAVIT_UNAVAILABLE, "pull nginx: connection refused");
    });
    const Answer answer =
        HttpClient::ask(api.socket_path(), "POST", "/images/create?fromImage=nginx&tag=latest");
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.headers.at("davit-job"), "j1");
    EXPECT_EQ(answer.body,
              "{\"status\":\"Pulling\"}\r\n"
              "{\"errorDetail\":{\"message\":\"pull nginx: connection refused\"},"
              "\"error\":\"pull nginx: connection refused\"}\r\n");
    EXPECT_TRUE(answer.complete);
}

TEST(Pull, an_early_error_is_a_status) {
    ServedApi api;
    api.on("image.pull",
           [](const Asked& asked) { return asked.fail(DAVIT_NOT_FOUND, "no such image"); });
    EXPECT_EQ(HttpClient::ask(api.socket_path(), "POST", "/images/create?fromImage=nope").status,
              404u);
}

TEST(Pull, credentials_arrive_decoded_whatever_the_alphabet) {
    ServedApi api;
    std::string auth;
    api.on("image.pull", [&](const Asked& asked) { return auth = asked.auth(), DAVIT_OK; });
    const auto pull = [&](const std::string& header) {
        return HttpClient::ask(api.socket_path(), "POST", "/images/create?fromImage=a", {},
                               "X-Registry-Auth: " + header + "\r\n")
            .status;
    };
    EXPECT_EQ(pull("eyJ1IjoiPz8_In0="), 200u);
    EXPECT_EQ(auth, R"({"u":"???"})");
    auth.clear();
    EXPECT_EQ(pull("eyJ1IjoiPz8/In0"), 200u);
    EXPECT_EQ(auth, R"({"u":"???"})");
    EXPECT_EQ(pull("%%%"), 400u);
}

TEST(Import, is_told_from_a_pull_by_its_query) {
    ServedApi api;
    api.on("image.import", [](const Asked& asked) {
        return read_all(asked.input()), asked.answer(DAVIT_ANSWER_PROGRESS, asked.args());
    });
    const Answer answer =
        HttpClient::ask(api.socket_path(), "POST", "/images/create?fromSrc=-&changes=CMD+x");
    EXPECT_EQ(answer.body, "{\"fromSrc\":\"-\",\"changes\":[\"CMD x\"],\"version\":\"1.51\"}\r\n");
}

TEST(Upload, a_chunked_archive_arrives_whole) {
    ServedApi api;
    std::string received;
    bool cancelled = true;
    api.on("container.archive.put", [&](const Asked& asked) {
        received = read_all(asked.input());
        cancelled = asked.cancelled();
        return DAVIT_OK;
    });
    HttpClient client(api.socket_path());
    client.send(request("PUT /containers/web/archive?path=/",
                        "Transfer-Encoding: chunked\r\nContent-Type: application/x-tar\r\n",
                        "5\r\nhello\r\n186A0\r\n" + std::string(100'000, 'a') + "\r\n0\r\n\r\n"));
    EXPECT_EQ(client.read_answer().status, 200u);
    EXPECT_EQ(received, "hello" + std::string(100'000, 'a'));
    EXPECT_FALSE(cancelled);
}

TEST(Upload, half_an_archive_is_told_from_a_whole_one) {
    ServedApi api;
    Signal ended;
    bool cancelled = false;
    api.on("container.archive.put", [&](const Asked& asked) {
        read_all(asked.input());
        cancelled = asked.cancelled();
        ended.set();
        return asked.fail(DAVIT_CANCELLED, "unpack: the client left");
    });
    HttpClient client(api.socket_path());
    client.send(request("PUT /containers/web/archive?path=/", "Content-Length: 100\r\n", "half"));
    client.close();
    EXPECT_TRUE(ended.wait());
    EXPECT_TRUE(cancelled);
}

TEST(Upload, an_engine_that_wants_no_more_does_not_wait_for_the_client) {
    ServedApi api;
    api.on("container.archive.put",
           [](const Asked& asked) { return asked.fail(DAVIT_NO_SPACE, "unpack: no space left"); });
    HttpClient client(api.socket_path());
    client.send(request("PUT /containers/web/archive?path=/", "Content-Length: 100\r\n", "half"));
    const Answer answer = client.read_answer();  // the client still owes 96 bytes
    EXPECT_EQ(answer.status, 500u);
    EXPECT_EQ(answer.body, "{\"message\":\"unpack: no space left\"}\n");
}

TEST(Upload, a_client_that_waits_for_100_is_told_to_go_on) {
    ServedApi api;
    std::string received;
    api.on("image.load",
           [&](const Asked& asked) { return received = read_all(asked.input()), DAVIT_OK; });
    HttpClient client(api.socket_path());
    client.send(request("POST /images/load", "Expect: 100-continue\r\nContent-Length: 3\r\n"));
    EXPECT_EQ(client.read_head().status, 100u);
    client.send("tar");
    EXPECT_EQ(client.read_answer().status, 200u);
    EXPECT_EQ(received, "tar");
}

TEST(Archive, bytes_follow_a_header_that_describes_the_path) {
    ServedApi api;
    api.on("container.archive.get", [](const Asked& asked) {
        asked.result(R"({"name":"etc"})");
        return asked.answer(DAVIT_ANSWER_BYTES, std::string("\0tar", 4));
    });
    const Answer answer =
        HttpClient::ask(api.socket_path(), "GET", "/containers/web/archive?path=/etc");
    EXPECT_EQ(answer.headers.at("x-docker-container-path-stat"), "eyJuYW1lIjoiZXRjIn0=");
    EXPECT_EQ(answer.headers.at("content-type"), "application/x-tar");
    EXPECT_EQ(answer.body, std::string("\0tar", 4));
}

TEST(Archive, one_that_breaks_off_is_cut_not_ended) {
    ServedApi api;
    api.on("container.export", [](const Asked& asked) {
        asked.answer(DAVIT_ANSWER_BYTES, "begin");
        return asked.fail(DAVIT_CORRUPT, "read layer: input/output error");
    });
    EXPECT_FALSE(HttpClient::ask(api.socket_path(), "GET", "/containers/web/export").complete);
}

TEST(Archive, head_has_the_description_alone) {
    ServedApi api;
    api.on("container.archive.stat",
           [](const Asked& asked) { return asked.result(R"({"name":"etc"})"); });
    const Answer answer =
        HttpClient::ask(api.socket_path(), "HEAD", "/containers/web/archive?path=/etc");
    EXPECT_EQ(answer.headers.at("x-docker-container-path-stat"), "eyJuYW1lIjoiZXRjIn0=");
}

TEST(Events, go_through_subscribe_until_the_client_leaves) {
    ServedApi api;
    Signal cancelled;
    api.on("system.events", [&](const Asked& asked) {
        asked.answer(DAVIT_ANSWER_STARTED);
        asked.answer(DAVIT_ANSWER_PROGRESS, R"({"Type":"container"})");
        if (asked.wait_cancelled(20'000)) cancelled.set();
        return DAVIT_OK;
    });
    HttpClient client(api.socket_path());
    client.send(request("GET /events"));
    EXPECT_EQ(client.read_head().headers.at("content-type"), "application/json");
    EXPECT_EQ(client.read_chunk(), "{\"Type\":\"container\"}\r\n");
    client.close();
    EXPECT_TRUE(cancelled.wait());
}

}  // namespace
}  // namespace davit::docker_api::test

// SPDX-License-Identifier: Apache-2.0
// Answers that come piece by piece, and bodies that are streamed in.
#include "tests/api/http_client.hpp"
#include "tests/api/served_api.hpp"
#include "tests/api/streams.hpp"

#include <gtest/gtest.h>

namespace davit::docker_api::test {
namespace {

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

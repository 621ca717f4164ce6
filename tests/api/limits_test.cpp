// SPDX-License-Identifier: Apache-2.0
// What a client may not do: every limit on a request's size, number and form (security rules R-47,
//
#include "tests/api/http_client.hpp"
#include "tests/api/served_api.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <filesystem>
#include <random>

namespace davit::docker_api::test {
namespace {

class Limits : public ::testing::Test {
protected:
    Limits() {
        api.on("system.info", [](const Asked& asked) { return asked.result("{}"); });
        api.on("container.create", [this](const Asked& asked) {
            body_size = asked.body().size();
            return asked.result("{}");
        });
    }
    // The status of the first answer to these bytes.
    unsigned status_of(const std::string& bytes) {
        HttpClient client(api.socket_path());
        client.send(bytes);
        return client.read_answer().status;
    }
    unsigned create(const std::string& headers, const std::string& body = {}) {
        return status_of("POST /containers/create HTTP/1.1\r\nContent-Type: application/json\r\n" +
                         headers + "\r\n" + body);
    }

    ServedApi api;
    std::size_t body_size = 0;
};

constexpr std::size_t kKiB = 1024;

TEST_F(Limits, a_first_line_may_have_64_kib) {
    const std::string line =
        "GET /info?x=" + std::string(64 * kKiB - 200, 'x') + " HTTP/1.1\r\n\r\n";
    EXPECT_EQ(status_of(line), 200u);
    EXPECT_EQ(status_of("GET /info?x=" + std::string(65 * kKiB, 'x') + " HTTP/1.1\r\n\r\n"), 414u);
    EXPECT_EQ(status_of("GET /" + std::string(1024 * kKiB, 'x')), 414u);
}

TEST_F(Limits, a_head_may_have_512_fields) {
    std::string fields;
    for (int i = 0; i < 512; ++i) fields += "X-" + std::to_string(i) + ": 1\r\n";
    EXPECT_EQ(status_of("GET /info HTTP/1.1\r\n" + fields + "\r\n"), 200u);
    EXPECT_EQ(status_of("GET /info HTTP/1.1\r\n" + fields + "One: more\r\n\r\n"), 431u);
}

TEST_F(Limits, a_head_may_have_128_kib_and_a_field_half_of_it) {
    const auto with_fields = [](std::size_t size, std::size_t number) {
        std::string request = "GET /info HTTP/1.1\r\n";
        for (; number > 0; --number) request += "X: " + std::string(size, 'x') + "\r\n";
        return request + "\r\n";
    };
    EXPECT_EQ(status_of(with_fields(60 * kKiB, 2)), 200u);
    EXPECT_EQ(status_of(with_fields(60 * kKiB, 3)), 431u);
    EXPECT_EQ(status_of(with_fields(70 * kKiB, 1)), 431u);
    EXPECT_EQ(status_of(with_fields(1024 * kKiB, 1)), 431u);
}

TEST_F(Limits, a_json_body_may_have_4_mib) {
    const auto with_body = [&](std::size_t size) {
        return create("Content-Length: " + std::to_string(size) + "\r\n", std::string(size, ' '));
    };
    EXPECT_EQ(with_body(4096 * kKiB), 201u);
    EXPECT_EQ(body_size, 4096 * kKiB);
    body_size = 0;
    EXPECT_EQ(with_body(4096 * kKiB + 1), 400u);
    EXPECT_EQ(with_body(100 * 1024 * kKiB), 400u);
    EXPECT_EQ(body_size, 0u);
}

TEST_F(Limits, a_body_must_call_itself_json) {
    EXPECT_EQ(status_of("POST /containers/create HTTP/1.1\r\nContent-Type: "
                        "text/plain\r\nContent-Length: 2\r\n\r\n{}"),
              400u);
    EXPECT_EQ(status_of("POST /containers/create HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"), 400u);
    EXPECT_EQ(status_of("POST /containers/create HTTP/1.1\r\n\r\n"), 201u);
    EXPECT_EQ(
        status_of(
            "POST /containers/create HTTP/1.1\r\nContent-Type: Application/JSON; charset=utf-8\r\n"
            "Content-Length: 2\r\n\r\n{}"),
        201u);
}

// what decides about a request must see the body that is acted on.
TEST_F(Limits, r55_a_request_with_two_ways_to_end_its_body_is_refused) {
    const std::string chunked = "2\r\n{}\r\n0\r\n\r\n";
    EXPECT_EQ(create("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", chunked), 400u);
    EXPECT_EQ(create("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", chunked), 400u);
    EXPECT_EQ(create("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), 400u);
    EXPECT_EQ(create("Content-Length: 2\r\nContent-Length: 3\r\n", "{} "), 400u);
    EXPECT_EQ(create("Content-Length: 2, 2\r\n", "{}"), 400u);
    EXPECT_EQ(create("Content-Length: +2\r\n", "{}"), 400u);
    EXPECT_EQ(create("Content-Length: -2\r\n", "{}"), 400u);
    EXPECT_EQ(create("Transfer-Encoding: gzip, chunked\r\n", chunked), 400u);
    EXPECT_EQ(create("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunked),
              400u);
    EXPECT_EQ(create("Transfer-Encoding : chunked\r\n", chunked), 400u);
    EXPECT_EQ(create("Transfer-Encoding: xchunked\r\n", chunked), 400u);
    EXPECT_EQ(status_of("POST /containers/create HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" +
                        chunked),
              400u);
    EXPECT_TRUE(api.asked().empty());
}

TEST_F(Limits, r55_the_refused_request_s_body_is_not_taken_for_the_next_request) {
    HttpClient client(api.socket_path());
    client.send(
        "GET /info HTTP/1.1\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n"
        "GET /info HTTP/1.1\r\n\r\n");
    EXPECT_EQ(client.read_answer().status, 400u);
    EXPECT_TRUE(client.ended());
    EXPECT_TRUE(api.asked().empty());
}

TEST_F(Limits, r55_a_body_nobody_asked_for_is_not_taken_for_the_next_request) {
    HttpClient client(api.socket_path());
    const std::string inner = "DELETE /containers/web HTTP/1.1\r\n\r\n";
    client.send("GET /info HTTP/1.1\r\nContent-Length: " + std::to_string(inner.size()) +
                "\r\n\r\n" + inner + "GET /info HTTP/1.1\r\n\r\n");
    EXPECT_EQ(client.read_answer().status, 200u);
    EXPECT_EQ(client.read_answer().status, 200u);
    EXPECT_EQ(api.asked(), (std::vector<std::string>{"system.info", "system.info"}));
}

TEST_F(Limits, a_chunked_body_with_trailers_is_one_body) {
    const std::string body = "1\r\n{\r\n1;x=y\r\n}\r\n0\r\n";
    EXPECT_EQ(create("Transfer-Encoding: chunked\r\n", body + "X-Sum: 9\r\n\r\n"), 201u);
    EXPECT_EQ(body_size, 2u);
    EXPECT_EQ(create("Transfer-Encoding: chunked\r\n", body + "Content-Length: 9\r\n\r\n"), 400u);
}

TEST_F(Limits, broken_chunks_are_refused) {
    EXPECT_EQ(create("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"), 400u);
    EXPECT_EQ(create("Transfer-Encoding: chunked\r\n", "2\r\n{}xx0\r\n\r\n"), 400u);
    EXPECT_EQ(create("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n{}\r\n"), 400u);
    EXPECT_EQ(create("Transfer-Encoding: chunked\r\n", "1;" + std::string(1024 * kKiB, 'x')), 400u);
    EXPECT_TRUE(api.asked().empty());
}

TEST_F(Limits, what_is_no_http_is_refused) {
    EXPECT_EQ(status_of("hello\r\n\r\n"), 400u);
    EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505u);
    EXPECT_EQ(status_of("GET /info HTTP/1.1\r\nno colon\r\n\r\n"), 400u);
    EXPECT_EQ(status_of("GET /info HTTP/1.1\r\nExpect: miracles\r\n\r\n"), 417u);
    EXPECT_EQ(status_of("GET /containers/a%00b/json HTTP/1.1\r\n\r\n"), 400u);
    EXPECT_EQ(status_of("GET /containers/a%zzb/json HTTP/1.1\r\n\r\n"), 400u);
    EXPECT_EQ(status_of("BREW /info HTTP/1.1\r\n\r\n"), 405u);
}

// Takes the 30 seconds that a head may take.
TEST_F(Limits, a_head_that_never_ends_is_given_up) {
    EXPECT_EQ(status_of("GET /info HTTP/1.1\r\nHost: docker\r\n"), 408u);
}

TEST_F(Limits, requests_follow_each_other_on_one_connection) {
    HttpClient client(api.socket_path());
    for (int i = 0; i < 3; ++i) {
        client.send("GET /info HTTP/1.1\r\n\r\n");
        EXPECT_EQ(client.read_answer().status, 200u);
    }
    client.send("GET /info HTTP/1.1\r\n\r\nGET /info HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(client.read_answer().status, 200u);
    EXPECT_EQ(client.read_answer().status, 200u);
    EXPECT_TRUE(client.ended());
}

TEST_F(Limits, a_client_of_http_1_0_gets_its_answer_without_chunks) {
    api.on("image.pull",
           [](const Asked& asked) { return asked.answer(DAVIT_ANSWER_PROGRESS, "{}"); });
    HttpClient client(api.socket_path());
    client.send("POST /images/create?fromImage=a HTTP/1.0\r\n\r\n");
    const Answer answer = client.read_answer();
    EXPECT_FALSE(answer.headers.contains("transfer-encoding"));
    EXPECT_EQ(answer.body, "{}\r\n");
}

// no request may take the process with it. 2 000 damaged requests, the same ones in every
// run.
TEST_F(Limits, r47_damaged_requests_leave_the_service_whole) {
    const std::string whole =
        "POST /v1.41/containers/create?name=%41 HTTP/1.1\r\nHost: docker\r\nContent-Type: "
        "application/json\r\n"
        "Transfer-Encoding: chunked\r\nConnection: Upgrade\r\nUpgrade: "
        "tcp\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    std::mt19937 random(20260101);
    for (int round = 0; round < 2000; ++round) {
        std::string damaged = whole.substr(0, 1 + random() % whole.size());
        for (unsigned hits = random() % 4; hits > 0; --hits)
            damaged[random() % damaged.size()] = static_cast<char>(random());
        HttpClient client(api.socket_path());
        client.send(damaged);
        client.half_close();
        client.read_to_end();
    }
    EXPECT_EQ(status_of("GET /info HTTP/1.1\r\n\r\n"), 200u);
}

std::size_t count(const char* directory) {
    const std::filesystem::directory_iterator all(directory);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// what a connection holds ends with it.
TEST_F(Limits, r65_a_thousand_attached_clients_leave_nothing_behind) {
    api.on("container.attach", [](const Asked& asked) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return asked.fail(DAVIT_UNAVAILABLE, "make pipe");
        return asked.streams(ends[1], ends[0], -1, true);
    });
    const auto attach = [&] {
        HttpClient client(api.socket_path());
        client.send(
            "POST /containers/web/attach?stream=1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: "
            "tcp\r\n\r\n");
        EXPECT_EQ(client.read_head().status, 101u);
        client.half_close();  // the pipe's one writer: its end is the connection's
        EXPECT_TRUE(client.ended());
    };
    const std::size_t threads = count("/proc/self/task");  // the acceptor among them
    attach();
    const std::size_t descriptors = count("/proc/self/fd");
    for (int i = 0; i < 1000; ++i) attach();
    api.stop();
    EXPECT_LE(count("/proc/self/fd"), descriptors);
    EXPECT_EQ(count("/proc/self/task"), threads - 1);
}

}  // namespace
}  // namespace davit::docker_api::test

// SPDX-License-Identifier: Apache-2.0
// One request, one answer: what the engine is asked and what the client gets.
#include "tests/api/http_client.hpp"
#include "tests/api/served_api.hpp"

#include <gtest/gtest.h>

namespace davit::docker_api::test {
namespace {

Answer get(ServedApi& api, const std::string& target) {
    return HttpClient::ask(api.socket_path(), "GET", target);
}
Answer post(ServedApi& api, const std::string& target, const std::string& body = {}) {
    return HttpClient::ask(api.socket_path(), "POST", target, body);
}

// The engine's answer to `name` is what it was asked, so that tests see it.
void echo_args(ServedApi& api, const std::string& name) {
    api.on(name, [](const Asked& asked) { return asked.result(asked.args()); });
}

TEST(Request, ping_is_ok_and_says_what_versions_it_speaks) {
    ServedApi api;
    api.on("system.ping", [](const Asked&) { return DAVIT_OK; });
    const Answer answer = get(api, "/_ping");
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, "OK");
    EXPECT_EQ(answer.headers.at("api-version"), "1.51");
    EXPECT_EQ(answer.headers.at("docker-experimental"), "false");
    EXPECT_EQ(answer.headers.at("ostype"), "linux");
    EXPECT_EQ(answer.headers.at("builder-version"), "1");
    EXPECT_EQ(answer.headers.at("server").substr(0, 6), "Davit/");
    EXPECT_EQ(answer.headers.at("cache-control"), "no-cache, no-store, must-revalidate");
    EXPECT_EQ(answer.headers.at("pragma"), "no-cache");
}

TEST(Request, head_of_ping_has_no_body) {
    ServedApi api;
    api.on("system.ping", [](const Asked&) { return DAVIT_OK; });
    HttpClient client(api.socket_path());
    client.send("HEAD /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n");
    const Answer answer = client.read_head();
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(client.read_to_end(), "");
}

TEST(Request, path_and_query_reach_the_engine_decoded) {
    ServedApi api;
    echo_args(api, "image.inspect");
    const Answer answer = get(api, "/v1.50/images/quay.io%2Fa/b:1/json?x=%22a+b%22&x=second");
    EXPECT_EQ(answer.body, R"({"name":"quay.io/a/b:1","x":"\"a b\"","version":"1.50"})");
    EXPECT_EQ(answer.headers.at("content-type"), "application/json");
}

TEST(Request, a_repeatable_parameter_is_a_list_even_when_given_once) {
    ServedApi api;
    echo_args(api, "image.remove");
    const auto remove = [&](const std::string& query) {
        return HttpClient::ask(api.socket_path(), "DELETE", "/images/a" + query).body;
    };
    EXPECT_EQ(remove("?platforms=x&force=1&platforms=y"),
              R"({"name":"a","platforms":["x","y"],"force":"1","version":"1.51"})");
    EXPECT_EQ(remove("?platforms=x"), R"({"name":"a","platforms":["x"],"version":"1.51"})");
}

TEST(Request, a_query_parameter_cannot_replace_the_path_s) {
    ServedApi api;
    echo_args(api, "container.inspect");
    EXPECT_EQ(get(api, "/containers/web/json?id=other&version=9").body,
              R"({"id":"web","version":"1.51"})");
}

TEST(Request, the_engine_learns_who_asks) {
    ServedApi api;
    api.on("system.info",
           [](const Asked& asked) { return asked.result(std::to_string(asked.peer_uid())); });
    EXPECT_EQ(get(api, "/info").body, std::to_string(::getuid()));
}

TEST(Request, a_json_body_is_handed_on_byte_by_byte) {
    ServedApi api;
    api.on("container.create", [](const Asked& asked) { return asked.result(asked.body()); });
    const Answer answer =
        post(api, "/v1.51/containers/create?name=web", "{ \"Image\" :\n\"nginx\"}");
    EXPECT_EQ(answer.status, 201u);
    EXPECT_EQ(answer.body, "{ \"Image\" :\n\"nginx\"}");
}

TEST(Request, already_so_is_304_without_a_body) {
    ServedApi api;
    api.on("container.start", [](const Asked& asked) { return asked.answer(DAVIT_ANSWER_SAME); });
    api.on("container.stop", [](const Asked&) { return DAVIT_OK; });
    EXPECT_EQ(post(api, "/containers/web/start").status, 304u);
    EXPECT_EQ(post(api, "/containers/web/stop").status, 204u);
}

TEST(Request, failures_have_docker_s_status_and_form) {
    ServedApi api;
    const std::map<davit_status, unsigned> expected{
        {DAVIT_INVALID, 400},     {DAVIT_NOT_FOUND, 404},
        {DAVIT_EXISTS, 409},      {DAVIT_BUSY, 409},
        {DAVIT_CONFLICT, 409},    {DAVIT_DENIED, 403},
        {DAVIT_NO_SPACE, 500},    {DAVIT_UNSUPPORTED, 501},
        {DAVIT_CANCELLED, 503},   {DAVIT_DEADLINE, 500},
        {DAVIT_UNAVAILABLE, 503}, {DAVIT_CORRUPT, 500},
        {DAVIT_INTERNAL, 500},    {77, 500}};
    for (const auto& [code, status] : expected) {
        api.on("system.info", [code = code](const Asked& asked) {
            return asked.fail(code, "read \"x\": gone\n");
        });
        const Answer answer = get(api, "/info");
        EXPECT_EQ(answer.status, status) << code;
        EXPECT_EQ(answer.body, "{\"message\":\"read \\\"x\\\": gone\\n\"}\n");
    }
}

TEST(Request, an_unknown_path_is_404_and_a_wrong_method_405) {
    ServedApi api;
    EXPECT_EQ(get(api, "/v1.41/nothing").status, 404u);
    EXPECT_EQ(get(api, "/v1.41/nothing").body, "{\"message\":\"page not found\"}\n");
    EXPECT_EQ(get(api, "/containers/create").status, 405u);
    EXPECT_TRUE(api.asked().empty());
}

TEST(Request, what_davit_does_not_offer_is_refused_by_name) {
    ServedApi api;
    EXPECT_EQ(post(api, "/v1.41/swarm/init", "{}").status, 501u);
    EXPECT_EQ(post(api, "/swarm/init", "{}").body,
              "{\"message\":\"swarm: not supported by this engine\"}\n");
    EXPECT_TRUE(api.asked().empty());
}

TEST(Request, versions_outside_the_range_are_refused_in_docker_s_words) {
    ServedApi api;
    EXPECT_EQ(get(api, "/v1.99/info").status, 400u);
    EXPECT_EQ(get(api, "/v1.99/info").body,
              "{\"message\":\"client version 1.99 is too new. Maximum supported API version is "
              "1.51\"}\n");
    EXPECT_EQ(
        get(api, "/v1.12/info").body,
        "{\"message\":\"client version 1.12 is too old. Minimum supported API version is 1.24, "
        "please upgrade your client to a newer version\"}\n");
    EXPECT_EQ(get(api, "/v1.41.1/info").status, 400u);
}

}  // namespace
}  // namespace davit::docker_api::test

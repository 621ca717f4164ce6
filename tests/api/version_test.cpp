// SPDX-License-Identifier: Apache-2.0
// Older clients: what they send is what the engine understands, and what they get has the fields
// they know.
#include "tests/api/http_client.hpp"
#include "tests/api/served_api.hpp"

#include <gtest/gtest.h>

namespace davit::docker_api::test {
namespace {

struct Versions : ::testing::Test {
    std::string get(const std::string& target) {
        return HttpClient::ask(api.socket_path(), "GET", target).body;
    }
    void answer(const std::string& name, const std::string& json) {
        api.on(name, [json](const Asked& asked) { return asked.result(json); });
    }
    ServedApi api;
};

TEST_F(Versions, the_current_version_s_answers_are_not_touched) {
    answer("image.list", R"([ {"Size": 7} ])");
    EXPECT_EQ(get("/v1.51/images/json"), R"([ {"Size": 7} ])");
    EXPECT_EQ(get("/images/json"), R"([ {"Size": 7} ])");
}

TEST_F(Versions, before_1_44_images_have_a_virtual_size) {
    answer("image.list", R"([{"Size":7},{"Size":8}])");
    EXPECT_EQ(get("/v1.43/images/json"),
              R"([{"Size":7,"VirtualSize":7},{"Size":8,"VirtualSize":8}])");
    EXPECT_EQ(get("/v1.44/images/json"), R"([{"Size":7},{"Size":8}])");
}

TEST_F(Versions, each_step_of_an_image_s_description_has_its_version) {
    answer("image.inspect", R"({"Id":"x","Size":7,"Config":{"Image":"kept"}})");
    EXPECT_EQ(get("/v1.50/images/a/json"), R"({"Id":"x","Size":7,"Config":{"Image":"kept"}})");
    const std::string config =
        R"("Config":{"Image":"kept","Hostname":"","Domainname":"","AttachStdin":false,)"
        R"("AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false})";
    EXPECT_EQ(get("/v1.49/images/a/json"), R"({"Id":"x","Size":7,)" + config + "}");
    EXPECT_EQ(get("/v1.44/images/a/json"),
              R"({"Id":"x","Size":7,)" + config + R"(,"Container":"","ContainerConfig":{}})");
    EXPECT_EQ(get("/v1.41/images/a/json"),
              R"({"Id":"x","Size":7,)" + config +
                  R"(,"Container":"","ContainerConfig":{},"VirtualSize":7})");
}

TEST_F(Versions, before_1_42_a_volume_prune_means_all_volumes) {
    api.on("volume.prune", [](const Asked& asked) { return asked.result(asked.args()); });
    const auto prune = [&](const std::string& target) {
        return HttpClient::ask(api.socket_path(), "POST", target).body;
    };
    EXPECT_EQ(prune("/v1.41/volumes/prune"),
              R"({"version":"1.41","filters":"{\"all\":[\"true\"]}"})");
    EXPECT_EQ(prune("/v1.41/volumes/prune?filters=%7B%22label%22:[%22a%22]%7D"),
              R"({"filters":"{\"label\":[\"a\"],\"all\":[\"true\"]}","version":"1.41"})");
    EXPECT_EQ(prune("/v1.42/volumes/prune"), R"({"version":"1.42"})");
}

TEST_F(Versions, fields_that_older_clients_send_without_meaning_are_taken_away) {
    api.on("network.create", [](const Asked& asked) { return asked.result(asked.body()); });
    api.on("container.create", [](const Asked& asked) { return asked.result(asked.body()); });
    const auto post = [&](const std::string& target, const std::string& body) {
        return HttpClient::ask(api.socket_path(), "POST", target, body).body;
    };
    EXPECT_EQ(post("/v1.43/networks/create", R"({"Name":"n","CheckDuplicate":true})"),
              R"({"Name":"n"})");
    EXPECT_EQ(post("/v1.44/networks/create", R"({"Name":"n","CheckDuplicate":true})"),
              R"({"Name":"n","CheckDuplicate":true})");
    EXPECT_EQ(post("/v1.41/containers/create", R"({"HostConfig":{"ConsoleSize":[4,2]}})"),
              R"({"HostConfig":{}})");
    EXPECT_EQ(post("/v1.41/containers/create", "no json"), "no json");
}

TEST_F(Versions, the_range_of_versions_is_the_plugin_s_to_say) {
    answer(
        "system.version",
        R"({"Version":"0.1.0","ApiVersion":"9","Components":[{"Name":"Engine","Details":{"ApiVersion":"9"}}]})");
    EXPECT_EQ(
        get("/version"),
        R"({"Version":"0.1.0","ApiVersion":"1.51","Components":[{"Name":"Engine",)"
        R"("Details":{"ApiVersion":"1.51","MinAPIVersion":"1.24"}}],"MinAPIVersion":"1.24"})");
}

// Every row of what older clients send without meaning, at the version before and at its own.
TEST_F(Versions, what_a_version_brought_means_nothing_to_an_older_client) {
    struct Case {
        std::string target, operation, body;
        int since;
        std::string before, from;
    };
    const std::string create = "/containers/create",
                      started = R"({"Healthcheck":{"StartInterval":5}})";
    const std::string mounts = R"({"HostConfig":{"Mounts":[{"Type":"bind","BindOptions":{)";
    const Case cases[] = {
        {create, "container.create", R"({"HostConfig":{"AutoRemove":true}})", 25,
         R"({"HostConfig":{}})", R"({"HostConfig":{"AutoRemove":true}})"},
        {create, "container.create", mounts + R"("NonRecursive":true}}]}})", 40, mounts + "}}]}}",
         mounts + R"("NonRecursive":true}}]}})"},
        {create, "container.create", mounts + R"("CreateMountpoint":true}}]}})", 42,
         mounts + "}}]}}", mounts + R"("CreateMountpoint":true}}]}})"},
        {create, "container.create", R"({"HostConfig":{"Annotations":{"a":"b"}}})", 43,
         R"({"HostConfig":{}})", R"({"HostConfig":{"Annotations":{"a":"b"}}})"},
        {create, "container.create", started, 44, R"({"Healthcheck":{}})", started},
        {"/containers/a/update", "container.update", R"({"PidsLimit":9,"Memory":1})", 40,
         R"({"Memory":1})", R"({"PidsLimit":9,"Memory":1})"},
        {"/containers/a/exec", "exec.create", R"({"ConsoleSize":[1,2]})", 42, "{}",
         R"({"ConsoleSize":[1,2]})"},
        {"/networks/a/connect", "network.connect", R"({"EndpointConfig":{"GwPriority":9}})", 48,
         R"({"EndpointConfig":{}})", R"({"EndpointConfig":{"GwPriority":9}})"},
    };
    for (const Case& row : cases) {
        std::string seen;
        api.on(row.operation, [&](const Asked& asked) {
            seen = asked.body();
            return asked.result("{}");
        });
        const auto ask = [&](int minor) {
            HttpClient::ask(api.socket_path(), "POST", "/v1." + std::to_string(minor) + row.target,
                            row.body);
            return seen;
        };
        EXPECT_EQ(ask(row.since - 1), row.before) << row.body;
        EXPECT_EQ(ask(row.since), row.from) << row.body;
    }
}

TEST_F(Versions, arguments_that_came_later_are_passed_over) {
    std::string seen;
    const auto at = [&](const std::string& operation, const std::string& method,
                        const std::string& target) {
        api.on(operation, [&](const Asked& asked) {
            seen = asked.args();
            return asked.result("{}");
        });
        HttpClient::ask(api.socket_path(), method, target);
        return seen;
    };
    EXPECT_EQ(at("container.stop", "POST", "/v1.41/containers/a/stop?signal=HUP"),
              R"({"id":"a","version":"1.41"})");
    EXPECT_EQ(at("container.stop", "POST", "/v1.42/containers/a/stop?signal=HUP"),
              R"({"id":"a","signal":"HUP","version":"1.42"})");
    EXPECT_EQ(at("container.wait", "POST", "/v1.29/containers/a/wait?condition=removed"),
              R"({"id":"a","version":"1.29"})");
    EXPECT_EQ(at("image.list", "GET", "/v1.40/images/json?filter=alpine"),
              R"({"filters":"{\"reference\":[\"alpine\"]}","version":"1.40"})");
}

TEST_F(Versions, before_1_44_a_container_has_one_address_and_one_endpoint) {
    std::string seen;
    api.on("container.create", [&](const Asked& asked) {
        seen = asked.body();
        return asked.result("{}");
    });
    const auto create = [&](const std::string& version, const std::string& body) {
        return HttpClient::ask(api.socket_path(), "POST", version + "/containers/create", body);
    };
    create("/v1.43", R"({"MacAddress":"02:00:00:00:00:01","HostConfig":{"NetworkMode":"net"}})");
    EXPECT_EQ(
        seen,
        R"({"HostConfig":{"NetworkMode":"net"},)"
        R"("NetworkingConfig":{"EndpointsConfig":{"net":{"MacAddress":"02:00:00:00:00:01"}}}})");
    create("/v1.43", R"({"NetworkingConfig":{"EndpointsConfig":{"a":{"MacAddress":"02:1"}}}})");
    EXPECT_EQ(seen, R"({"NetworkingConfig":{"EndpointsConfig":{"a":{}}}})");

    const std::string two = R"({"NetworkingConfig":{"EndpointsConfig":{"a":{},"b":{}}}})";
    const auto refused = create("/v1.43", two);
    EXPECT_EQ(refused.status, 400u);
    EXPECT_EQ(refused.body,
              "{\"message\":\"Container cannot be created with multiple network endpoints: a, "
              "b\"}\n");
    EXPECT_EQ(create("/v1.44", two).status, 201u);
}

TEST_F(Versions, what_an_older_version_lacks_and_must_not_be_passed_over_is_refused) {
    api.on("container.create", [&](const Asked& asked) { return asked.result("{}"); });
    const auto status = [&](const std::string& version, const std::string& mount) {
        return HttpClient::ask(api.socket_path(), "POST", version + "/containers/create",
                               R"({"HostConfig":{"Mounts":[)" + mount + "]}}")
            .status;
    };
    const std::string subpath = R"({"Type":"volume","VolumeOptions":{"Subpath":"a"}})";
    EXPECT_EQ(status("/v1.44", subpath), 400u);
    EXPECT_EQ(status("/v1.45", subpath), 201u);
    const std::string read_only =
        R"({"Type":"bind","BindOptions":{"ReadOnlyForceRecursive":true}})";
    EXPECT_EQ(status("/v1.43", read_only), 400u);
    EXPECT_EQ(status("/v1.44", read_only), 201u);
}

TEST_F(Versions, a_host_s_description_has_what_each_version_knew) {
    answer("system.info",
           R"({"SecurityOptions":["name=seccomp,profile=builtin"],"RegistryConfig":{},)"
           R"("KernelVersion":""})");
    EXPECT_EQ(get("/v1.50/info"),
              R"({"SecurityOptions":["name=seccomp,profile=builtin"],"RegistryConfig":{},)"
              R"("KernelVersion":""})");
    EXPECT_EQ(
        get("/v1.24/info"),
        R"({"SecurityOptions":["seccomp"],"RegistryConfig":{"AllowNondistributableArtifactsCIDRs":)"
        R"(null,"AllowNondistributableArtifactsHostnames":null},"KernelVersion":"<unknown>",)"
        R"("BridgeNfIptables":false,"BridgeNfIp6tables":false,"OperatingSystem":"<unknown>",)"
        R"("ExecutionDriver":"<not supported>"})");
}

TEST_F(Versions, before_1_45_a_container_s_short_id_is_an_alias) {
    answer("container.inspect",
           R"({"Id":"0123456789abcdef","NetworkSettings":{"Networks":{"bridge":{"Aliases":null},)"
           R"("net":{"Aliases":["web"]}}}})");
    EXPECT_EQ(
        get("/v1.44/containers/a/json"),
        R"({"Id":"0123456789abcdef","NetworkSettings":{"Networks":{"bridge":{"Aliases":null},)"
        R"("net":{"Aliases":["web","0123456789ab"]}}}})");
}

TEST_F(Versions, endpoints_begin_with_their_version) {
    answer("container.prune", "{}");
    const auto status = [&](const std::string& target) {
        return HttpClient::ask(api.socket_path(), "POST", target).status;
    };
    EXPECT_EQ(status("/v1.24/containers/prune"), 405u);
    EXPECT_EQ(status("/v1.25/containers/prune"), 200u);
}

}  // namespace
}  // namespace davit::docker_api::test

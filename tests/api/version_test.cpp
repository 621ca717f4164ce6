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
        R"("Details":{"ApiVersion":"1.51","MinAPIVersion":"1.41"}}],"MinAPIVersion":"1.41"})");
}

}  // namespace
}  // namespace davit::docker_api::test

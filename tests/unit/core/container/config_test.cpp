// SPDX-License-Identifier: Apache-2.0
#include "core/container/config.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <string>

namespace davit::container {
namespace {

constexpr const char* kImage =
    R"({"Env":["PATH=/bin","A=image"],"Cmd":["serve"],"Entrypoint":["/entry"],
    "WorkingDir":"/srv","User":"web","Labels":{"a":"image","b":"image"},"ExposedPorts":{"80/tcp":{}},
    "StopSignal":"SIGQUIT"})";

Result<Parsed> parse(const std::string& body, const std::string& image = kImage) {
    return parse_create_body(
        body, {.image_config = image, .hostname = "abcdef123456", .exec_instance = "native"});
}

Config config_of(const std::string& body) {
    auto parsed = parse(body);
    EXPECT_TRUE(parsed) << parsed.error().what;
    return parsed ? std::move(parsed->config) : Config{};
}

TEST(CreateBody, takes_from_the_image_what_the_user_leaves_open) {
    const Config config = config_of(R"({"Image":"x"})");
    EXPECT_EQ(config.entrypoint, std::vector<std::string>{"/entry"});
    EXPECT_EQ(config.command, std::vector<std::string>{"serve"});
    EXPECT_EQ(config.working_dir, "/srv");
    EXPECT_EQ(config.user, "web");
    EXPECT_EQ(config.stop_signal, "SIGQUIT");
    EXPECT_EQ(config.hostname, "abcdef123456");
    EXPECT_EQ(config.exposed_ports, std::vector<std::string>{"80/tcp"});
}

TEST(CreateBody, an_entrypoint_of_the_user_drops_the_images_command) {
    const Config config = config_of(R"({"Image":"x","Entrypoint":["sh"]})");
    EXPECT_EQ(config.entrypoint, std::vector<std::string>{"sh"});
    EXPECT_TRUE(config.command.empty());
}

TEST(CreateBody, an_empty_entrypoint_resets_the_images) {
    const Config config = config_of(R"({"Image":"x","Entrypoint":[""],"Cmd":["ls"]})");
    EXPECT_TRUE(config.entrypoint.empty());
    EXPECT_EQ(config.command, std::vector<std::string>{"ls"});
}

TEST(CreateBody, variables_and_labels_of_the_user_win) {
    const Config config =
        config_of(R"({"Image":"x","Env":["A=user","B=1"],"Labels":{"a":"user"}})");
    EXPECT_EQ(config.environment, (std::vector<std::string>{"A=user", "B=1", "PATH=/bin"}));
    EXPECT_EQ(config.labels.at("a"), "user");
    EXPECT_EQ(config.labels.at("b"), "image");
}

TEST(CreateBody, a_field_that_nothing_implements_is_refused_by_name) {
    for (const char* body : {R"({"Image":"x","HostConfig":{"DeviceRequests":[{"Count":1}]}})",
                             R"({"Image":"x","HostConfig":{"IOMaximumIOps":10}})",
                             R"({"Image":"x","HostConfig":{"CpuPercent":10}})"}) {
        const auto parsed = parse(body);
        ASSERT_FALSE(parsed) << body;
        EXPECT_EQ(parsed.error().code, Code::unsupported) << body;
    }
    EXPECT_NE(
        parse(R"({"Image":"x","HostConfig":{"CpuPercent":10}})").error().what.find("CpuPercent"),
        std::string::npos);
}

TEST(CreateBody, unbuilt_fields_with_their_defaults_are_no_request) {
    EXPECT_TRUE(parse(
        R"({"Image":"x","Healthcheck":null,"HostConfig":{"BlkioWeight":0,"MemorySwappiness":-1,
        "RestartPolicy":{"Name":"no","MaximumRetryCount":0},"Links":null,"VolumesFrom":[],"Isolation":""},
        "NetworkingConfig":{"EndpointsConfig":{"bridge":{"IPAMConfig":null,"Aliases":null,"IPAddress":""}}}})"));
}

TEST(CreateBody, binds_are_read_with_their_options) {
    const auto mounts =
        parse(R"({"Image":"x","HostConfig":{"Binds":["/a:/b:ro,rslave","/c:/d"]}})")->mounts.list;
    ASSERT_EQ(mounts.size(), 2u);
    EXPECT_TRUE(mounts[0].read_only);
    EXPECT_EQ(mounts[0].propagation, "rslave");
    EXPECT_TRUE(mounts[1].create_source);
}

TEST(CreateBody, binds_that_make_no_sense_are_refused) {
    for (const char* bind : {"/a:b", "/a:/", "/a:/b:zz", "/a:/b:ro:rw"}) {
        const auto parsed =
            parse(R"({"Image":"x","HostConfig":{"Binds":[")" + std::string(bind) + R"("]}})");
        ASSERT_FALSE(parsed) << bind;
        EXPECT_EQ(parsed.error().code, Code::invalid) << bind;
    }
}

TEST(CreateBody, ports_are_read_in_every_form) {
    const Config config = config_of(R"({"Image":"x","HostConfig":{"PortBindings":{
        "80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}],"53/udp":[{"HostPort":"5300-5310"}]}}})");
    ASSERT_EQ(config.ports.size(), 2u);
    EXPECT_EQ(config.ports[0].host_address, "127.0.0.1");
    EXPECT_EQ(config.ports[0].first, 0);
    EXPECT_EQ(config.ports[1].protocol, "udp");
    EXPECT_EQ(config.ports[1].first, 5300);
    EXPECT_EQ(config.ports[1].last, 5310);
    for (const char* port : {"0/tcp", "70000/tcp", "80/foo", "x"})
        EXPECT_FALSE(parse(R"({"Image":"x","HostConfig":{"PortBindings":{")" + std::string(port) +
                           R"(":[{}]}}})"))
            << port;
}

TEST(CreateBody, what_is_stored_reads_back_the_same) {
    auto parsed = parse(
        R"({"Image":"x","Tty":true,"HostConfig":{"Memory":67108864,"Binds":["/a:/b"],"CapAdd":["NET_ADMIN"]}})");
    ASSERT_TRUE(parsed) << parsed.error().what;
    store_mounts(parsed->mounts.list, parsed->json);
    const auto again = parse_stored(parsed->json);
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_TRUE(again->tty);
    EXPECT_EQ(again->resources.memory, 67108864);
    EXPECT_EQ(again->resources.memory_swap, 2 * 67108864);
    EXPECT_EQ(again->cap_add, std::vector<std::string>{"NET_ADMIN"});
    EXPECT_EQ(again->mounts.size(), 1u);
}

TEST(CreateBody, limits_that_cannot_be_are_refused) {
    for (const char* host :
         {R"("Memory":1000)", R"("MemorySwap":100000000)", R"("NanoCpus":-1)",
          R"("NanoCpus":1,"CpuQuota":5)", R"("OomScoreAdj":2000)", R"("ShmSize":-1)"})
        EXPECT_FALSE(parse(R"({"Image":"x","HostConfig":{)" + std::string(host) + "}}")) << host;
}

}  // namespace
}  // namespace davit::container

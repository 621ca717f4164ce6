// SPDX-License-Identifier: Apache-2.0
// What run's options become in the body of POST /containers/create.
#include "cli/container_options.hpp"

#include "cli/environment.hpp"
#include "cli/files.hpp"
#include "cli/mounts.hpp"
#include "cli/template/print.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <cstdlib>

namespace davit::cli {
namespace {

// The body for such a command line, as JSON with sorted keys; or the error.
std::string body(const Strings& arguments) {
    ContainerOptions options;
    Flags flags;
    declare_container_options(flags, options);
    auto operands = flags.parse(arguments, Flags::Order::before_operands);
    if (!operands) return operands.error().what;
    auto made = container_body(options, *operands, {});
    if (!made) return made.error().what;
    for (const auto* same :
         {"Tty", "OpenStdin", "StdinOnce", "AttachStdin", "AttachStdout", "AttachStderr"})
        made->erase(same);
    return templates::to_json(*made, {.sort_keys = true});
}

TEST(ContainerBody, holds_only_what_was_asked_for) {
    EXPECT_EQ(body({"img"}), R"({"HostConfig":{},"Image":"img"})");
    EXPECT_EQ(body({"img", "ls", "-l"}), R"({"Cmd":["ls","-l"],"HostConfig":{},"Image":"img"})");
}

TEST(ContainerBody, takes_limits_and_isolation) {
    EXPECT_EQ(
        body({"-m", "64m", "--cpus", "1.5", "--pids-limit", "-1", "--cap-drop=ALL", "--cap-add",
              "NET_RAW", "--read-only", "--init=false", "img"}),
        R"({"HostConfig":{"CapAdd":["NET_RAW"],"CapDrop":["ALL"],"Init":false,"Memory":67108864,"NanoCpus":1500000000,"PidsLimit":-1,"ReadonlyRootfs":true},"Image":"img"})");
    EXPECT_EQ(
        body({"--ulimit", "nofile=10:20", "--device", "/dev/null:/dev/x:r", "--restart",
              "on-failure:3", "img"}),
        R"({"HostConfig":{"Devices":[{"CgroupPermissions":"r","PathInContainer":"/dev/x","PathOnHost":"/dev/null"}],"RestartPolicy":{"MaximumRetryCount":3,"Name":"on-failure"},"Ulimits":[{"Hard":20,"Name":"nofile","Soft":10}]},"Image":"img"})");
}

TEST(ContainerBody, gives_a_storage_instance_as_an_option) {
    EXPECT_EQ(body({"--storage", "thin", "--storage-opt", "size=1G", "img"}),
              R"({"HostConfig":{"StorageOpt":{"instance":"thin","size":"1G"}},"Image":"img"})");
}

TEST(ContainerBody, an_empty_entrypoint_resets_the_images) {
    EXPECT_EQ(body({"--entrypoint=", "img", "sh"}),
              R"({"Cmd":["sh"],"Entrypoint":[""],"HostConfig":{},"Image":"img"})");
}

TEST(ContainerBody, connects_to_networks_in_short_and_long_form) {
    EXPECT_EQ(body({"--net", "none", "img"}),
              R"({"HostConfig":{"NetworkMode":"none"},"Image":"img"})");
    EXPECT_EQ(
        body({"--network", "name=front,alias=web,ip=10.1.2.3", "--network", "back", "img"}),
        R"({"HostConfig":{"NetworkMode":"front"},"Image":"img","NetworkingConfig":{"EndpointsConfig":{"back":{},"front":{"Aliases":["web"],"IPAMConfig":{"IPv4Address":"10.1.2.3"}}}}})");
}

TEST(ContainerBody, the_long_form_says_all_of_an_endpoint) {
    EXPECT_EQ(
        body({"--network",
              "name=front,ip6=fd00::2,mac-address=02:00:00:00:00:01,link-local-ip=169.254.1.1,"
              "driver-opt=a=b,\"driver-opt=c=d,e\",gw-priority=-3",
              "img"}),
        R"({"HostConfig":{"NetworkMode":"front"},"Image":"img","NetworkingConfig":{"EndpointsConfig":{"front":{"DriverOpts":{"a":"b","c":"d,e"},"GwPriority":-3,"IPAMConfig":{"IPv6Address":"fd00::2","LinkLocalIPs":["169.254.1.1"]},"MacAddress":"02:00:00:00:00:01"}}}})");
    EXPECT_EQ(body({"--network", "name=front,gw-priority=high", "img"}),
              "invalid argument \"name=front,gw-priority=high\" for --network: invalid "
              "gw-priority: high");
    EXPECT_EQ(body({"--network", "name=front,colour=red", "img"}),
              "invalid argument \"name=front,colour=red\" for --network: invalid field colour");
}

TEST(ContainerBody, options_of_one_endpoint_belong_to_the_first_network) {
    EXPECT_EQ(
        body({"--network", "name=front,gw-priority=1", "--network", "back", "--ip", "10.1.2.3",
              "--network-alias", "web", "--link", "db:sql", "img"}),
        R"({"HostConfig":{"NetworkMode":"front"},"Image":"img","NetworkingConfig":{"EndpointsConfig":{"back":{},"front":{"Aliases":["web"],"GwPriority":1,"IPAMConfig":{"IPv4Address":"10.1.2.3"},"Links":["db:sql"]}}}})");
    EXPECT_EQ(body({"--link", "db", "img"}), R"({"HostConfig":{"Links":["db"]},"Image":"img"})");
}

TEST(ContainerBody, refuses_networks_that_contradict_each_other) {
    EXPECT_EQ(body({"--network", "name=front,ip=10.1.2.3", "--ip", "10.1.2.4", "img"}),
              "conflicting options: cannot specify both --ip and per-network IPv4 address");
    EXPECT_EQ(body({"--network", "front", "--network", "front", "img"}),
              "network \"front\" is specified multiple times");
    EXPECT_EQ(body({"--network", "front", "--network", "host", "img"}),
              "conflicting options: cannot attach both user-defined and non-user-defined "
              "network-modes");
    EXPECT_EQ(body({"--network-alias", "web", "img"}),
              "network-scoped aliases are only supported for user-defined networks");
}

TEST(ContainerBody, refuses_options_that_contradict_each_other) {
    EXPECT_EQ(body({"--rm", "--restart", "always", "img"}),
              "conflicting options: cannot specify both --restart and --rm");
    EXPECT_EQ(body({"--no-healthcheck", "--health-cmd", "x", "img"}),
              "--no-healthcheck conflicts with --health-* options");
    EXPECT_EQ(
        body({"--ulimit", "nofile=30:20", "img"}),
        "invalid argument \"nofile=30:20\" for --ulimit: the soft limit is above the hard limit");
}

TEST(SeccompProfile, is_read_here_and_sent_as_json) {
    char name[] = "/tmp/davit-seccomp-XXXXXX";
    ::close(::mkstemp(name));
    ASSERT_TRUE(replace_file(name, "{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\"\n}\n"));
    EXPECT_EQ(
        body({"--security-opt", std::string("seccomp=") + name, "img"}),
        R"({"HostConfig":{"SecurityOpt":["seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}"]},"Image":"img"})");
    ::unlink(name);
    EXPECT_EQ(body({"--security-opt", "no-new-privileges", "img"}),
              R"({"HostConfig":{"SecurityOpt":["no-new-privileges"]},"Image":"img"})");
    EXPECT_EQ(body({"--security-opt", "seccomp=/no/such", "img"}),
              "open /no/such: no such file or directory");
}

TEST(Mounts, take_paths_volumes_and_the_long_form) {
    const auto mounts =
        parse_mounts({"/a:/b:ro", "data:/d", "/anonymous"},
                     {"type=bind,src=/x,\"dst=/y,z\",readonly,bind-propagation=rshared",
                      "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777"},
                     {"/run:size=64k"});
    ASSERT_TRUE(mounts) << mounts.error().what;
    EXPECT_EQ(templates::to_json(mounts->binds), R"(["/a:/b:ro","data:/d"])");
    EXPECT_EQ(templates::to_json(mounts->volumes), R"({"/anonymous":{}})");
    EXPECT_EQ(
        templates::to_json(mounts->mounts),
        R"([{"Type":"bind","Source":"/x","Target":"/y,z","ReadOnly":true,"BindOptions":{"Propagation":"rshared"}},{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1048576,"Mode":1023}}])");
    EXPECT_EQ(templates::to_json(mounts->tmpfs), R"({"/run":"size=64k"})");
}

TEST(Mounts, make_relative_sources_absolute) {
    const auto here = absolute_path(".");
    EXPECT_EQ(templates::to_json(parse_mounts({"./a/../b:/c"}, {}, {})->binds),
              "[\"" + here + "/b:/c\"]");
}

TEST(Mounts, that_are_wrong_are_quoted) {
    EXPECT_EQ(parse_mounts({}, {"type=bind,target=/x"}, {}).error().what,
              "mount type=bind,target=/x: source is required for a bind mount");
    EXPECT_EQ(parse_mounts({}, {"type=bind,src=/a"}, {}).error().what,
              "mount type=bind,src=/a: target is required");
    EXPECT_EQ(parse_mounts({}, {"type=bind,src=/a,dst=/b,colour=red"}, {}).error().what,
              "mount type=bind,src=/a,dst=/b,colour=red: unexpected key 'colour'");
    EXPECT_FALSE(parse_mounts({"relative"}, {}, {}));
    EXPECT_FALSE(parse_mounts({":/x"}, {}, {}));
}

TEST(Environment, takes_files_first_and_bare_keys_from_ours) {
    char name[] = "/tmp/davit-env-XXXXXX";
    ::close(::mkstemp(name));
    ASSERT_TRUE(replace_file(name, "# comment\n\nA=1\nDAVIT_TEST_SET\n  B=two words\n"));
    ::setenv("DAVIT_TEST_SET", "here", 1);
    ::unsetenv("DAVIT_TEST_UNSET");
    EXPECT_EQ(*environment_of({name}, {"C=", "DAVIT_TEST_UNSET", "A=2"}),
              (Strings{"A=1", "DAVIT_TEST_SET=here", "B=two words", "C=", "A=2"}));
    ASSERT_TRUE(replace_file(name, "a b=c\n"));
    EXPECT_FALSE(environment_of({name}, {}));
    ::unlink(name);
    EXPECT_FALSE(environment_of({}, {"=x"}));
}

}  // namespace
}  // namespace davit::cli

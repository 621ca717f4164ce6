// SPDX-License-Identifier: Apache-2.0
#include "core/engine/config.hpp"
#include "core/engine/config_source.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace davit::engine {
namespace {

std::string failure(const auto& result) { return result ? "(no error)" : result.error().what; }

class ConfigTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "davit-config-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
        file_ = (root_ / "daemon.json").string();
        write("{}");
    }
    void TearDown() override { std::filesystem::remove_all(root_); }
    void write(const std::string& text) { std::ofstream(file_) << text; }

    // davitd --config-file <the test's> …
    Result<Invocation> run(std::vector<std::string> flags) {
        flags.insert(flags.begin(), {"davitd", "--config-file", file_});
        std::vector<const char*> argv;
        for (const auto& flag : flags) argv.push_back(flag.c_str());
        return read_invocation(static_cast<int>(argv.size()), argv.data());
    }
    // The error of a daemon.json, without the part that names the file.
    std::string file_error(const std::string& text) {
        write(text);
        auto what = failure(run({}));
        const auto prefix = "configure davitd: read " + file_ + ": ";
        return what.starts_with(prefix) ? what.substr(prefix.size()) : what;
    }
    Config config(std::vector<std::string> flags = {}) {
        return run(std::move(flags)).take().config;
    }

    std::filesystem::path root_;
    std::string file_;
};

TEST_F(ConfigTest, has_the_documented_defaults) {
    const auto made = config();
    EXPECT_EQ(made.data_root, "/var/lib/davit");
    EXPECT_EQ(made.exec_root, "/run/davit");
    EXPECT_EQ(made.pidfile, "/run/davit/davitd.pid");
    EXPECT_EQ(made.hosts, std::vector<Listen>{{.path = "/run/davit/davit.sock"}});
    EXPECT_EQ(made.log_level, "info");
    EXPECT_TRUE(made.live_restore);
    EXPECT_EQ(made.group, "davit");
}

TEST_F(ConfigTest, puts_socket_and_pidfile_into_another_exec_root) {
    const auto made = config({"--exec-root", "/run/other/"});
    EXPECT_EQ(made.exec_root, "/run/other");
    EXPECT_EQ(made.pidfile, "/run/other/davitd.pid");
    EXPECT_EQ(made.hosts, std::vector<Listen>{{.path = "/run/other/davit.sock"}});
}

TEST_F(ConfigTest, tells_engines_apart_by_their_data_root) {
    EXPECT_EQ(scope_of("/var/lib/davit").size(), 8u);
    EXPECT_EQ(config({"--data-root", "/srv/a/../b/"}).scope, scope_of("/srv/b"));
    EXPECT_NE(scope_of("/srv/a"), scope_of("/srv/b"));
    EXPECT_EQ(config({"--data-root", "/srv/b"}).cgroup_parent, "/davit-" + scope_of("/srv/b"));
}

TEST_F(ConfigTest, takes_every_everyday_flag_of_dockerd) {
    const auto made = config({"--data-root=/d",
                              "--exec-root",
                              "/e",
                              "-p",
                              "/p",
                              "-H",
                              "unix:///a",
                              "-H",
                              "unix:///b",
                              "-s",
                              "thin",
                              "-l",
                              "warn",
                              "--insecure-registry",
                              "10.0.0.0/8",
                              "--registry-mirror",
                              "https://mirror",
                              "--live-restore=false",
                              "-G",
                              "ops",
                              "--label",
                              "a=b",
                              "-b",
                              "br0",
                              "--bip",
                              "10.1.0.1/24",
                              "--mtu",
                              "1400",
                              "--ready-fd",
                              "3",
                              "--log-opt",
                              "max-size=1m"});
    EXPECT_EQ(made.hosts, (std::vector<Listen>{{.path = "/a"}, {.path = "/b"}}));
    EXPECT_EQ(made.pidfile, "/p");
    EXPECT_EQ(made.defaults.at("storage"), "thin");
    EXPECT_EQ(made.log_level, "warn");
    EXPECT_EQ(made.insecure_registries, std::vector<std::string>{"10.0.0.0/8"});
    EXPECT_EQ(made.mirrors.at("docker.io"), std::vector<std::string>{"https://mirror"});
    EXPECT_FALSE(made.live_restore);
    EXPECT_EQ(made.group, "ops");
    EXPECT_EQ(made.labels, std::vector<std::string>{"a=b"});
    EXPECT_EQ(made.bridge, "br0");
    EXPECT_EQ(made.bip, "10.1.0.1/24");
    EXPECT_EQ(made.mtu, 1400u);
    EXPECT_EQ(made.ready_fd, 3);
    EXPECT_EQ(made.log_options.at("max-size"), "1m");
}

TEST_F(ConfigTest, reads_instances_of_every_kind_from_the_file) {
    write(R"({
        // comments are welcome
        "storage": { "default": "fast", "instances": {
            "fast": { "driver": "overlay" },
            "thin": { "driver": "devmapper", "isolation": "process", "config": { "pool": "/dev/mapper/x" } } } },
        "registry": { "mirrors": { "quay.io": ["https://m.example"] } },
    })");
    const auto made = config();
    EXPECT_EQ(made.defaults.at("storage"), "fast");
    ASSERT_EQ(made.instances.size(), 2u);
    EXPECT_EQ(made.instances[1].name, "thin");
    EXPECT_EQ(made.instances[1].driver, "devmapper");
    EXPECT_EQ(made.instances[1].isolation, "process");
    EXPECT_EQ(made.instances[1].config, R"({"pool":"/dev/mapper/x"})");
    EXPECT_EQ(made.mirrors.at("quay.io").front(), "https://m.example");
}

TEST_F(ConfigTest, turns_storage_options_into_the_config_of_that_instance) {
    const auto made = config({"--storage-driver", "overlay", "--storage-opt", "overlay.size=10",
                              "--storage-opt", "x=true"});
    ASSERT_EQ(made.instances.size(), 1u);
    EXPECT_EQ(made.instances[0].name, "overlay");
    EXPECT_EQ(made.instances[0].config, R"({"size":10,"x":true})");
}

TEST_F(ConfigTest, names_the_line_and_the_nearest_key_of_a_typo) {
    EXPECT_EQ(file_error("{\n  \"debug\": true,\n  \"data-rot\": \"/x\"\n}"),
              "line 3: data-rot: unknown key (did you mean \"data-root\"?)");
    EXPECT_EQ(file_error("{\n\"storage\": {\"instances\": {\n\"a\": {\n\"drivr\": \"x\"}}}}"),
              "line 4: storage.instances.a.drivr: unknown key (did you mean \"driver\"?)");
    EXPECT_EQ(file_error("{\"nonsense\": 1}"), "line 1: nonsense: unknown key");
}

TEST_F(ConfigTest, says_what_is_wrong_with_a_value) {
    EXPECT_EQ(file_error("{\"debug\": \"yes\"}"),
              "line 1: debug: expected a boolean, found a string");
    EXPECT_EQ(file_error("{\n\"log-level\": \"wran\"}"),
              "line 2: log-level: \"wran\" is not one of \"debug\", \"info\", \"warn\", \"error\", "
              "\"fatal\" "
              "(did you mean \"warn\"?)");
    EXPECT_EQ(file_error("{\"data-root\": \"lib\"}"),
              "line 1: data-root: \"lib\" is not an absolute path");
    EXPECT_EQ(file_error("{\"mtu\": 70000}"), "line 1: mtu: must be at most 65535");
    EXPECT_EQ(file_error("{\"default-address-pools\": [\n{\"base\": \"10.0.0.0/8\"}]}"),
              "line 2: default-address-pools[0].size: it is missing");
}

TEST_F(ConfigTest, says_where_the_file_is_no_json) {
    write("{\n  \"debug\": tru\n}");
    EXPECT_EQ(failure(run({})),
              "configure davitd: parse " + file_ + ": line 2, column 12: syntax error");
    write("{\"debug\": true, \"debug\": false}");
    EXPECT_EQ(failure(run({})),
              "configure davitd: parse " + file_ + ": line 1, column 23: \"debug\" appears twice");
}

TEST_F(ConfigTest, needs_the_file_that_was_named) {
    std::filesystem::remove(file_);
    EXPECT_EQ(failure(run({})), "configure davitd: open " + file_ + ": no such file or directory");
}

TEST_F(ConfigTest, reports_settings_given_twice_in_the_words_of_dockerd) {
    write(R"({"debug": false, "hosts": ["unix:///a"]})");
    EXPECT_EQ(failure(run({"-D", "-H", "unix:///b"})),
              "configure davitd with file " + file_ +
                  ": the following directives are specified both as a flag and in the "
                  "configuration file: "
                  "debug: (from flag: true, from file: false), hosts: (from flag: [\"unix:///b\"], "
                  "from file: [\"unix:///a\"])");
}

TEST_F(ConfigTest, refuses_unknown_flags_with_the_nearest_known_one) {
    EXPECT_EQ(failure(run({"--data-rot", "/x"})),
              "read command line: unknown flag --data-rot (did you mean \"--data-root\"?)");
    EXPECT_EQ(failure(run({"serve"})), "read command line: unexpected argument serve");
}

TEST_F(ConfigTest, refuses_what_dockerd_knows_and_davit_does_not_by_name) {
    const auto refused = run({"--userns-remap"});
    EXPECT_EQ(failure(refused), "read command line: --userns-remap: not built yet");
    EXPECT_EQ(refused.error().code, Code::unsupported);
}

TEST_F(ConfigTest, listens_on_tcp_and_on_what_systemd_hands_over) {
    using Kind = Listen::Kind;
    const auto hosts = [&](std::vector<std::string> flags) { return run(flags)->config.hosts; };
    EXPECT_EQ(hosts({"-H", "tcp://127.0.0.1:2400", "-H", "fd://"}),
              (std::vector<Listen>{{Kind::tcp, "127.0.0.1", 2400}, {.kind = Kind::inherited}}));
    EXPECT_EQ(hosts({"-H", "tcp://"}), (std::vector<Listen>{{Kind::tcp, "127.0.0.1", 2375}}));
    EXPECT_EQ(hosts({"-H", "tcp://[::1]", "--tls"}),
              (std::vector<Listen>{{Kind::tcp, "::1", 2376}}));
    EXPECT_EQ(
        failure(run({"-H", "tcp://host.example:1"})),
        "listen on tcp://host.example:1: host.example is no address; names are not looked up");
    EXPECT_EQ(failure(run({"-H", "ssh://host"})),
              "listen on ssh://host: expected unix:///path, tcp://address:port or fd://");
}

TEST_F(ConfigTest, tlsverify_means_tls_with_the_files_that_are_named) {
    EXPECT_FALSE(run({})->config.tls);
    const auto plain = run({"--tls"})->config.tls;
    EXPECT_EQ(plain->certificate, "/etc/davit/tls/cert.pem");
    EXPECT_FALSE(plain->verify);
    const auto mutual =
        run({"--tlsverify", "--tlscacert", "/a", "--tlscert", "/b", "--tlskey", "/c"})->config.tls;
    EXPECT_EQ(mutual->authorities + mutual->certificate + mutual->key, "/a/b/c");
    EXPECT_TRUE(mutual->verify);
}

TEST_F(ConfigTest, refuses_flags_by_the_same_rules_as_the_file) {
    EXPECT_EQ(failure(run({"--mtu", "x"})).substr(0, 19), "read command line: ");
    EXPECT_EQ(failure(run({"--log-driver", "syslog"})),
              "read command line: --log-driver: \"syslog\" is not one of \"json-file\", \"none\"");
    EXPECT_EQ(failure(run({"-H", "unix://relative"})),
              "listen on unix://relative: the path must be absolute");
    EXPECT_EQ(failure(run({"--storage-opt", "a=b"})),
              "configure storage: storage-opts needs storage-driver");
}

TEST_F(ConfigTest, refuses_two_answers_to_one_question) {
    write(R"({"storage-driver": "a", "storage": {"default": "b"}})");
    EXPECT_EQ(failure(run({})), "configure storage: storage-driver is a, storage.default is b");
    write(
        R"({"registry-mirrors": ["https://a"], "registry": {"mirrors": {"docker.io": ["https://b"]}}})");
    EXPECT_EQ(failure(run({})),
              "configure registry: registry-mirrors and registry.mirrors both name docker.io");
    write(
        R"({"storage-driver": "a", "storage-opts": ["x=1"], "storage": {"instances": {"a": {}}}})");
    EXPECT_EQ(failure(run({})),
              "configure storage: instance a has a config of its own; put storage-opts there");
}

TEST_F(ConfigTest, validates_without_serving_and_prints_help_and_version) {
    EXPECT_EQ(run({"--validate"}).take().action, Invocation::Action::validate);
    const auto help = run({"--help"}).take();
    EXPECT_EQ(help.action, Invocation::Action::print);
    EXPECT_NE(help.text.find("--insecure-registry"), std::string::npos);
    EXPECT_EQ(run({"--version"}).take().text.substr(0, 15), "davitd version ");
}

TEST_F(ConfigTest, validates_instances_against_the_manifests_of_their_drivers) {
    write(R"({"storage": {"instances": {"fast": {"driver": "no-such-driver"}}}})");
    EXPECT_TRUE(run({})) << "a daemon that serves finds out when it makes its catalog";
    EXPECT_NE(
        failure(run({"--validate"}))
            .find("configure davitd: configure storage instance fast: find driver no-such-driver"),
        std::string::npos);
}

}  // namespace
}  // namespace davit::engine

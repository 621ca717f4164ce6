// SPDX-License-Identifier: Apache-2.0
// What the engine lends to drivers, asked for as a driver asks.
#include "core/plugin/host_table.hpp"
#include "core/plugin/credentials.hpp"
#include "sdk/base/file.hpp"
#include "sdk/plugin/caller.hpp"
#include "sdk/plugin/entry.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace davit::plugin {
namespace {

namespace fs = std::filesystem;

std::string failure(const auto& result) { return result ? "(no error)" : result.error().what; }

class HostTableTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "davit-host-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        services_.name = "test 1";
        services_.executables = std::make_shared<Executables>(folder_.string());
        services_.credentials_file = (folder_ / "config.json").string();
        services_.log = [this](std::string_view source, std::int32_t level, std::string_view line,
                               const davit_kv* fields, std::uint64_t count) {
            log_ = std::string(source) + " " + std::to_string(level) + " " + std::string(line);
            for (std::uint64_t i = 0; i < count; ++i)
                log_ += " " + sdk::text(fields[i].key) + "=" + sdk::text(fields[i].value);
        };
    }
    void TearDown() override { fs::remove_all(folder_); }

    void write_credentials(const std::string& text, fs::perms mode = fs::perms(0600)) {
        std::ofstream(services_.credentials_file) << text;
        fs::permissions(services_.credentials_file, mode);
    }
    Result<davit_executable> executable(const sdk::Host& host, const char* name) {
        const auto* table = host.get<davit_host_launch>(DAVIT_HOST_LAUNCH);
        auto request = sdk::sized<davit_executable_request>();
        request.name = {name, std::strlen(name)};
        auto out = sdk::sized<davit_executable>();
        call_.begin(nullptr);
        TRY(call_.finish(table->executable(host.raw(), call_.raw(), &request, &out)));
        return out;
    }

    fs::path folder_;
    HostServices services_;
    std::string log_;
    sdk::Caller call_;
};

TEST_F(HostTableTest, lines_of_a_driver_carry_its_instance) {
    const HostTable table(services_, "storage/fast");
    const sdk::Host host(table.raw());
    host.log(DAVIT_LOG_WARNING, "hello", {{sdk::str("a"), sdk::str("b")}});
    EXPECT_EQ(log_, "storage/fast 2 hello a=b");
    EXPECT_EQ(sdk::text(table.raw()->name), "test 1");
    EXPECT_EQ(host.get<void>("davit.host.unknown/1"), nullptr);
}

TEST_F(HostTableTest, lends_a_sealed_copy_that_runs_and_that_nobody_can_write) {
    fs::copy_file("/bin/true", folder_ / "davit-true");
    const HostTable table(services_, "exec/native");
    const sdk::Host host(table.raw());
    const auto lent = executable(host, "davit-true");
    ASSERT_TRUE(lent) << failure(lent);
    EXPECT_EQ(executable(host, "davit-true")->fd, lent->fd) << "made once";

    const auto path = "/proc/self/fd/" + std::to_string(lent->fd);
    Fd writable(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_TRUE(!writable || ::write(writable.get(), "x", 1) < 0);
    EXPECT_TRUE(!writable || ::ftruncate(writable.get(), 0) < 0);
    writable.reset();
    EXPECT_EQ(::fcntl(lent->fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);

    char* argv[] = {const_cast<char*>("true"), nullptr};
    pid_t child = 0;
    ASSERT_EQ(::posix_spawn(&child, path.c_str(), nullptr, nullptr, argv, nullptr), 0);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST_F(HostTableTest, lends_only_executables_of_its_own_folder) {
    fs::copy_file("/bin/true", folder_ / "other");
    fs::create_symlink("/bin/true", folder_ / "davit-link");
    const HostTable table(services_, "exec/native");
    const sdk::Host host(table.raw());
    EXPECT_EQ(failure(executable(host, "other")),
              "find executable other: its name must begin with davit-");
    EXPECT_EQ(failure(executable(host, "davit-/../../bin/true")),
              "find executable davit-/../../bin/true: its name must begin with davit-");
    EXPECT_EQ(executable(host, "davit-nothing").error().code, Code::not_found);
    EXPECT_FALSE(executable(host, "davit-link")) << "a link may point anywhere";
}

TEST_F(HostTableTest, offers_no_launch_table_without_executables) {
    services_.executables = nullptr;
    const HostTable table(services_, "exec/native");
    EXPECT_EQ(sdk::Host(table.raw()).get<davit_host_launch>(DAVIT_HOST_LAUNCH), nullptr);
}

TEST_F(HostTableTest, emits_the_secret_of_a_registry) {
    write_credentials(R"({"auths":{"localhost:5000":{"auth":"dXNlcjpwYTpzcw=="}}})");
    const HostTable table(services_, "registry/oci");
    const auto* secrets = sdk::Host(table.raw()).get<davit_host_secrets>(DAVIT_HOST_SECRETS);
    auto request = sdk::sized<davit_secret_request>();
    request.kind = {"registry", 8};
    request.name = {"localhost:5000", 14};
    std::string seen;
    call_.begin(sdk::Caller::sink_of<davit_secret>([&](const davit_secret& secret) {
        seen = sdk::text(secret.username) + " " + sdk::text(secret.password);
    }));
    ASSERT_TRUE(call_.finish(secrets->find(table.raw(), call_.raw(), &request)));
    EXPECT_EQ(seen, "user pa:ss");
    request.name = {"other", 5};
    call_.begin(nullptr);
    EXPECT_EQ(secrets->find(table.raw(), call_.raw(), &request), DAVIT_NOT_FOUND);
    request.kind = {"tls", 3};
    EXPECT_EQ(secrets->find(table.raw(), call_.raw(), &request), DAVIT_NOT_FOUND);
}

TEST_F(HostTableTest, reads_every_form_that_docker_login_writes) {
    write_credentials(
        R"({"auths":{"a":{"username":"u","password":"p"},"b":{"identitytoken":"t"},"c":{"registrytoken":"r"}}})");
    const auto& path = services_.credentials_file;
    EXPECT_EQ(find_credentials(path, "a")->password, "p");
    EXPECT_EQ(find_credentials(path, "b")->identity_token, "t");
    EXPECT_EQ(find_credentials(path, "c")->registry_token, "r");
}

TEST_F(HostTableTest, refuses_credentials_that_others_can_read_or_that_are_damaged) {
    const auto& path = services_.credentials_file;
    EXPECT_EQ(find_credentials(path, "a").error().code, Code::not_found);
    EXPECT_EQ(failure(find_credentials("", "a")), "find credentials of a: no file is configured");
    write_credentials(R"({"auths":{"a":{"auth":"%%%%"},"b":{"auth":"dXNlcg=="}}})");
    EXPECT_EQ(failure(find_credentials(path, "a")),
              "read " + path + ": a: decode auth: it is not base64");
    EXPECT_EQ(failure(find_credentials(path, "b")),
              "read " + path + ": b: decode auth: it holds no user and password");
    fs::permissions(path, fs::perms(0644));
    EXPECT_EQ(failure(find_credentials(path, "a")),
              "read " + path + ": others can read it; chmod 600 it");
}

}  // namespace
}  // namespace davit::plugin

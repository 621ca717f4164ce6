// SPDX-License-Identifier: Apache-2.0
#include "drivers/registry/oci/oci_fixture.hpp"

#include "drivers/registry/oci/oci_driver.hpp"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

namespace davit::oci {
namespace {

using Entry = sdk::DriverEntry<sdk::RegistryDriver, OciDriver>;

const davit_driver kDriver = {
    sizeof(davit_driver), 1, 1, 0, sdk::str("registry"), sdk::str("oci"), &Entry::open,
    &Entry::probe};

bool openssl(std::vector<std::string> words) {
    words.insert(words.begin(), "openssl");
    return tests::run(words) == 0;
}

bool accepts(int port) {
    return tests::run({"bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(port)}) == 0;
}

}  // namespace

std::unique_ptr<RegistryBench> driver_for(const std::string& registry, const std::string& config,
                                          const davit_host* host) {
    ::signal(SIGPIPE, SIG_IGN);  // as in davitd
    auto bench = RegistryBench::open(
        {.name = "Oci", .driver = [] { return &kDriver; }, .config = config, .registry = nullptr},
        registry, host);
    EXPECT_TRUE(succeeds(bench));
    if (!bench) return nullptr;
    (*bench)->repository = "test/repository";
    return std::move(*bench);
}

std::string login_of(const std::string& user, const std::string& password) {
    return R"({"username":")" + user + R"(","password":")" + password + R"("})";
}

KeepingHost::KeepingHost(std::string name, std::string user, std::string password)
    : name_(std::move(name)), user_(std::move(user)), password_(std::move(password)) {
    host_.size = sizeof host_;
    host_.engine = this;
    host_.get = &get;
    host_.log = [](const davit_host*, std::int32_t, davit_str, const davit_kv*, std::uint64_t) {};
    secrets_.size = sizeof secrets_;
    secrets_.find = &find;
}

const void* KeepingHost::get(const davit_host* host, davit_str id) {
    return sdk::view(id) == DAVIT_HOST_SECRETS ? &static_cast<KeepingHost*>(host->engine)->secrets_
                                               : nullptr;
}

davit_status KeepingHost::find(const davit_host* host, const davit_call* call,
                               const davit_secret_request* req) {
    auto& self = *static_cast<KeepingHost*>(host->engine);
    self.asked_.push_back(sdk::text(req->name));
    if (sdk::view(req->name) != self.name_)
        return call->fail(call, DAVIT_NOT_FOUND, 0, sdk::str("find secret: none"));
    auto secret = sdk::sized<davit_secret>();
    secret.username = sdk::str(self.user_);
    secret.password = sdk::str(self.password_);
    return call->emit(call, &secret);
}

Certificates make_certificates(const std::string& directory) {
    const Certificates made{directory + "/ca.crt", directory + "/server.crt",
                            directory + "/server.key"};
    std::ofstream(directory + "/names") << "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
    EXPECT_TRUE(
        openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                 "/CN=test authority", "-keyout", directory + "/ca.key", "-out", made.authority}));
    EXPECT_TRUE(openssl({"req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
                         "-keyout", made.key, "-out", directory + "/server.csr"}));
    EXPECT_TRUE(openssl({"x509", "-req", "-in", directory + "/server.csr", "-CA", made.authority,
                         "-CAkey", directory + "/ca.key", "-CAcreateserial", "-days", "2",
                         "-extfile", directory + "/names", "-out", made.certificate}));
    return made;
}

TokenRegistry::TokenRegistry() {
    const std::string key = directory_.path() + "/token.key",
                      certificate = directory_.path() + "/token.crt";
    EXPECT_TRUE(openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                         "/CN=tokens", "-keyout", key, "-out", certificate}));
    const int port = tests::free_port();
    const std::string number = std::to_string(port), log = directory_.path() + "/granted";
    const char* arguments[] = {"python3",           DAVIT_TOKEN_SERVER, number.c_str(), key.c_str(),
                               certificate.c_str(), log.c_str(),        nullptr};
    EXPECT_EQ(::posix_spawnp(&server_, "python3", nullptr, nullptr, const_cast<char**>(arguments),
                             environ),
              0);
    for (int attempt = 0; attempt < 100 && !accepts(port); ++attempt)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    registry_ = Registry::start(
        {.settings = {"REGISTRY_AUTH=token",
                      "REGISTRY_AUTH_TOKEN_REALM=http://127.0.0.1:" + number + "/token",
                      "REGISTRY_AUTH_TOKEN_SERVICE=test-service",
                      "REGISTRY_AUTH_TOKEN_ISSUER=test-issuer",
                      "REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE=" + certificate}});
}

TokenRegistry::~TokenRegistry() {
    if (server_ <= 0) return;
    ::kill(server_, SIGKILL);
    ::waitpid(server_, nullptr, 0);
}

std::vector<std::string> TokenRegistry::granted() const {
    std::ifstream log(directory_.path() + "/granted");
    std::vector<std::string> lines;
    for (std::string line; std::getline(log, line);) lines.push_back(line);
    return lines;
}

}  // namespace davit::oci

// SPDX-License-Identifier: Apache-2.0
// Who may do what: Basic and token authentication against docker-registry, TLS with a private
// authority, and that credentials stay with the machine they belong to (security rules R-21, R-69).
#include "drivers/registry/oci/auth.hpp"
#include "drivers/registry/oci/hosts.hpp"
#include "drivers/registry/oci/oci_fixture.hpp"
#include "sdk/base/digest.hpp"

#include <gtest/gtest.h>
#include <filesystem>
#include <fstream>

namespace davit::oci {
namespace {

// --- words of the protocol
// -------------------------------------------------------------------------

std::vector<Challenge> challenges_of(const std::string& value) {
    Response response;
    response.headers = {{"www-authenticate", value}};
    return parse_challenges(response);
}

TEST(OciAuth, a_bearer_challenge_is_read_with_commas_inside_quotes) {
    const auto found = challenges_of(
        R"(Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push")");
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].is_bearer);
    EXPECT_EQ(found[0].realm, "https://auth.example/token");
    EXPECT_EQ(found[0].service, "reg");
    EXPECT_EQ(found[0].scope, "repository:a/b:pull,push");
}

TEST(OciAuth, bearer_is_preferred_and_unknown_schemes_are_skipped) {
    const auto found = challenges_of(R"(Negotiate, Basic realm="x", bearer Realm=https://a/t)");
    ASSERT_EQ(found.size(), 2u);
    EXPECT_TRUE(found[0].is_bearer);
    EXPECT_EQ(found[0].realm, "https://a/t");
    EXPECT_EQ(found[1].realm, "x");
}

TEST(OciAuth, malformed_challenges_give_nothing_and_end) {
    for (const char* text :
         {"", ",,,", "=", "\"", "Bearer realm=\"unclosed", "Bearer =\"x\"", "\"\"\"\"", "a=b=c"})
        EXPECT_LE(challenges_of(text).size(), 1u) << text;
}

TEST(OciAuth, base64_is_that_of_rfc_4648) {
    EXPECT_EQ(base64(""), "");
    EXPECT_EQ(base64("f"), "Zg==");
    EXPECT_EQ(base64("fo"), "Zm8=");
    EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(from_base64("Zm9vYmE="), "fooba");
    EXPECT_EQ(from_base64("Zm9v!"), std::nullopt);
}

TEST(OciAuth, credentials_come_in_both_forms) {
    const auto plain = parse_credentials(R"({"username":"u","password":"p","serveraddress":"x"})");
    ASSERT_TRUE(succeeds(plain));
    EXPECT_EQ(plain->username, "u");
    const auto packed = parse_credentials(R"({"auth":"dTpwOnE="})");
    ASSERT_TRUE(succeeds(packed));
    EXPECT_EQ(packed->username, "u");
    EXPECT_EQ(packed->password, "p:q");
    EXPECT_TRUE(fails_as(parse_credentials("{"), Code::invalid));
    EXPECT_TRUE(parse_credentials("{}").value_or({"x", {}, {}, {}}).empty());
}

TEST(OciHosts, only_loopback_is_loopback) {
    for (const char* name : {"localhost", "127.0.0.1", "127.255.0.9", "::1"})
        EXPECT_TRUE(is_loopback(name)) << name;
    for (const char* name :
         {"128.0.0.1", "10.0.0.1", "::2", "localhost.example", "127.0.0.1.example", "", "0.0.0.0"})
        EXPECT_FALSE(is_loopback(name)) << name;
    EXPECT_EQ(name_of_authority("[::1]:5000"), "::1");
    EXPECT_EQ(name_of_authority("host:5000"), "host");
}

TEST(OciHosts, plain_http_is_for_loopback_and_listed_machines_only) {
    const auto http = Http::create();
    ASSERT_TRUE(succeeds(http));
    const auto config =
        Config::parse(R"({"insecure-registries":["reg.example:5000","10.0.0.0/8"]})");
    ASSERT_TRUE(succeeds(config));
    const Hosts hosts(*config, **http);
    for (const char* url : {"http://127.0.0.1/", "http://localhost:5000/x",
                            "http://reg.example:5000/", "http://10.9.8.7/", "https://a/"})
        EXPECT_TRUE(succeeds(hosts.require_allowed(url))) << url;
    for (const char* url :
         {"http://reg.example/", "http://reg.example:5001/", "http://11.0.0.1/",
          "http://localhost@evil.example/", "http://a/", "file:///etc/passwd", "ftp://a/"})
        EXPECT_FALSE(hosts.require_allowed(url)) << url;
}

// --- Basic
// -----------------------------------------------------------------------------------------

class BasicRegistry : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(tests::run({"htpasswd", "-Bbc", users_.path() + "/users", "alice", "secret"}), 0);
        registry_ = Registry::start({.htpasswd = users_.path() + "/users"});
        ASSERT_NE(registry_, nullptr);
    }
    TemporaryDirectory users_;
    std::unique_ptr<Registry> registry_;
};

TEST_F(BasicRegistry, the_right_password_pushes_and_pulls) {
    const auto driver = driver_for(registry_->address());
    driver->auth = login_of("alice", "secret");
    const auto image = driver->push_image("latest", "{}");
    ASSERT_TRUE(succeeds(image));
    EXPECT_TRUE(succeeds(driver->resolve("latest")));
    EXPECT_EQ(driver->fetch_text(Digest::of("{}").text()).value_or(""), "{}");
    EXPECT_TRUE(succeeds(driver->login()));
}

TEST_F(BasicRegistry, a_wrong_password_is_denied) {
    const auto driver = driver_for(registry_->address());
    driver->auth = login_of("alice", "wrong");
    EXPECT_TRUE(fails_as(driver->resolve("latest"), Code::denied));
    EXPECT_TRUE(fails_as(driver->login(), Code::denied));
}

TEST_F(BasicRegistry, nobody_is_told_that_access_is_denied) {
    const auto driver = driver_for(registry_->address());
    const auto resolved = driver->resolve("latest");
    ASSERT_TRUE(fails_as(resolved, Code::denied));
    EXPECT_NE(resolved.error().what.find("pull access denied for test/repository"),
              std::string::npos)
        << resolved.error().what;
}

TEST_F(BasicRegistry, what_the_host_keeps_is_used_when_nothing_comes_with_the_request) {
    KeepingHost host(registry_->address(), "alice", "secret");
    const auto driver = driver_for(registry_->address(), "{}", host.raw());
    EXPECT_TRUE(succeeds(driver->push_image("latest", "{}")));
    ASSERT_FALSE(host.asked().empty());
    for (const std::string& name : host.asked()) EXPECT_EQ(name, registry_->address());
}

// --- tokens
// ----------------------------------------------------------------------------------------

TEST(OciToken, alice_pushes_and_everybody_pulls_what_is_public) {
    const TokenRegistry registry;
    const auto driver = driver_for(registry.address());
    driver->repository = "public/image";
    driver->auth = login_of("alice", "secret");
    ASSERT_TRUE(succeeds(driver->push_image("latest", "{}")));
    driver->auth = "";
    EXPECT_TRUE(succeeds(driver->resolve("latest")));
    EXPECT_TRUE(fails_as(driver->push("other", Digest::of("other").text()), Code::denied));
}

TEST(OciToken, what_is_not_public_is_denied_to_others) {
    const TokenRegistry registry;
    const auto driver = driver_for(registry.address());
    driver->auth = login_of("alice", "secret");
    ASSERT_TRUE(succeeds(driver->push_image("latest", "{}")));
    driver->auth = "";
    EXPECT_TRUE(fails_as(driver->resolve("latest"), Code::denied));
    driver->auth = login_of("alice", "wrong");
    EXPECT_TRUE(fails_as(driver->resolve("latest"), Code::denied));
}

TEST(OciToken, a_token_asks_for_no_more_than_is_needed_and_is_kept) {
    const TokenRegistry registry;
    const auto driver = driver_for(registry.address());
    driver->repository = "public/image";
    driver->auth = login_of("alice", "secret");
    ASSERT_TRUE(succeeds(driver->push_image("latest", "{}")));
    driver->auth = "";
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(succeeds(driver->resolve("latest")));
        ASSERT_TRUE(succeeds(driver->fetch_text(Digest::of("{}").text())));
    }
    EXPECT_EQ(registry.granted(),
              (std::vector<std::string>{"GET alice repository:public/image:pull,push",
                                        "GET - repository:public/image:pull"}));
}

TEST(OciToken, login_gives_an_identity_token_that_works_instead_of_the_password) {
    const TokenRegistry registry;
    const auto driver = driver_for(registry.address());
    driver->auth = login_of("alice", "secret");
    const auto token = driver->login();
    ASSERT_TRUE(succeeds(token));
    EXPECT_EQ(*token, "refresh-of-alice");
    driver->auth = R"({"identitytoken":")" + *token + R"("})";
    EXPECT_TRUE(succeeds(driver->push_image("latest", "{}")));
    driver->auth = R"({"identitytoken":"forged"})";
    EXPECT_TRUE(fails_as(driver->resolve("latest"), Code::denied));
}

TEST(OciToken, a_realm_without_tls_elsewhere_gets_no_password) {
    const ScriptedServer registry([](const ScriptedServer::Asked&) {
        return ScriptedServer::Reply{
            .status = 401,
            .headers = {
                R"(WWW-Authenticate: Bearer realm="http://auth.example/token",service="x")"}};
    });
    const auto driver = driver_for(registry.address());
    driver->auth = login_of("alice", "secret");
    const auto resolved = driver->resolve("latest");
    ASSERT_TRUE(fails_as(resolved, Code::denied));
    EXPECT_NE(resolved.error().what.find("without TLS"), std::string::npos)
        << resolved.error().what;
}

// --- TLS
// -------------------------------------------------------------------------------------------

class TlsRegistry : public testing::Test {
protected:
    void SetUp() override {
        certificates_ = make_certificates(directory_.path());
        registry_ =
            Registry::start({.certificate = certificates_.certificate, .key = certificates_.key});
        ASSERT_NE(registry_, nullptr);
    }
    TemporaryDirectory directory_;
    Certificates certificates_;
    std::unique_ptr<Registry> registry_;
};

TEST_F(TlsRegistry, an_unknown_authority_is_denied) {
    const auto driver = driver_for(registry_->address());
    const auto resolved = driver->resolve("latest");
    ASSERT_TRUE(fails_as(resolved, Code::denied));
    EXPECT_NE(resolved.error().what.find("certificate"), std::string::npos)
        << resolved.error().what;
}

TEST_F(TlsRegistry, an_authority_in_the_certificates_directory_is_trusted_for_that_host_only) {
    const std::string folder = directory_.path() + "/certs.d/" + registry_->address();
    std::filesystem::create_directories(folder);
    std::filesystem::copy_file(certificates_.authority, folder + "/ca.crt");
    const std::string config = R"({"certificates":")" + directory_.path() + R"(/certs.d"})";
    EXPECT_TRUE(succeeds(driver_for(registry_->address(), config)->push_image("latest", "{}")));
    const std::string other = "127.0.0.1:" + std::to_string(registry_->port());
    EXPECT_TRUE(fails_as(driver_for(other, config)->resolve("latest"), Code::denied));
}

TEST_F(TlsRegistry, a_listed_machine_may_show_any_certificate) {
    const std::string config = R"({"insecure-registries":[")" + registry_->address() + R"("]})";
    EXPECT_TRUE(succeeds(driver_for(registry_->address(), config)->push_image("latest", "{}")));
}

}  // namespace
}  // namespace davit::oci

// SPDX-License-Identifier: Apache-2.0
#include "cli/credentials.hpp"

#include "cli/files.hpp"
#include "cli/flags.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>

namespace davit::cli {
namespace {

class Credentials : public testing::Test {
protected:
    void SetUp() override { dir_ = ::mkdtemp(name_); }
    void TearDown() override {
        for (const auto* file : {"/config.json", "/docker-credential-davittest", "/kept"})
            ::unlink((dir_ + file).c_str());
        ::rmdir(dir_.c_str());
    }
    void config(std::string_view text) { ASSERT_TRUE(create_file(dir_ + "/config.json", text)); }
    std::string config() const { return *read_file(dir_ + "/config.json"); }

    char name_[32] = "/tmp/davit-config-XXXXXX";
    std::string dir_;
};

TEST_F(Credentials, come_back_as_they_were_kept_and_the_file_is_private) {
    ASSERT_TRUE(store_credential(dir_, "r.example:5000", {"alice", "s3cr:et", ""}));
    const auto credential = load_credential(dir_, "r.example:5000");
    EXPECT_EQ((*credential)->username, "alice");
    EXPECT_EQ((*credential)->password, "s3cr:et");
    struct stat info {};
    ::stat((dir_ + "/config.json").c_str(), &info);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Credentials, written_by_docker_are_understood) {
    config(
        R"({"auths":{"https://index.docker.io/v1/":{"auth":"YWxpY2U6c2VjcmV0"},"https://old.example/v1/":{"auth":"Ym9iOng="}}})");
    EXPECT_EQ((*load_credential(dir_, "https://index.docker.io/v1/"))->password, "secret");
    EXPECT_EQ((*load_credential(dir_, "old.example"))->username, "bob");
    EXPECT_FALSE(*load_credential(dir_, "other.example"));
}

TEST_F(Credentials, leave_the_rest_of_the_file_alone) {
    config(R"({"detachKeys":"ctrl-x","auths":{"a":{"auth":"YTpi"}}})");
    ASSERT_TRUE(store_credential(dir_, "b", {"u", "p", ""}));
    EXPECT_TRUE(*erase_credential(dir_, "a"));
    EXPECT_FALSE(*erase_credential(dir_, "a"));
    EXPECT_EQ(config(),
              "{\n    \"detachKeys\": \"ctrl-x\",\n    \"auths\": {\n        \"b\": {\n            "
              "\"auth\": \"dTpw\"\n        }\n    }\n}\n");
}

TEST_F(Credentials, are_asked_of_the_helper_that_is_configured) {
    ASSERT_TRUE(create_file(dir_ + "/docker-credential-davittest",
                            "#!/bin/sh\nread url\ncase $1 in get) printf "
                            "'{\"Username\":\"carol\",\"Secret\":\"for %s\"}' \"$url\";; "
                            "store) cat > " +
                                dir_ + "/kept;; esac\n"));
    ::chmod((dir_ + "/docker-credential-davittest").c_str(), 0755);
    const std::string before = ::getenv("PATH");
    ::setenv("PATH", (dir_ + ":" + before).c_str(), 1);
    config(R"({"credHelpers":{"r.example":"davittest"}})");
    const auto credential = load_credential(dir_, "r.example");
    ::setenv("PATH", before.c_str(), 1);
    ASSERT_TRUE(credential) << credential.error().what;
    EXPECT_EQ((*credential)->username, "carol");
    EXPECT_EQ((*credential)->password, "for r.example");
}

// R-48
TEST_F(Credentials, of_a_missing_helper_are_an_error_and_not_none) {
    config(R"({"credsStore":"davit-no-such-helper","auths":{"r.example":{"auth":"YTpi"}}})");
    const auto credential = load_credential(dir_, "r.example");
    ASSERT_FALSE(credential);
    EXPECT_EQ(credential.error().what,
              "run credential helper docker-credential-davit-no-such-helper, which the "
              "configuration names: no such file or directory");
    EXPECT_FALSE(registry_auth(dir_, "r.example"));
}

TEST_F(Credentials, in_a_broken_file_are_an_error) {
    config("{\"auths\":");
    EXPECT_FALSE(load_credential(dir_, "r.example"));
    EXPECT_FALSE(store_credential(dir_, "r.example", {"a", "b", ""}));
    EXPECT_EQ(config(), "{\"auths\":");
}

TEST_F(Credentials, that_are_not_kept_send_no_header) {
    EXPECT_EQ(*registry_auth(dir_, "r.example"), "");
}

TEST(Base64, is_its_own_inverse) {
    for (const auto& text : Strings{"", "a", "ab", "abc", "abcd", std::string("\0\xff\x10", 3)})
        EXPECT_EQ(*from_base64(base64(text)), text);
    EXPECT_EQ(base64("alice:secret"), "YWxpY2U6c2VjcmV0");
    EXPECT_FALSE(from_base64("a b"));
}

}  // namespace
}  // namespace davit::cli

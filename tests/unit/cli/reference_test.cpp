// SPDX-License-Identifier: Apache-2.0
#include "cli/reference.hpp"

#include <gtest/gtest.h>

namespace davit::cli {
namespace {

TEST(Reference, means_docker_hub_unless_it_begins_with_a_host) {
    const auto nginx = parse_reference("nginx");
    EXPECT_EQ(nginx->domain + "/" + nginx->path, "docker.io/library/nginx");
    EXPECT_EQ(nginx->credential_key(), "https://index.docker.io/v1/");
    EXPECT_EQ(parse_reference("alice/app:1.2")->path, "alice/app");
    EXPECT_EQ(parse_reference("localhost/app")->domain, "localhost");
    EXPECT_EQ(parse_reference("localhost:5000/a/b:x")->credential_key(), "localhost:5000");
    EXPECT_EQ(parse_reference("localhost:5000/a/b:x")->tag, "x");
}

TEST(Reference, keeps_tag_and_digest_apart) {
    const auto both = parse_reference("r.example/app:1@sha256:" + std::string(64, 'a'));
    EXPECT_EQ(both->tag, "1");
    EXPECT_EQ(both->digest, "sha256:" + std::string(64, 'a'));
    EXPECT_EQ(both->familiar_name(), "r.example/app");
    EXPECT_EQ(parse_reference("docker.io/library/nginx")->familiar_name(), "nginx");
}

TEST(Reference, that_is_none_is_refused) {
    for (const auto* text :
         {"", "UPPER", "a//b", "-a", "a:", "a:b c", "a@sha256:xyz", "a@b", "/a", "a/"})
        EXPECT_FALSE(parse_reference(text)) << text;
    EXPECT_EQ(parse_reference("Nginx").error().what,
              "invalid reference format: repository name must be lowercase: Nginx");
}

}  // namespace
}  // namespace davit::cli

// SPDX-License-Identifier: Apache-2.0
#include "core/image/reference.hpp"

#include <gtest/gtest.h>

namespace davit::image {

struct Reading {
    const char* written;
    const char* full;
    const char* familiar;
};

class ReferenceReading : public testing::TestWithParam<Reading> {};

TEST_P(ReferenceReading, is_completed_as_docker_does) {
    const auto reference = Reference::parse(GetParam().written);
    ASSERT_TRUE(reference) << reference.error().what;
    EXPECT_EQ(reference->with_latest().text(), GetParam().full);
    EXPECT_EQ(reference->with_latest().familiar(), GetParam().familiar);
}

constexpr const char* kDigest =
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

INSTANTIATE_TEST_SUITE_P(
    Names, ReferenceReading,
    testing::Values(
        Reading{"nginx", "docker.io/library/nginx:latest", "nginx:latest"},
        Reading{"nginx:1.25", "docker.io/library/nginx:1.25", "nginx:1.25"},
        Reading{"library/nginx", "docker.io/library/nginx:latest", "nginx:latest"},
        Reading{"user/app", "docker.io/user/app:latest", "user/app:latest"},
        Reading{"docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"},
        Reading{"index.docker.io/user/app", "docker.io/user/app:latest", "user/app:latest"},
        Reading{"localhost/app", "localhost/app:latest", "localhost/app:latest"},
        Reading{"localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x:latest"},
        Reading{"quay.io/a/b/c:v1.2-x_y", "quay.io/a/b/c:v1.2-x_y", "quay.io/a/b/c:v1.2-x_y"},
        Reading{"[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"},
        Reading{"Host/app", "Host/app:latest", "Host/app:latest"},
        Reading{"a__b/c-d/e.f", "docker.io/a__b/c-d/e.f:latest", "a__b/c-d/e.f:latest"},
        Reading{"nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "docker.io/library/nginx@sha256:"
                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}));

class ReferenceRefusal : public testing::TestWithParam<const char*> {};

TEST_P(ReferenceRefusal, says_invalid_reference_format) {
    const auto reference = Reference::parse(GetParam());
    ASSERT_FALSE(reference) << reference->text();
    EXPECT_EQ(reference.error().code, Code::invalid);
    EXPECT_TRUE(reference.error().what.starts_with("invalid re")) << reference.error().what;
}

INSTANTIATE_TEST_SUITE_P(
    Names, ReferenceRefusal,
    testing::Values("", ":", ":tag", "@", "nginx:", "nginx@", "nginx:-x", "nginx:.x", "Nginx",
                    "user/App", "-nginx", "nginx-", "a..b", "a___b", "a//b", "/a", "a/", "a b",
                    "nginx:a b", "nginx@sha256:12", "nginx@md5:0123", "localhost:/x",
                    "localhost:port/x", "ho_st.io/x", "[::1/x", "[]/x", "a/../b", "nginx:tag/x:y z",
                    "../nginx",
                    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));

TEST(Reference, a_tag_has_at_most_128_characters) {
    EXPECT_TRUE(Reference::parse("nginx:" + std::string(128, 'a')));
    EXPECT_FALSE(Reference::parse("nginx:" + std::string(129, 'a')));
}

TEST(Reference, a_name_has_at_most_255_characters) {
    EXPECT_TRUE(Reference::parse("a.io/" + std::string(250, 'a')));
    EXPECT_FALSE(Reference::parse("a.io/" + std::string(251, 'a')));
}

TEST(Reference, with_tag_and_digest_the_digest_is_asked_for) {
    const auto reference = Reference::parse(std::string("nginx:1@") + kDigest);
    ASSERT_TRUE(reference) << reference.error().what;
    EXPECT_EQ(reference->wanted(), kDigest);
    EXPECT_EQ(*reference->tag(), "1");
}

}  // namespace davit::image

// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/digest.hpp"

#include <gtest/gtest.h>

namespace davit {

// FIPS 180-4's example.
constexpr const char* kAbc =
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Digest, is_that_of_the_standards_example) {
    EXPECT_EQ(Digest::of("abc").text(), kAbc);
    EXPECT_EQ(Digest::parse(kAbc).take(), Digest::of("abc"));
    EXPECT_EQ(Digest::of("abc").brief(), "ba7816bf8f01");
}

TEST(Digest, a_stream_may_come_in_pieces_and_the_object_is_used_again) {
    auto hash = Sha256::create().take();
    hash.add("a");
    hash.add("");
    hash.add("bc");
    EXPECT_EQ(hash.finish().text(), kAbc);
    hash.add("abc");
    EXPECT_EQ(hash.finish().text(), kAbc);
}

TEST(Digest, R_60_only_an_exact_digest_is_one) {
    const std::string hex(64, 'a');
    EXPECT_TRUE(Digest::parse("sha256:" + hex));
    for (const std::string& text :
         {std::string(), hex, "sha256:" + hex.substr(1), "sha256:" + hex + "a", "SHA256:" + hex,
          "sha256:../" + hex, "sha256:" + std::string(64, 'A'),
          "sha256:" + std::string(63, 'a') + "g", "sha256:" + std::string(63, 'a') + "\n",
          "sha256:" + std::string(62, 'a') + "/.", " sha256:" + hex})
        EXPECT_FALSE(Digest::parse(text)) << text;
}

TEST(Digest, another_algorithm_of_the_specification_is_unsupported_not_invalid) {
    EXPECT_EQ(Digest::parse("sha512:" + std::string(128, 'a')).error().code, Code::unsupported);
}

}  // namespace davit

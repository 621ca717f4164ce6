// SPDX-License-Identifier: Apache-2.0
#include "core/image/manifest.hpp"

#include "tests/support/image.hpp"

#include <gtest/gtest.h>

namespace davit::image {

using test::make_image;
using test::make_index;
using test::Tar;

std::string complaint(std::string_view text, std::string_view type = kOciManifest) {
    const auto parsed = parse_manifest(text, type);
    return parsed ? "(accepted)" : parsed.error().what;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

test::TestImage sample(const std::string& architecture = "amd64") {
    return make_image({{Tar().file("a")}}, {.architecture = architecture});
}

TEST(Manifest, an_ordinary_one_names_its_config_and_layers) {
    const auto image = sample();
    const auto parsed = parse_manifest(image.manifest, kOciManifest);
    ASSERT_TRUE(parsed) << parsed.error().what;
    const auto& manifest = std::get<Manifest>(*parsed);
    EXPECT_EQ(manifest.config.digest.text(), image.id());
    ASSERT_EQ(manifest.layers.size(), 1u);
    EXPECT_EQ(manifest.layers[0].digest.text(), image.layers[0]);
}

TEST(Manifest, R_49_a_document_that_is_index_and_manifest_is_refused) {
    const std::string both =
        replaced(sample().manifest, R"("layers")", R"("manifests":[],"layers")");
    EXPECT_NE(complaint(both).find("ambiguous"), std::string::npos);
    EXPECT_NE(complaint(both, kOciIndex).find("ambiguous"), std::string::npos);
}

TEST(Manifest, R_49_its_own_media_type_must_be_the_one_it_was_sent_as) {
    EXPECT_NE(complaint(sample().manifest, kOciIndex).find("calls itself"), std::string::npos);
    EXPECT_NE(complaint(sample().manifest, kDockerManifest).find("calls itself"),
              std::string::npos);
}

TEST(Manifest, without_a_media_type_of_its_own_the_senders_counts) {
    const std::string bare = replaced(
        sample().manifest, R"("mediaType":"application/vnd.oci.image.manifest.v1+json",)", "");
    EXPECT_EQ(complaint(bare), "(accepted)");
    EXPECT_NE(complaint(bare, "text/html").find("unknown media type"), std::string::npos);
}

TEST(Manifest, R_60_a_digest_that_is_a_path_is_refused_in_every_place) {
    const auto image = sample();
    for (const std::string& digest : {image.id(), image.layers[0]})
        for (const char* bad :
             {"sha256:../../x", "sha256:", "", "md5:00", "sha256:0123456789ABCDEF"})
            EXPECT_NE(complaint(replaced(image.manifest, digest, bad)).find("parse digest"),
                      std::string::npos)
                << bad;
    EXPECT_FALSE(parse_config(replaced(image.config, image.diff_ids[0], "sha256:../../x")));
}

TEST(Manifest, a_foreign_layer_is_refused_by_name) {
    const std::string foreign =
        replaced(sample().manifest, "application/vnd.oci.image.layer.v1.tar+gzip",
                 "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    EXPECT_NE(complaint(foreign).find("foreign layers"), std::string::npos);
}

TEST(Manifest, an_unknown_layer_type_is_refused_by_name) {
    const std::string strange = replaced(
        sample().manifest, "application/vnd.oci.image.layer.v1.tar+gzip", "application/x-strange");
    EXPECT_NE(complaint(strange).find("application/x-strange"), std::string::npos);
}

TEST(Manifest, what_is_no_container_image_is_refused) {
    const std::string artifact =
        replaced(sample().manifest, "application/vnd.oci.image.config.v1+json",
                 "application/vnd.cncf.helm.config.v1+json");
    EXPECT_NE(complaint(artifact).find("helm"), std::string::npos);
}

TEST(Manifest, docker_format_v1_is_refused_with_advice) {
    const char* old = R"({"schemaVersion":1,"name":"a","fsLayers":[],"history":[]})";
    EXPECT_NE(complaint(old, "application/vnd.docker.distribution.manifest.v1+prettyjws")
                  .find("build the image anew"),
              std::string::npos);
    EXPECT_NE(complaint(old, "application/json").find("build the image anew"), std::string::npos);
}

TEST(Manifest, R_47_nonsense_is_an_error_and_never_a_crash) {
    for (const char* text :
         {"", "{", "null", "[]", "{}", "7", R"({"config":null,"layers":null})",
          R"({"config":{},"layers":[7]})", R"({"config":[],"layers":{}})", "\xff\xfe"})
        EXPECT_NE(complaint(text), "(accepted)") << text;
    for (const char* text :
         {"", "{}", R"({"os":1})", R"({"os":"linux","architecture":"amd64"})",
          R"({"os":"linux","architecture":"amd64","rootfs":{"type":"x"}})",
          R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[1]}})"})
        EXPECT_FALSE(parse_config(text)) << text;
}

TEST(Manifest, R_47_deep_nesting_is_refused) {
    EXPECT_NE(complaint(R"({"a":)" + std::string(100000, '[')), "(accepted)");
}

TEST(Index, the_hosts_platform_is_chosen) {
    const auto amd64 = sample("amd64"), arm64 = sample("arm64");
    const std::string text =
        make_index({{arm64, R"({"os":"linux","architecture":"arm64","variant":"v8"})"},
                    {amd64, R"({"os":"linux","architecture":"amd64"})"}});
    const auto index = std::get<Index>(parse_manifest(text, kOciIndex).take());
    EXPECT_EQ(choose(index, {"linux", "amd64", ""})->digest.text(), amd64.digest());
    EXPECT_EQ(choose(index, {"linux", "arm64", "v8"})->digest.text(), arm64.digest());
    const auto none = choose(index, {"linux", "s390x", ""});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().what,
              "no matching manifest for linux/s390x in the manifest list entries");
}

TEST(Platform, aliases_and_variants_are_understood) {
    EXPECT_EQ(Platform::parse("linux/x86_64")->text(), "linux/amd64");
    EXPECT_EQ(Platform::parse("linux/arm64/v8")->text(), "linux/arm64");
    EXPECT_EQ(Platform::parse("linux/arm")->text(), "linux/arm/v7");
    EXPECT_FALSE(Platform::parse("linux/"));
    EXPECT_FALSE(Platform::parse("a/b/c/d"));
    EXPECT_GT(match({"linux", "arm", "v7"}, {"linux", "arm", "v6"}), 0);
    EXPECT_EQ(match({"linux", "arm", "v6"}, {"linux", "arm", "v7"}), 0);
    EXPECT_GT(match({"linux", "arm", "v7"}, {"linux", "arm", "v7"}),
              match({"linux", "arm", "v7"}, {"linux", "arm", "v6"}));
}

TEST(ChainIds, are_those_of_the_oci_specification) {
    const Digest a = Digest::of("a"), b = Digest::of("b");
    const auto chain = chain_ids({a, b});
    ASSERT_EQ(chain.size(), 2u);
    EXPECT_EQ(chain[0], a);
    EXPECT_EQ(chain[1], Digest::of(a.text() + " " + b.text()));
}

}  // namespace davit::image

// SPDX-License-Identifier: Apache-2.0
// Pulls from Debian's docker-registry through the real drivers; skopeo puts the images there.
#include "tests/support/registry.hpp"
#include "tests/unit/core/image/pull_fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace davit::test {

namespace fs = std::filesystem;

class RegistryPullTest : public PullTest {
protected:
    void SetUp() override {
        PullTest::SetUp();
        server_ = tests::Registry::start();
        ASSERT_NE(server_, nullptr);
    }

    // An OCI image layout, handed to skopeo.
    void push(const TestImage& image, const std::string& name, const std::string& format = "oci") {
        const std::string layout = server_->directory() + "/layout-" + image.digest().substr(7, 12);
        fs::create_directories(layout + "/blobs/sha256");
        std::ofstream(layout + "/oci-layout") << R"({"imageLayoutVersion":"1.0.0"})";
        std::ofstream(layout + "/index.json")
            << R"({"schemaVersion":2,"manifests":[{"mediaType":")" << image.manifest_type
            << R"(","digest":")" << image.digest() << R"(","size":)" << image.manifest.size()
            << R"(,"annotations":{"org.opencontainers.image.ref.name":"x"}}]})";
        for (const auto& [digest, blob] : image.blobs)
            std::ofstream(layout + "/blobs/sha256/" + digest.substr(7), std::ios::binary) << blob;
        ASSERT_EQ(
            tests::run({"skopeo", "copy", "--dest-tls-verify=false", "--format", format,
                        "oci:" + layout + ":x", "docker://" + server_->address() + "/" + name}),
            0);
    }

    Result<image::PullResult> pull_real(const std::string& name) {
        auto wanted = request(server_->address() + "/" + name);
        wanted.registry = plugin::Registry::of(TRY(catalog_->find("registry", "oci"))).take();
        told_.clear();
        return image::pull(*store_, wanted);
    }

    std::unique_ptr<tests::Registry> server_;
};

TestImage three_layers() {
    return make_image(
        {{Tar().directory("etc").file("etc/passwd", "root").file("etc/old", "old")},
         {Tar().directory("etc").file("etc/.wh.old", "").file("etc/big", std::string(900000, 'b'))},
         {Tar().directory("bin").file("bin/sh", "#!", 04755).hard_link("bin/bash", "bin/sh"),
          Packing::zstd}});
}

TEST_F(RegistryPullTest, an_oci_image_comes_whole) {
    const TestImage image = three_layers();
    push(image, "team/app:1");
    const auto result = pull_real("team/app:1");
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->id, image.id());
    EXPECT_EQ(result->digest.text(), image.digest());
    EXPECT_EQ(read(result->id, "etc/big"), std::string(900000, 'b'));
    EXPECT_FALSE(exists(result->id, "etc/old"));
    EXPECT_EQ(read(result->id, "bin/bash"), "#!");
    EXPECT_EQ(store_->get(result->id).take().tags,
              std::vector<std::string>{server_->address() + "/team/app:1"});
}

TEST_F(RegistryPullTest, a_docker_v2s2_image_comes_whole) {
    const TestImage image =
        make_image({{Tar().directory("etc").file("etc/passwd", "root")}, {Tar().file("a", "b")}});
    push(image, "app:docker", "v2s2");
    const auto result = pull_real("app:docker");
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(read(result->id, "etc/passwd"), "root");
    EXPECT_EQ(read(result->id, "a"), "b");
}

TEST_F(RegistryPullTest, by_digest_and_again_nothing_is_fetched_twice) {
    const TestImage image = three_layers();
    push(image, "app:1");
    ASSERT_TRUE(pull_real("app@" + image.digest()));
    const auto again = pull_real("app:1");
    ASSERT_TRUE(again) << again.error().what;
    const auto lines = statuses();
    for (const std::string& layer : image.layers) {
        const std::string line = Digest::parse(layer)->brief() + ": Already exists";
        EXPECT_NE(std::find(lines.begin(), lines.end(), line), lines.end()) << line;
    }
}

TEST_F(RegistryPullTest, what_is_not_there_is_an_error_and_leaves_nothing) {
    const auto result = pull_real("missing:1");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::not_found) << result.error().what;
    expect_nothing_left();
}

TEST_F(RegistryPullTest, a_registry_that_is_gone_is_an_error_and_leaves_nothing) {
    push(three_layers(), "app:1");
    const std::string address = server_->address();
    auto wanted = request(address + "/app:1");
    wanted.registry = plugin::Registry::of(catalog_->find("registry", "oci").take()).take();
    server_.reset();
    const auto result = image::pull(*store_, wanted);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::unavailable) << result.error().what;
    expect_nothing_left();
}

}  // namespace davit::test

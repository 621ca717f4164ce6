// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/core/image/pull_fixture.hpp"

#include <unistd.h>
#include <algorithm>
#include <thread>

namespace davit::test {

TestImage two_layers() {
    return make_image(
        {{Tar().directory("etc").file("etc/passwd", "root").file("etc/old", "old")},
         {Tar().directory("etc").file("etc/passwd", "changed").file("etc/.wh.old", ""),
          Packing::zstd}});
}

bool told(const std::vector<std::string>& statuses, const std::string& wanted) {
    return std::find(statuses.begin(), statuses.end(), wanted) != statuses.end();
}

TEST_F(PullTest, a_pulled_image_has_the_files_of_its_layers_and_the_names_it_was_pulled_by) {
    const TestImage image = two_layers();
    offer(image);
    const auto result = pulled();
    EXPECT_EQ(result.id, image.id());
    EXPECT_TRUE(result.changed);
    EXPECT_EQ(read(result.id, "etc/passwd"), "changed");
    EXPECT_FALSE(exists(result.id, "etc/old"));
    const auto record = store_->get(result.id).take();
    EXPECT_EQ(record.tags, std::vector<std::string>{"app:latest"});
    EXPECT_EQ(record.digests, std::vector<std::string>{"app@" + image.digest()});
    EXPECT_EQ(record.bytes, 4u + 3u + 7u);
}

TEST_F(PullTest, a_driver_without_rebase_gets_its_layers_parent_first) {
    const TestImage image = two_layers();
    offer(image);
    const auto result = pulled("app", "plain-dir");
    EXPECT_EQ(read(result.id, "etc/passwd", "plain-dir"), "changed");
    EXPECT_FALSE(exists(result.id, "etc/old", "plain-dir"));
}

TEST_F(PullTest, the_story_is_told_in_dockers_words) {
    const TestImage image = two_layers();
    offer(image);
    pulled();
    const auto first = statuses();
    EXPECT_EQ(first.front(), "latest: Pulling from library/app");
    for (const std::string& layer : image.layers) {
        const std::string id = Digest::parse(layer)->brief();
        EXPECT_TRUE(told(first, id + ": Pulling fs layer"));
        EXPECT_TRUE(told(first, id + ": Pull complete"));
    }
    EXPECT_EQ(first[first.size() - 2], "Digest: " + image.digest());
    EXPECT_EQ(first.back(), "Status: Downloaded newer image for app:latest");
    EXPECT_FALSE(pulled().changed);
    EXPECT_TRUE(told(statuses(), Digest::parse(image.layers[0])->brief() + ": Already exists"));
    EXPECT_EQ(statuses().back(), "Status: Image is up to date for app:latest");
}

TEST_F(PullTest, a_layer_that_is_there_is_not_fetched_again) {
    const Tar base = Tar().directory("etc").file("etc/passwd", "root");
    const TestImage one = make_image({{base}, {Tar().file("one")}});
    const TestImage two = make_image({{base}, {Tar().file("two")}});
    offer(one, "library/one:latest");
    offer(two, "library/two:latest");
    pulled("one");
    const auto result = pulled("two");
    EXPECT_EQ(registry_->fetches[one.layers[0]], 1u);
    EXPECT_TRUE(exists(result.id, "two"));
    EXPECT_EQ(count("layers"), 3);
}

TEST_F(PullTest, by_digest_it_gets_no_tag) {
    const TestImage image = two_layers();
    offer(image);
    const auto result = pulled("app@" + image.digest());
    const auto record = store_->get(result.id).take();
    EXPECT_TRUE(record.tags.empty());
    EXPECT_EQ(record.digests.size(), 1u);
    EXPECT_EQ(store_->resolve("app@" + image.digest()).take(), image.id());
}

TEST_F(PullTest, a_tag_that_moved_leads_to_the_new_image_and_the_old_one_stays_without_name) {
    const TestImage before = make_image({{Tar().file("before")}});
    const TestImage after = make_image({{Tar().file("after")}});
    offer(before);
    pulled();
    offer(after);
    EXPECT_TRUE(pulled().changed);
    EXPECT_EQ(store_->resolve("app").take(), after.id());
    EXPECT_TRUE(store_->get(before.id()).take().tags.empty());
}

TEST_F(PullTest, of_an_index_the_hosts_image_is_taken) {
    const std::string host = image::Platform::of_host().architecture;
    const TestImage mine = make_image({{Tar().file("mine")}}, {.architecture = host});
    const TestImage other = make_image({{Tar().file("other")}}, {.architecture = "s390x"});
    offer(mine, "library/x:1");
    offer(other, "library/x:2");
    const std::string index =
        make_index({{other, R"({"os":"linux","architecture":"s390x"})"},
                    {mine, R"({"os":"linux","architecture":")" + host + "\"}"}});
    registry_->tags["library/app:latest"] = {"application/vnd.oci.image.index.v1+json", index};
    const auto result = pulled();
    EXPECT_TRUE(exists(result.id, "mine"));
    EXPECT_EQ(result.digest, Digest::of(index));
    EXPECT_EQ(count("manifests"), 2);
}

TEST_F(PullTest, another_platform_is_named_in_the_error) {
    const TestImage other = make_image({{Tar().file("other")}}, {.architecture = "s390x"});
    registry_->tags["library/app:latest"] = {
        "application/vnd.oci.image.index.v1+json",
        make_index({{other, R"({"os":"linux","architecture":"s390x"})"}})};
    refuse("no matching manifest for linux/" + image::Platform::of_host().architecture);
    offer(other);
    auto wanted = request();
    wanted.platform = image::Platform{"linux", "arm64", ""};
    const auto result = image::pull(*store_, wanted);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().what.find("does not match the specified platform (linux/arm64)"),
              std::string::npos);
}

TEST_F(PullTest, a_broken_connection_is_resumed_where_it_stopped) {
    const TestImage image =
        make_image({{Tar().file("big", std::string(300000, 'x')), Packing::plain}});
    offer(image);
    registry_->break_every[image.layers[0]] = 40000;
    const auto result = pulled();
    EXPECT_EQ(read(result.id, "big").size(), 300000u);
    EXPECT_EQ(registry_->fetches[image.layers[0]], 8u);
}

TEST_F(PullTest, wrong_bytes_are_refused_and_nothing_is_kept) {
    const TestImage image =
        make_image({{Tar().file("a")}, {Tar().file("b", "good"), Packing::plain}});
    offer(image);
    std::string& blob = registry_->blobs[image.layers[1]];
    blob.replace(blob.find("good"), 4, "evil");
    refuse("verify: the registry sent sha256:");
}

TEST_F(PullTest, damaged_bytes_are_refused_and_nothing_is_kept) {
    const TestImage image = two_layers();
    offer(image);
    std::string& blob = registry_->blobs[image.layers[0]];
    blob[blob.size() / 2] = static_cast<char>(blob[blob.size() / 2] ^ 0x55);
    const auto result = pull();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::corrupt) << result.error().what;
    expect_nothing_left();
}

TEST_F(PullTest, the_right_bytes_in_another_compression_are_refused_too) {
    const TestImage image = make_image({{Tar().file("a")}});
    offer(image);
    registry_->blobs[image.layers[0]] = zstd(Tar().file("a").bytes());
    refuse("fewer bytes than");
}

TEST_F(PullTest, more_bytes_than_named_are_refused) {
    const TestImage image = two_layers();
    offer(image);
    registry_->blobs[image.layers[0]] += std::string(100000, '\0');
    refuse("more bytes came than its manifest names");
}

TEST_F(PullTest, a_layer_that_is_not_the_one_the_config_names_is_refused) {
    const TestImage image = two_layers();
    TestImage liar =
        make_image({{Tar().directory("etc").file("etc/passwd", "evil")}, {Tar().file("b")}});
    // The manifest of one image, with the config of another.
    const auto at = liar.manifest.find(liar.id());
    liar.manifest.replace(at, image.id().size(), image.id());
    const auto size = liar.manifest.find("\"size\":", at) + 7;
    liar.manifest.replace(size, liar.manifest.find('}', size) - size,
                          std::to_string(image.config.size()));
    liar.blobs[image.id()] = image.config;
    offer(liar);
    refuse("the image names");
}

TEST_F(PullTest, a_missing_layer_is_an_error_and_nothing_is_kept) {
    const TestImage image = two_layers();
    offer(image);
    registry_->blobs.erase(image.layers[1]);
    refuse("not found");
}

TEST_F(PullTest, a_config_of_other_bytes_is_refused) {
    const TestImage image = two_layers();
    offer(image);
    registry_->blobs[image.id()].back() = ' ';
    refuse("the registry sent something else");
}

TEST_F(PullTest, R_49_an_ambiguous_manifest_is_refused) {
    TestImage image = two_layers();
    image.manifest.insert(1, R"("manifests":[],)");
    offer(image);
    refuse("ambiguous");
}

TEST_F(PullTest, an_unknown_name_is_not_found) { refuse("not found", "missing"); }

TEST_F(PullTest, R_64_a_cancelled_pull_ends_at_once_and_leaves_nothing) {
    const TestImage image = two_layers();
    offer(image);
    auto wanted = request();
    registry_->before_fetch = [&](const std::string& digest) {
        if (digest == image.layers[1]) wanted.cancel->request();
    };
    const auto result = image::pull(*store_, wanted);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::cancelled) << result.error().what;
    registry_->before_fetch = nullptr;
    expect_nothing_left();
    pulled();
}

TEST_F(PullTest, a_layer_that_needs_its_parent_is_unpacked_over_it) {
    const TestImage image = make_image({{Tar().directory("etc", 0700).file("etc/passwd", "root")},
                                        {Tar().hard_link("copy", "etc/passwd")},
                                        {Tar().file("etc/more", "more")},
                                        {Tar().file(".wh..wh..opq", "").file("last")}});
    offer(image);
    const auto result = pulled();
    EXPECT_TRUE(exists(result.id, "last"));
    EXPECT_FALSE(exists(result.id, "etc"));
    EXPECT_FALSE(exists(result.id, "copy"));
    EXPECT_EQ(registry_->fetches[image.layers[1]], 2u);
}

TEST_F(PullTest, files_of_layers_that_need_their_parent_are_right) {
    const TestImage image = make_image({{Tar().directory("etc", 0700).file("etc/passwd", "root")},
                                        {Tar().hard_link("copy", "etc/passwd")},
                                        {Tar().file("etc/more", "more")}});
    offer(image);
    const auto result = pulled();
    EXPECT_EQ(read(result.id, "copy"), "root");
    EXPECT_EQ(read(result.id, "etc/more"), "more");
}

TEST_F(PullTest, two_pulls_of_one_image_at_once_both_succeed_and_fetch_each_layer_once) {
    const TestImage image = two_layers();
    offer(image);
    Result<image::PullResult> results[2] = {fail(Code::internal, "not run"),
                                            fail(Code::internal, "not run")};
    auto first = request(), second = request();
    first.progress = second.progress = nullptr;
    std::thread other([&] { results[0] = image::pull(*store_, first); });
    results[1] = image::pull(*store_, second);
    other.join();
    for (const auto& result : results) EXPECT_TRUE(result) << result.error().what;
    EXPECT_EQ(registry_->fetches[image.layers[0]], 1u);
    EXPECT_EQ(read(image.id(), "etc/passwd"), "changed");
}

TEST_F(PullTest, when_one_of_two_pulls_of_a_layer_is_cancelled_the_other_still_succeeds) {
    const TestImage image = two_layers();
    offer(image);
    auto doomed = request();
    doomed.progress = nullptr;
    registry_->before_fetch = [&](const std::string& digest) {
        if (digest == image.layers[0]) doomed.cancel->request();
    };
    Result<image::PullResult> result = fail(Code::internal, "not run");
    std::thread other([&] { result = image::pull(*store_, doomed); });
    const auto kept = pull();
    other.join();
    EXPECT_TRUE(kept) << kept.error().what;
    EXPECT_EQ(read(image.id(), "etc/passwd"), "changed");
}

TEST_F(PullTest, an_image_may_lie_in_several_instances) {
    const TestImage image = two_layers();
    offer(image);
    pulled("app", "overlay");
    EXPECT_EQ(store_->top_layer(image.id(), "plain-dir").error().code, Code::not_found);
    pulled("app", "plain-dir");
    EXPECT_EQ(read(image.id(), "etc/passwd", "plain-dir"), "changed");
    EXPECT_EQ(read(image.id(), "etc/passwd", "overlay"), "changed");
    ASSERT_TRUE(store_->remove("app", {}));
    expect_nothing_left("overlay");
    expect_nothing_left("plain-dir");
}

TEST_F(PullTest, an_image_without_layers_can_be_pulled) {
    const TestImage image = make_image({});
    offer(image);
    EXPECT_EQ(store_->top_layer(pulled().id, "overlay").take(), "");
}

TEST_F(PullTest, its_layers_are_marked_as_synced_soon_after) {
    offer(two_layers());
    pulled();
    store_.reset();  // waits for the sync under way; the next start takes up what still waited
    SetUpStore();
    ASSERT_TRUE(store_->settle_unsynced(image::ImageStore::Boot::same));
    for (int i = 0; i < 500 && unsynced() > 0; ++i) ::usleep(10000);
    EXPECT_EQ(unsynced(), 0);
}

TEST_F(PullTest, after_an_unclean_boot_unsynced_images_are_forgotten) {
    offer(two_layers());
    pulled();
    ASSERT_TRUE(database_->session().run("UPDATE layer_instances SET synced = 0"));
    const auto kept = store_->settle_unsynced(image::ImageStore::Boot::unclean);
    ASSERT_TRUE(kept) << kept.error().what;
    EXPECT_TRUE(kept->empty());
    expect_nothing_left();
}

}  // namespace davit::test

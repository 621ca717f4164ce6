// SPDX-License-Identifier: Apache-2.0
// Names, removal and what the API shows.
#include "core/image/image_json.hpp"
#include "sdk/base/file.hpp"
#include "tests/unit/core/image/pull_fixture.hpp"

#include <boost/json.hpp>

namespace davit::test {

using image::ListOptions;
using Names = std::vector<std::string>;

class ImageStoreTest : public PullTest {
protected:
    TestImage pull_one(const std::string& name, const std::string& file = "a",
                       const ImageOptions& options = {}) {
        const TestImage image = make_image({{Tar().file("base")}, {Tar().file(file)}}, options);
        offer(image, "library/" + name + ":latest");
        pulled(name);
        return image;
    }
    void use(const TestImage& image, const std::string& container, const std::string& status) {
        const std::string parent = store_->top_layer(image.id(), "overlay").take();
        ASSERT_TRUE(
            database_->session().run("INSERT INTO containers (id, name, created, image, "
                                     "image_reference, parent_layer, storage_instance, "
                                     "exec_instance, status, config, state) VALUES (?, ?, 0, ?, "
                                     "'', ?, 'overlay', '', ?, '{}', '{}')",
                                     container, container, image.id(), parent, status));
    }
    std::string refusal(const std::string& name, image::RemoveOptions options = {}) {
        const auto removed = store_->remove(name, options);
        return removed ? "(removed)" : removed.error().what;
    }
    static std::string brief(const TestImage& image) { return image.id().substr(7, 12); }
};

TEST_F(ImageStoreTest, a_name_an_id_and_the_beginning_of_an_id_lead_to_the_image) {
    const TestImage image = pull_one("app");
    for (const std::string& name :
         {std::string("app"), std::string("docker.io/library/app:latest"), image.id(),
          image.id().substr(7), brief(image), image.id().substr(0, 15), "app@" + image.digest()})
        EXPECT_EQ(store_->resolve(name).value_or("(none)"), image.id()) << name;
}

TEST_F(ImageStoreTest, an_unknown_name_is_not_found_in_dockers_words) {
    EXPECT_EQ(store_->resolve("nosuch").error().what, "No such image: nosuch:latest");
    EXPECT_EQ(store_->resolve("sha256:0123").error().what, "No such image: sha256:0123");
    EXPECT_EQ(store_->resolve("NoSuch").error().code, Code::invalid);
}

TEST_F(ImageStoreTest, removing_the_last_name_removes_image_and_layers) {
    const TestImage image = pull_one("app");
    const auto removed = store_->remove("app", {});
    ASSERT_TRUE(removed) << removed.error().what;
    EXPECT_EQ(removed->untagged, (Names{"app:latest", "app@" + image.digest()}));
    EXPECT_EQ(removed->deleted, Names{image.id()});
    EXPECT_EQ(removed->layers.size(), 2u);
    expect_nothing_left();
}

TEST_F(ImageStoreTest, removing_one_of_two_names_keeps_the_image) {
    const TestImage image = pull_one("app");
    ASSERT_TRUE(store_->tag(image.id(), image::Reference::parse("other:1").take()));
    const auto removed = store_->remove("app", {}).take();
    EXPECT_TRUE(removed.deleted.empty());
    EXPECT_EQ(store_->get(image.id()).take().tags, Names{"other:1"});
    EXPECT_TRUE(exists(image.id(), "a"));
}

TEST_F(ImageStoreTest, a_layer_that_another_image_uses_stays) {
    const TestImage one = pull_one("one", "one"), two = pull_one("two", "two");
    ASSERT_TRUE(store_->remove("one", {}));
    EXPECT_TRUE(exists(two.id(), "base"));
    EXPECT_EQ(count("layers"), 2);
    ASSERT_TRUE(store_->remove(two.id(), {}));
    expect_nothing_left();
}

TEST_F(ImageStoreTest, an_id_with_several_repositories_is_refused_without_force) {
    const TestImage image = pull_one("app");
    ASSERT_TRUE(store_->tag(image.id(), image::Reference::parse("other:1").take()));
    EXPECT_EQ(refusal(brief(image)),
              "conflict: unable to delete " + brief(image) +
                  " (must be forced) - image is referenced in multiple repositories");
    EXPECT_EQ(refusal(brief(image), {.force = true}), "(removed)");
    expect_nothing_left();
}

TEST_F(ImageStoreTest, a_container_keeps_its_image_from_being_untagged) {
    const TestImage image = pull_one("app");
    use(image, "0123456789abcdef", "exited");
    EXPECT_EQ(refusal("app"),
              "conflict: unable to remove repository reference \"app\" (must force) - container "
              "0123456789ab is using "
              "its referenced image " +
                  brief(image));
    EXPECT_EQ(refusal(brief(image)),
              "conflict: unable to delete " + brief(image) +
                  " (must be forced) - image is being used by stopped container 0123456789ab");
}

TEST_F(ImageStoreTest, a_running_container_keeps_its_image_even_with_force) {
    const TestImage image = pull_one("app");
    use(image, "0123456789abcdef", "running");
    EXPECT_EQ(refusal(brief(image), {.force = true}),
              "conflict: unable to delete " + brief(image) +
                  " (cannot be forced) - image is being used by running container 0123456789ab");
    EXPECT_EQ(refusal("app", {.force = true}), "(removed)");
    EXPECT_TRUE(store_->get(image.id()).take().tags.empty());
}

TEST_F(ImageStoreTest, layers_below_a_container_stay_until_it_is_gone) {
    const TestImage image = pull_one("app");
    use(image, "0123456789abcdef", "exited");
    const auto removed = store_->remove("app", {.force = true});
    ASSERT_TRUE(removed) << removed.error().what;
    EXPECT_EQ(removed->deleted, Names{image.id()});
    EXPECT_EQ(count("layer_instances"), 2);
    ASSERT_TRUE(database_->session().run("DELETE FROM containers"));
    ASSERT_TRUE(store_->collect());
    expect_nothing_left();
}

TEST_F(ImageStoreTest, inspect_shows_what_the_image_says) {
    const TestImage image = pull_one(
        "app", "a", {.config_members = R"(,"User":"nobody","Labels":{"k":"v"},"Volumes":null)"});
    const auto shown = image::inspect(*store_, image.id());
    ASSERT_TRUE(shown) << shown.error().what;
    EXPECT_EQ(
        boost::json::serialize(shown->at("Config")),
        R"({"User":"nobody","Env":["PATH=/bin"],"Cmd":["/bin/true"],"Labels":{"k":"v"},"WorkingDir":""})");
    EXPECT_EQ(shown->at("Id").as_string(), image.id());
    EXPECT_EQ(shown->at("Created").as_string(), "2024-05-01T10:00:00Z");
    EXPECT_EQ(shown->at("Architecture").as_string(), "amd64");
    EXPECT_EQ(shown->at("Author").as_string(), "tests");
    EXPECT_EQ(boost::json::value_to<int>(shown->at("Size")), 2);
    EXPECT_EQ(boost::json::serialize(shown->at("RepoTags")), R"(["app:latest"])");
    EXPECT_EQ(shown->at("RootFS").at("Layers").as_array().size(), 2u);
    EXPECT_EQ(shown->at("GraphDriver").at("Name").as_string(), "overlay");
}

TEST_F(ImageStoreTest, list_shows_every_image_once_and_filters_as_docker_does) {
    pull_one("old", "o",
             {.created = "2020-01-01T00:00:00Z", .config_members = R"(,"Labels":{"team":"a"})"});
    pull_one("new", "n", {.created = "2024-01-01T00:00:00Z"});
    const auto names = [&](const ListOptions& options) {
        Names found;
        const auto listed = image::list(*store_, options);
        EXPECT_TRUE(listed) << listed.error().what;
        for (const auto& entry : *listed)
            found.emplace_back(entry.at("RepoTags").as_array().at(0).as_string());
        return found;
    };
    EXPECT_EQ(names({}), (Names{"new:latest", "old:latest"}));
    EXPECT_EQ(names({.filters = {{"label", {"team=a"}}}}), Names{"old:latest"});
    EXPECT_EQ(names({.filters = {{"label", {"team=b"}}}}), Names{});
    EXPECT_EQ(names({.filters = {{"reference", {"n*"}}}}), Names{"new:latest"});
    EXPECT_EQ(names({.filters = {{"before", {"new"}}}}), Names{"old:latest"});
    EXPECT_EQ(names({.filters = {{"since", {"old"}}}}), Names{"new:latest"});
    EXPECT_EQ(names({.filters = {{"until", {"2022-01-01T00:00:00Z"}}}}), Names{"old:latest"});
    EXPECT_EQ(names({.filters = {{"dangling", {"true"}}}}), Names{});
    EXPECT_EQ(image::list(*store_, {.filters = {{"nosuch", {"x"}}}}).error().what,
              "invalid filter 'nosuch'");
}

TEST_F(ImageStoreTest, documents_that_no_image_names_are_swept) {
    const TestImage image = pull_one("app");
    Fd root = open_directory(home_).take();
    const auto content = image::ContentStore::open(root.get()).take();
    const Digest stray = content.put("left by a crash").take();
    ASSERT_TRUE(store_->sweep_content());
    EXPECT_EQ(content.get(stray).error().code, Code::not_found);
    EXPECT_EQ(store_->config(image.id()).take(), image.config);
}

TEST_F(ImageStoreTest, a_damaged_document_is_corrupt_and_not_believed) {
    const TestImage image = pull_one("app");
    Fd directory = open_directory(home_ + "/content/sha256").take();
    ASSERT_TRUE(atomic_write(directory.get(), image.id().substr(7), "{}"));
    EXPECT_EQ(store_->config(image.id()).error().code, Code::corrupt);
}

}  // namespace davit::test

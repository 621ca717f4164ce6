// SPDX-License-Identifier: Apache-2.0
// The loader from end to end, on a real file: tests/abi/plain_c built as a vendor would build it.
#include "core/plugin/catalog.hpp"
#include "core/plugin/storage.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

namespace davit::plugin {
namespace {

std::string failure(const auto& result) { return result ? "(no error)" : result.error().what; }

class CatalogTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "davit-catalog-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
        std::filesystem::create_directory(root_ / "drivers");
    }
    void TearDown() override { std::filesystem::remove_all(root_); }

    // A folder with a copy of the plain C driver under another name.
    std::filesystem::path install(const std::string& file = "plain-c.so") {
        const auto path = root_ / "drivers" / file;
        std::filesystem::copy_file(DAVIT_TEST_DRIVERS "/plain-c.so", path);
        return path;
    }

    CatalogSettings settings(DriverFolder::Use use = DriverFolder::Use::own) {
        CatalogSettings made;
        made.folders = {{(root_ / "drivers").string(), use}};
        made.scope = "0123abcd";
        made.host.name = "test";
        made.host.log = [this](std::string_view source, std::int32_t, std::string_view line,
                               const davit_kv*, std::uint64_t) {
            const std::lock_guard guard(lock_);
            log_.push_back(std::string(source) + ": " + std::string(line));
        };
        made.open_state = [this](std::string_view kind, std::string_view instance) -> Result<Fd> {
            const auto path = root_ / kind / instance;
            std::filesystem::create_directories(path);
            return open_directory(path.string());
        };
        return made;
    }

    std::filesystem::path root_;
    std::mutex lock_;
    std::vector<std::string> log_;
};

TEST_F(CatalogTest, opens_an_instance_of_each_own_driver_at_first_use) {
    install();
    auto catalog = Catalog::create(settings());
    ASSERT_TRUE(catalog) << failure(catalog);
    EXPECT_TRUE((*catalog)->open_names("storage").empty());
    auto instance = (*catalog)->find("storage", "");
    ASSERT_TRUE(instance) << failure(instance);
    EXPECT_EQ((*instance)->name(), "plain-c");
    EXPECT_EQ((*catalog)->open_names("storage"), std::vector<std::string>{"plain-c"});
    EXPECT_EQ(log_, std::vector<std::string>{"storage/plain-c: opened"});
}

TEST_F(CatalogTest, closes_an_instance_when_the_last_user_lets_go) {
    install();
    auto catalog = Catalog::create(settings()).take();
    auto instance = catalog->find("storage", "").take();
    catalog.reset();
    EXPECT_EQ(log_.size(), 1u);
    instance.reset();
    ASSERT_EQ(log_.size(), 2u);
    EXPECT_EQ(log_.back(), "storage/plain-c: closed");
}

TEST_F(CatalogTest, runs_two_named_instances_of_one_driver_side_by_side) {
    install();
    auto wanted = settings();
    wanted.instances = {
        {.kind = "storage", .name = "one", .driver = "plain-c", .config = R"({"layers":1})"},
        {.kind = "storage", .name = "two", .driver = "plain-c"}};
    auto catalog = Catalog::create(std::move(wanted)).take();
    const auto one = Storage::of(catalog->find("storage", "one").take()).take();
    const auto two = Storage::of(catalog->find("storage", "two").take()).take();
    sdk::Caller call;
    EXPECT_TRUE(one.prepare(call, "a", ""));
    EXPECT_EQ(failure(one.prepare(call, "b", "")), "prepare layer: all places are taken");
    EXPECT_TRUE(two.prepare(call, "b", ""));
    EXPECT_EQ(one.list(call).take().size(), 1u);
    EXPECT_EQ(two.list(call).take().front().key, "b");
    EXPECT_TRUE(one.can_rebase());
    EXPECT_FALSE(one.has_quota());
}

TEST_F(CatalogTest, opens_an_instance_once_however_many_ask_at_the_same_time) {
    install();
    auto catalog = Catalog::create(settings()).take();
    std::vector<std::shared_ptr<Instance>> got(8);
    std::vector<std::thread> threads;
    for (auto& place : got)
        threads.emplace_back(
            [&] { place = catalog->find("storage", "plain-c").value_or(nullptr); });
    for (auto& thread : threads) thread.join();
    ASSERT_NE(got.front(), nullptr);
    for (const auto& one : got) EXPECT_EQ(one, got.front());
    EXPECT_EQ(log_.size(), 1u);
}

TEST_F(CatalogTest, names_the_nearest_driver_when_there_is_none_of_that_name) {
    install();
    auto wanted = settings();
    wanted.instances = {{.kind = "storage", .name = "fast", .driver = "plain-x"}};
    EXPECT_EQ(
        failure(Catalog::create(std::move(wanted))),
        "configure storage instance fast: find driver plain-x: no storage driver of that name in " +
            (root_ / "drivers").string() + " (did you mean \"plain-c\"?)");
}

TEST_F(CatalogTest, names_the_nearest_instance_when_there_is_none_of_that_name) {
    install();
    auto catalog = Catalog::create(settings()).take();
    const auto found = catalog->find("storage", "plane-c");
    EXPECT_EQ(failure(found),
              "find storage instance plane-c: no such instance (did you mean \"plain-c\"?)");
    EXPECT_EQ(found.error().code, Code::not_found);
    EXPECT_EQ(failure(catalog->find("network", "")),
              "find network instance: no driver of that kind is installed");
}

TEST_F(CatalogTest, refuses_a_configuration_that_the_drivers_schema_does_not_know) {
    install();
    const auto error_of = [&](std::string config) {
        auto wanted = settings();
        wanted.instances = {{.kind = "storage", .name = "plain-c", .config = std::move(config)}};
        return failure(Catalog::create(std::move(wanted)));
    };
    const std::string where = "check config of storage instance plain-c: ";
    EXPECT_EQ(error_of(R"({"layer":1})"), where + "layer: unknown key (did you mean \"layers\"?)");
    EXPECT_EQ(error_of(R"({"layers":0})"), where + "layers: must be at least 1");
    EXPECT_EQ(error_of(R"({"layers":"2"})"), where + "layers: expected an integer, found a string");
    EXPECT_EQ(error_of(R"({"mood":"clam"})"),
              where +
                  "mood: \"clam\" is not one of \"calm\", \"refuse\", \"silent\" (did you mean "
                  "\"calm\"?)");
}

TEST_F(CatalogTest, fills_in_defaults_and_settings_for_all_before_a_driver_sees_its_config) {
    install();
    auto wanted = settings();
    wanted.shared["storage"] = R"({"layers":3})";
    wanted.instances = {
        {.kind = "storage", .name = "own", .driver = "plain-c", .config = R"({"layers":2})"}};
    auto catalog = Catalog::create(std::move(wanted)).take();
    const auto seen = catalog->inspect("plain-c").take();
    const auto& instances = seen.at("Instances").as_array();
    EXPECT_EQ(boost::json::serialize(instances[0].at("Config")), R"({"layers":2,"mood":"calm"})");
    EXPECT_EQ(boost::json::serialize(instances[1].at("Config")), R"({"layers":3,"mood":"calm"})");
}

TEST_F(CatalogTest, refuses_a_setting_for_all_that_a_driver_does_not_know) {
    install();
    auto wanted = settings();
    wanted.shared["storage"] = R"({"mirrors":{}})";
    wanted.instances = {{.kind = "storage", .name = "plain-c"}};
    EXPECT_EQ(failure(Catalog::create(std::move(wanted))),
              "check config of storage instance plain-c: mirrors: unknown key");
}

TEST_F(CatalogTest, checks_options_by_their_topic) {
    install();
    auto catalog = Catalog::create(settings()).take();
    EXPECT_EQ(catalog->check_options("storage", "", "layer", "").take(), R"({"colour":"green"})");
    EXPECT_EQ(failure(catalog->check_options("storage", "", "layer", R"({"color":"red"})")),
              "check layer options of plain-c: color: unknown key (did you mean \"colour\"?)");
    EXPECT_EQ(failure(catalog->check_options("storage", "", "volume", R"({"x":1})")),
              "check volume options of plain-c: x: unknown key");
}

TEST_F(CatalogTest, refuses_isolation_in_a_process_and_says_what_to_choose) {
    install();
    auto wanted = settings();
    wanted.instances = {{.kind = "storage", .name = "plain-c", .isolation = "process"}};
    EXPECT_EQ(failure(Catalog::create(std::move(wanted))),
              "configure storage instance plain-c: \"isolation\": \"process\" is not built yet: "
              "\"isolation\": \"in-process\" is the choice to make");
}

TEST_F(CatalogTest, only_lists_a_driver_from_elsewhere_until_it_is_named) {
    install();
    auto catalog = Catalog::create(settings(DriverFolder::Use::listed)).take();
    EXPECT_EQ(failure(catalog->find("storage", "")),
              "find storage instance: no driver of that kind is installed");
    const auto listed = catalog->list();
    ASSERT_EQ(listed.size(), 1u);
    EXPECT_EQ(listed[0].at("State"), "listed");
    const auto seen = catalog->inspect("plain-c").take();
    EXPECT_TRUE(seen.at("Abilities").as_array().empty()) << "to probe it is to run it";

    auto named = settings(DriverFolder::Use::listed);
    named.instances = {{.kind = "storage", .name = "mine", .driver = "plain-c"}};
    EXPECT_NE(failure(Catalog::create(named)).find("\"in-process\" is the choice to make"),
              std::string::npos);
    named.instances.front().isolation = "in-process";
    catalog = Catalog::create(named).take();
    EXPECT_TRUE(catalog->find("storage", "mine"));
}

TEST_F(CatalogTest, lists_a_file_that_it_refuses_with_the_reason) {
    install();
    std::ofstream(root_ / "drivers/broken.so")
        << "not a driver at all, but as long as the header of an ELF file is";
    auto catalog = Catalog::create(settings()).take();
    const auto listed = catalog->list();
    ASSERT_EQ(listed.size(), 2u);
    EXPECT_EQ(listed[0].at("Name"), "broken");
    EXPECT_EQ(listed[0].at("State"), "refused");
    EXPECT_NE(std::string(listed[0].at("Reason").as_string()).find("not an ELF file"),
              std::string::npos);
    auto wanted = settings();
    wanted.instances = {{.kind = "storage", .name = "broken"}};
    EXPECT_NE(
        failure(Catalog::create(std::move(wanted))).find("read ELF file: it is not an ELF file"),
        std::string::npos);
}

TEST_F(CatalogTest, the_first_file_of_a_name_hides_the_later_ones) {
    const auto first = install("a.so");
    install("b.so");
    auto catalog = Catalog::create(settings()).take();
    const auto listed = catalog->list();
    ASSERT_EQ(listed.size(), 2u);
    EXPECT_EQ(listed[0].at("State"), "closed");
    EXPECT_EQ(listed[1].at("State"), "refused");
    EXPECT_EQ(std::string(listed[1].at("Reason").as_string()),
              "hidden by " + std::filesystem::canonical(first).string() + ", which comes first");
}

TEST_F(CatalogTest, passes_on_why_a_driver_does_not_open_and_tries_again_next_time) {
    install();
    auto wanted = settings();
    wanted.instances = {
        {.kind = "storage", .name = "no", .driver = "plain-c", .config = R"({"mood":"refuse"})"},
        {.kind = "storage", .name = "mute", .driver = "plain-c", .config = R"({"mood":"silent"})"}};
    auto catalog = Catalog::create(std::move(wanted)).take();
    const auto refused = catalog->find("storage", "no");
    EXPECT_EQ(failure(refused), "open storage instance no: open plain-c: not in the mood");
    EXPECT_EQ(refused.error().code, Code::unsupported);
    EXPECT_EQ(failure(catalog->find("storage", "mute")),
              "open storage instance mute: call driver: busy, and it gave no reason");
    EXPECT_FALSE(catalog->find("storage", "no"));
}

TEST_F(CatalogTest, refuses_a_default_that_is_no_instance) {
    install();
    auto wanted = settings();
    wanted.defaults["storage"] = "plain";
    EXPECT_EQ(failure(Catalog::create(std::move(wanted))),
              "configure storage: default \"plain\" is no instance (did you mean \"plain-c\"?)");
}

TEST_F(CatalogTest, probes_to_choose_among_several_and_says_what_is_there) {
    install();
    auto wanted = settings();
    wanted.instances = {{.kind = "storage", .name = "another", .driver = "plain-c"}};
    auto catalog = Catalog::create(std::move(wanted)).take();
    EXPECT_EQ(catalog->default_name("storage").take(), "another")
        << "equal ranks: the first by name";
    const auto probed = catalog->probe("storage", "").take();
    EXPECT_TRUE(probed.works);
    ASSERT_EQ(probed.abilities.size(), 2u);
    EXPECT_EQ(probed.abilities[1].name, "davit.storage.quota/1");
    EXPECT_FALSE(probed.abilities[1].available);
    EXPECT_EQ(probed.abilities[1].reason, "no: there is nothing to count");
    EXPECT_TRUE(log_.empty()) << "probing opens nothing";
}

TEST_F(CatalogTest, keeps_to_the_instance_that_was_chosen_before) {
    install();
    auto wanted = settings();
    wanted.instances = {{.kind = "storage", .name = "another", .driver = "plain-c"}};
    std::string kept;
    wanted.remembered = [&](std::string_view) { return kept; };
    wanted.remember = [&](std::string_view kind, const std::string& instance) -> Result<void> {
        kept = std::string(kind) + " " + instance;
        return {};
    };
    const auto again = wanted;
    EXPECT_EQ(Catalog::create(std::move(wanted)).take()->default_name("storage").take(), "another");
    EXPECT_EQ(kept, "storage another");
    kept = "plain-c";
    const auto choice = Catalog::create(again).take()->default_choice("storage").take();
    EXPECT_EQ(choice.instance, "plain-c");
    EXPECT_EQ(choice.reason, "chosen when it was first needed");
}

TEST_F(CatalogTest, chooses_an_instance_that_has_been_used_before_the_others) {
    install();
    auto wanted = settings();
    wanted.instances = {{.kind = "storage", .name = "another", .driver = "plain-c"}};
    wanted.has_state = [](std::string_view, std::string_view name) { return name == "plain-c"; };
    EXPECT_EQ(Catalog::create(std::move(wanted)).take()->default_name("storage").take(), "plain-c");
}

TEST_F(CatalogTest, inspects_a_driver_by_its_name_or_by_an_instances) {
    install();
    auto wanted = settings();
    wanted.instances = {{.kind = "storage", .name = "mine", .driver = "plain-c"}};
    auto catalog = Catalog::create(std::move(wanted)).take();
    const auto seen = catalog->inspect("storage/mine").take();
    EXPECT_EQ(seen.at("Name"), "plain-c");
    EXPECT_EQ(seen.at("Sha256").as_string().size(), 64u);
    EXPECT_EQ(seen.at("Works"), true);
    EXPECT_EQ(seen.at("Abilities").as_array().size(), 2u);
    EXPECT_TRUE(seen.at("ConfigSchema").as_object().contains("properties"));
    EXPECT_EQ(failure(catalog->inspect("plain-d")),
              "inspect driver plain-d: no such driver or instance (did you mean \"plain-c\"?)");
}

TEST_F(CatalogTest, loads_only_the_pinned_file) {
    install();
    auto wanted = settings();
    wanted.instances = {{.kind = "storage", .name = "plain-c", .sha256 = std::string(64, 'a')}};
    auto catalog = Catalog::create(std::move(wanted)).take();
    const auto found = catalog->find("storage", "plain-c");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::denied);
}

}  // namespace
}  // namespace davit::plugin

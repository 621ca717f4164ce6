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
#include <mutex>

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

}  // namespace
}  // namespace davit::plugin

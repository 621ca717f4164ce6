// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/core/image/pull_fixture.hpp"

#include "core/store/migration.hpp"
#include "davit/storage.h"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <csignal>
#include <filesystem>
#include <set>

namespace davit::test {

namespace fs = std::filesystem;

void PullTest::SetUp() {
    std::signal(SIGPIPE, SIG_IGN);  // as davitd does
    char name[] = "/var/tmp/davit-pull-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    home_ = name;
    registry_ = std::make_shared<UnrulyRegistry::Shared>();
    plugin::CatalogSettings settings;
    settings.folders = {{DAVIT_DRIVER_DIRECTORY, plugin::DriverFolder::Use::own},
                        {DAVIT_EXAMPLE_DIRECTORY, plugin::DriverFolder::Use::own}};
    settings.scope = "0123abcd";
    settings.host.name = "test";
    settings.open_state = [this](std::string_view kind, std::string_view instance) -> Result<Fd> {
        const std::string path = home_ + "/" + std::string(kind) + "/" + std::string(instance);
        fs::create_directories(path);
        return open_directory(path);
    };
    auto catalog = plugin::Catalog::create(std::move(settings));
    ASSERT_TRUE(catalog) << catalog.error().what;
    catalog_ = std::move(*catalog);
    auto database = store::Database::open(home_ + "/graph.db");
    ASSERT_TRUE(database) << database.error().what;
    database_ = std::move(*database);
    ASSERT_TRUE(store::migrate(*database_));
    SetUpStore();
}

void PullTest::SetUpStore() {
    Fd root = open_directory(home_).take();
    auto content = image::ContentStore::open(root.get());
    ASSERT_TRUE(content) << content.error().what;
    store_ = std::make_unique<image::ImageStore>(
        *database_, std::move(*content), image::ArchiveLogs::open(root.get()).take(),
        [this](const std::string& instance) -> Result<plugin::Storage> {
            return plugin::Storage::of(TRY(catalog_->find("storage", instance)));
        });
}

void PullTest::TearDown() {
    store_.reset();
    database_.reset();
    catalog_.reset();
    fs::remove_all(home_);
}

void PullTest::offer(const TestImage& image, const std::string& name) {
    const std::lock_guard lock(registry_->mutex);
    registry_->tags[name] = {image.manifest_type, image.manifest};
    registry_->blobs.insert(image.blobs.begin(), image.blobs.end());
}

plugin::Storage PullTest::storage(const std::string& name) {
    auto instance = catalog_->find("storage", name);
    EXPECT_TRUE(instance) << instance.error().what;
    return plugin::Storage::of(*instance).take();
}

image::PullRequest PullTest::request(const std::string& reference, const std::string& name) {
    return {.reference = image::Reference::parse(reference).take(),
            .registry = UnrulyRegistry::open(registry_),
            .storage = storage(name),
            .unpacker = DAVIT_UNPACK_PROGRAM,
            .cancel = Cancel::create().take(),
            .progress = [this](const image::PullProgress& progress) { told_.push_back(progress); }};
}

Result<image::PullResult> PullTest::pull(const std::string& reference, const std::string& name) {
    told_.clear();
    return image::pull(*store_, request(reference, name));
}

image::PullResult PullTest::pulled(const std::string& reference, const std::string& name) {
    auto result = pull(reference, name);
    EXPECT_TRUE(result) << result.error().what;
    if (!result) return {"", Digest::of(""), false};
    return *result;
}

void PullTest::refuse(const std::string& complaint, const std::string& reference) {
    const auto result = pull(reference);
    ASSERT_FALSE(result) << "it was accepted";
    EXPECT_NE(result.error().what.find(complaint), std::string::npos) << result.error().what;
    expect_nothing_left();
}

void PullTest::expect_nothing_left(const std::string& name) {
    sdk::Caller call;
    const auto layers = storage(name).list(call);
    ASSERT_TRUE(layers) << layers.error().what;
    for (const auto& layer : *layers) ADD_FAILURE() << "left in storage: " << layer.key;
    for (const char* table : {"images", "layers", "layer_instances", "layer_blobs", "image_layers",
                              "manifests", "image_names", "image_digests"})
        EXPECT_EQ(count(table), 0) << table;
    EXPECT_TRUE(fs::is_empty(home_ + "/content/sha256"));
}

std::int64_t PullTest::count(const char* table) {
    std::int64_t rows = -1;
    const std::string sql = std::string("SELECT count(*) FROM ") + table;
    EXPECT_TRUE(database_->session().each(sql.c_str(),
                                          [&](const store::Row& row) { rows = row.integer(0); }));
    return rows;
}

std::int64_t PullTest::unsynced() {
    std::int64_t rows = -1;
    EXPECT_TRUE(database_->session().each("SELECT count(*) FROM layer_instances WHERE synced = 0",
                                          [&](const store::Row& row) { rows = row.integer(0); }));
    return rows;
}

Fd PullTest::root_of(const std::string& id, const std::string& name) {
    const auto key = store_->top_layer(id, name);
    EXPECT_TRUE(key) << key.error().what;
    sdk::Caller call;
    auto mount = storage(name).mount(call, *key, DAVIT_STORAGE_READ_ONLY);
    EXPECT_TRUE(mount) << mount.error().what;
    return std::move(*mount);
}

std::string PullTest::read(const std::string& id, const std::string& file,
                           const std::string& name) {
    const Fd root = root_of(id, name);
    const auto opened = open_in_root(root.get(), file, O_RDONLY);
    if (!opened) return "(" + opened.error().what + ")";
    return read_all(opened->get(), 1 << 20).value_or("(unreadable)");
}

bool PullTest::exists(const std::string& id, const std::string& file, const std::string& name) {
    const Fd root = root_of(id, name);
    return open_in_root(root.get(), file, O_PATH | O_NOFOLLOW).has_value();
}

std::vector<std::string> PullTest::statuses() const {
    std::vector<std::string> found;
    for (const auto& told : told_)
        found.push_back(told.id.empty() ? told.status : told.id + ": " + told.status);
    return found;
}

}  // namespace davit::test

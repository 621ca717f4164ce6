// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/storage_bench.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>

namespace davit::sdk::contract {
namespace {

davit_storage_key key_request(const std::string& key) {
    auto request = sized<davit_storage_key>();
    request.key = str(key);
    return request;
}

// Mounts of other programs shall not be mistaken for the driver's: from here on this process sees
// its own.
void enter_own_mount_namespace() {
    static const bool entered = [] {
        return ::unshare(CLONE_NEWNS) == 0 &&
               ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    }();
    ASSERT_TRUE(entered) << "a mount namespace of its own is needed: run as root";
}

}  // namespace

// --- Store
// -----------------------------------------------------------------------------------------

Result<std::unique_ptr<Store>> Store::open(const StorageSubject& subject, int state_directory) {
    const davit_driver* driver = subject.driver();
    if (driver == nullptr) return fail(Code::not_found, "load ", subject.name, ": no driver");
    std::unique_ptr<Store> store(new Store);
    store->config_ = subject.config;
    store->host_ = plain_host();
    auto request = sized<davit_open>();
    request.state_fd = state_directory;
    request.host = store->host_.get();
    request.instance = str(store->name_);
    request.config = str(store->config_);
    request.scope = str(store->scope_);
    auto opened = sized<davit_opened>();
    Caller caller;
    caller.begin(nullptr);
    TRY(caller.finish(driver->open(caller.raw(), &request, &opened)));
    store->instance_ = opened.instance;
    store->table_ = static_cast<const davit_storage*>(
        opened.instance->get(opened.instance, str(DAVIT_STORAGE)));
    if (store->table_ == nullptr)
        return fail(Code::unsupported, "get ", DAVIT_STORAGE, ": not offered");
    return store;
}

Store::~Store() {
    if (instance_ == nullptr) return;
    const Caller caller;
    instance_->close(instance_, caller.raw());
}

bool Store::offers(const char* ability) const {
    return instance_->get(instance_, davit_str{ability, std::strlen(ability)}) != nullptr;
}

Result<davit_storage_prepared> Store::prepare(const std::string& key,
                                              const std::string& parent) const {
    auto request = sized<davit_storage_prepare>();
    request.key = str(key);
    request.parent = str(parent);
    return Caller().ask(table_->prepare, instance_, request);
}

Result<Fd> Store::mount(const std::string& key, std::uint32_t flags) const {
    auto request = sized<davit_storage_mount>();
    request.key = str(key);
    request.flags = flags;
    const davit_storage_mounted mounted = TRY(Caller().ask(table_->mount, instance_, request));
    return Fd(mounted.mount_fd);
}

Result<void> Store::release(const std::string& key) const {
    return Caller().tell(table_->release, instance_, key_request(key));
}

Result<davit_storage_committed> Store::commit(const std::string& key, const std::string& name,
                                              const std::string& parent) const {
    auto request = sized<davit_storage_commit>();
    request.key = str(key);
    request.name = str(name);
    request.parent = str(parent);
    return Caller().ask(table_->commit, instance_, request);
}

Result<void> Store::remove(const std::string& key) const {
    return Caller().tell(table_->remove, instance_, key_request(key));
}

Result<LayerState> Store::stat(const std::string& key) const {
    std::vector<LayerState> found;
    TRY(Caller().list<davit_storage_layer>(table_->stat, instance_, key_request(key),
                                           [&](const davit_storage_layer& layer) {
                                               found.push_back({layer.state, text(layer.parent)});
                                           }));
    if (found.size() != 1)
        return fail(Code::internal, "stat: ", std::to_string(found.size()), " records");
    return found.front();
}

Result<Layers> Store::list() const {
    Layers layers;
    TRY(Caller().list<davit_storage_layer>(
        table_->list, instance_, [&](const davit_storage_layer& layer) {
            layers[text(layer.key)] = {layer.state, text(layer.parent)};
        }));
    return layers;
}

Result<davit_storage_space> Store::usage(const std::string& key,
                                         std::shared_ptr<const Cancel> cancel) const {
    return Caller(std::move(cancel)).ask(table_->usage, instance_, key_request(key));
}

Result<void> Store::sync() const { return Caller().run(table_->sync, instance_); }

Result<std::vector<Finding>> Store::retain(const std::set<std::string>& keys) const {
    std::vector<davit_str> borrowed;
    for (const std::string& key : keys) borrowed.push_back(str(key));
    auto request = sized<davit_storage_retain>();
    request.keys = borrowed.data();
    request.key_count = borrowed.size();
    std::vector<Finding> findings;
    TRY(Caller().list<davit_storage_finding>(
        table_->retain, instance_, request, [&](const davit_storage_finding& finding) {
            findings.push_back({text(finding.key), text(finding.text), finding.repaired != 0});
        }));
    return findings;
}

Result<std::vector<Finding>> Store::check(const std::string& key, bool repair) const {
    auto request = sized<davit_storage_check>();
    request.key = str(key);
    request.repair = repair ? 1 : 0;
    std::vector<Finding> findings;
    TRY(Caller().list<davit_storage_finding>(
        table_->check, instance_, request, [&](const davit_storage_finding& finding) {
            findings.push_back({text(finding.key), text(finding.text), finding.repaired != 0});
        }));
    return findings;
}

Result<void> Store::make_layer(const std::string& name, const std::string& parent,
                               const std::map<std::string, std::string>& files) const {
    const std::string key = "making-" + name.substr(0, 64);
    TRY(prepare(key, parent));
    {
        const Fd root = TRY(mount(key));
        for (const auto& [path, content] : files) write_file(root.get(), path, content);
    }
    TRY(release(key));
    TRY(commit(key, name));
    return {};
}

// --- StorageBench
// ----------------------------------------------------------------------------------

StorageBench::StorageBench(const StorageSubject& subject) : subject_(subject) {}

void StorageBench::set_up() {
    ASSERT_NO_FATAL_FAILURE(enter_own_mount_namespace());
    const char* temporary = std::getenv("TMPDIR");
    const std::string parent = subject_.directory     ? subject_.directory()
                               : temporary == nullptr ? "/tmp"
                                                      : temporary;
    ASSERT_FALSE(parent.empty()) << "no place to work in";
    std::string path = parent + "/davit-storage-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr) << errno_text(errno);
    path_ = path;
    Result<Fd> directory = open_directory(path_, O_RDONLY);
    ASSERT_TRUE(succeeds(directory));
    directory_ = std::move(*directory);
    Result<std::unique_ptr<Store>> store = Store::open(subject_, directory_.get());
    ASSERT_TRUE(succeeds(store)) << "an empty directory must be enough to open an instance";
    store_ = std::move(*store);
}

StorageBench::~StorageBench() {
    store_.reset();
    if (path_.empty()) return;
    const std::size_t slash = path_.rfind('/');
    const Result<Fd> parent = open_directory(path_.substr(0, slash), O_RDONLY);
    if (parent) (void)remove_tree(parent->get(), path_.substr(slash + 1));
}

Result<void> StorageBench::reopen() {
    store_.reset();
    store_ = TRY(Store::open(subject_, directory_.get()));
    return {};
}

std::size_t StorageBench::inodes() const {
    std::size_t count = 0;
    const auto one_more = [&](const struct stat&) -> Result<void> {
        ++count;
        return {};
    };
    EXPECT_TRUE(succeeds(visit_tree(directory_.get(), one_more)));
    return count;
}

// --- words
// -----------------------------------------------------------------------------------------

void write_file(int root, const std::string& path, const std::string& content) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        const std::string parent = path.substr(0, slash);
        const bool made = ::mkdirat(root, parent.c_str(), 0755) == 0;
        ASSERT_TRUE(made || errno == EEXIST) << parent << ": " << errno_text(errno);
    }
    const Result<Fd> file = open_beneath(root, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ASSERT_TRUE(succeeds(file)) << path;
    ASSERT_TRUE(succeeds(write_all(file->get(), content))) << path;
}

std::string content_of(int root, const std::string& path) {
    constexpr std::size_t kLimit = 1 << 20;
    const Result<std::string> content = read_file(root, path, kLimit);
    EXPECT_TRUE(succeeds(content)) << path;
    return content ? *content : std::string();
}

bool exists(int root, const std::string& path) {
    struct stat status {};
    return ::fstatat(root, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

std::set<std::string> names_in(int root, const std::string& path) {
    const Result<Fd> directory = open_beneath(root, path, O_RDONLY | O_DIRECTORY);
    EXPECT_TRUE(succeeds(directory)) << path;
    if (!directory) return {};
    const Result<std::vector<std::string>> names = list_names(directory->get());
    EXPECT_TRUE(succeeds(names)) << path;
    if (!names) return {};
    return {names->begin(), names->end()};
}

}  // namespace davit::sdk::contract

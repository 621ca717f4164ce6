// SPDX-License-Identifier: Apache-2.0
// What the storage cases share: an instance on a directory of its own, and calls that read as
// words. Private to the suite. One thread, unless a method says otherwise.
#pragma once

#include "davit/storage.h"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/contract/expectation.hpp"
#include "sdk/contract/storage_contract.hpp"
#include "sdk/plugin/caller.hpp"

#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace davit::sdk::contract {

struct LayerState {
    std::uint32_t state = 0;
    std::string parent;
    bool operator==(const LayerState&) const = default;
};
using Layers = std::map<std::string, LayerState>;

struct Finding {
    std::string key;
    std::string text;
    bool repaired = false;
};

// An opened instance. Its calls may come from several threads: each makes a Caller of its own.
class Store {
public:
    static Result<std::unique_ptr<Store>> open(const StorageSubject& subject, int state_directory);
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store();  // closes the instance

    const davit_storage& table() const { return *table_; }
    davit_instance* instance() const { return instance_; }
    bool offers(const char* ability) const;

    Result<davit_storage_prepared> prepare(const std::string& key,
                                           const std::string& parent = "") const;
    Result<Fd> mount(const std::string& key, std::uint32_t flags = 0) const;
    Result<void> release(const std::string& key) const;
    Result<davit_storage_committed> commit(const std::string& key, const std::string& name,
                                           const std::string& parent = "") const;
    Result<void> remove(const std::string& key) const;
    Result<LayerState> stat(const std::string& key) const;
    Result<Layers> list() const;
    Result<davit_storage_space> usage(const std::string& key,
                                      std::shared_ptr<const Cancel> cancel = nullptr) const;
    Result<void> sync() const;
    Result<std::vector<Finding>> retain(const std::set<std::string>& keys) const;
    Result<std::vector<Finding>> check(const std::string& key, bool repair = false) const;

    // prepare, write each file with its content, commit as `name`.
    Result<void> make_layer(const std::string& name, const std::string& parent,
                            const std::map<std::string, std::string>& files) const;

private:
    Store() = default;
    std::string name_ = "contract", config_, scope_ = "c0ffee00";
    std::unique_ptr<davit_host> host_;
    davit_instance* instance_ = nullptr;
    const davit_storage* table_ = nullptr;
};

// One case: a fresh directory, a fresh instance in it, a mount namespace of its own.
class StorageBench {
public:
    explicit StorageBench(const StorageSubject& subject);
    ~StorageBench();

    void set_up();  // ends the case with a failure when the driver cannot be opened
    Store& store() { return *store_; }
    Result<void> reopen();  // closes the instance and opens it again in the same directory
    void close() { store_.reset(); }
    Result<std::unique_ptr<Store>> open_second(int directory) const {
        return Store::open(subject_, directory);
    }

    const StorageSubject& subject() const { return subject_; }
    int directory() const { return directory_.get(); }
    std::size_t inodes() const;  // below the state directory, whatever the driver keeps there

private:
    const StorageSubject& subject_;
    std::string path_;
    Fd directory_;
    std::unique_ptr<Store> store_;
};

struct StorageCase {
    const char* name;
    void (*body)(StorageBench& bench);
};
std::vector<StorageCase> storage_life_cases();
std::vector<StorageCase> storage_content_cases();
std::vector<StorageCase> storage_call_cases();
std::vector<StorageCase> storage_crash_cases();

// --- words for files inside a mounted layer
// ---------------------------------------------------------
void write_file(int root, const std::string& path, const std::string& content);
std::string content_of(int root, const std::string& path);  // "" and a failure when it is not there
bool exists(int root, const std::string& path);
std::set<std::string> names_in(int root, const std::string& path = ".");

}  // namespace davit::sdk::contract

// SPDX-License-Identifier: Apache-2.0
// The storage driver to copy: a layer is a directory with all of its files, those of its parent
// included. Slow and trivially right. What every method promises is written in davit/storage.h.
//
// On disk: prepared/<key> and committed/<key>, each with files/ and a link parent -> <key of the
// parent, or ->; staging/ holds what is being made or removed. A layer changes its state by one
// rename(2): a crash costs nothing.
#include "sdk/base/file.hpp"
#include "sdk/base/mount.hpp"
#include "sdk/plugin/storage_driver.hpp"
#include "sdk/plugin/storage_layer.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <mutex>
#include <set>

namespace davit::plain_dir {

using namespace davit::sdk;

struct Layer {
    std::string key;
    std::string parent;
    bool committed;
    std::string path() const { return (committed ? "committed/" : "prepared/") + key; }
};

class PlainDirDriver final : public StorageDriver {
public:
    explicit PlainDirDriver(Fd root) : root_(std::move(root)) {}

    static Result<std::unique_ptr<PlainDirDriver>> open(const Call&, const davit_open& request) {
        Fd root = TRY(open_beneath(request.state_fd, ".", O_RDONLY | O_DIRECTORY));
        TRY(remove_tree(root.get(), "staging"));  // what a crash left half made or half removed
        for (const char* name : {"staging", "prepared", "committed"})
            TRY(make_directory(root.get(), name));
        return std::make_unique<PlainDirDriver>(std::move(root));
    }

    Result<davit_storage_prepared> prepare(const Call&,
                                           const davit_storage_prepare& request) override {
        const std::lock_guard lock(mutex_);
        const std::string key = text(request.key), parent = text(request.parent);
        if (request.limit_bytes != 0 || request.limit_files != 0)
            return fail(Code::unsupported, "prepare ", key, ": limits cannot be enforced");
        TRY(require_storage_key(key));
        const Result<Layer> there = find(key);
        if (there && (there->committed || there->parent != parent))
            return fail(Code::exists, "prepare ", key, ": it is there already");
        if (!there) TRY(make(key, parent).context("prepare ", key));
        auto out = sized<davit_storage_prepared>();
        out.existed = there ? 1 : 0;
        out.view = DAVIT_STORAGE_MERGED;  // the parent's files are copied: to delete one, remove it
        return out;
    }

    Result<davit_storage_mounted> mount(const Call&, const davit_storage_mount& request) override {
        if ((request.flags & ~(DAVIT_STORAGE_READ_ONLY | DAVIT_STORAGE_VOLATILE)) != 0 ||
            request.idmap_count != 0)
            return fail(Code::unsupported, "mount: unknown flags and id maps are not offered");
        const Layer layer = TRY(find(text(request.key)));
        const Fd files = TRY(open_beneath(root_.get(), layer.path() + "/files", O_PATH));
        DetachedMount view = TRY(DetachedMount::clone(files.get()));
        if (layer.committed || (request.flags & DAVIT_STORAGE_READ_ONLY) != 0)
            TRY(view.set_attributes(MOUNT_ATTR_RDONLY));
        auto out = sized<davit_storage_mounted>();
        out.mount_fd = view.release().release();
        return out;
    }

    Result<void> release(const Call&, const davit_storage_key&) override { return {}; }

    Result<davit_storage_committed> commit(const Call&,
                                           const davit_storage_commit& request) override {
        const std::lock_guard lock(mutex_);
        const std::string key = text(request.key), name = text(request.name);
        TRY(require_storage_key(name));
        const Result<Layer> source = find(key), target = find(name);
        auto out = sized<davit_storage_committed>();
        out.existed = target && target->committed ? 1 : 0;
        if (out.existed != 0 && source && !source->committed) TRY(destroy(*source));
        if (out.existed != 0) return out;
        if (!source) return source.error();
        if (source->committed) return fail(Code::not_found, "commit ", key, ": it is committed");
        if (target && name != key) return fail(Code::exists, "commit ", key, ": ", name, " exists");
        if (request.parent.length != 0) return fail(Code::invalid, "commit: a parent is named");
        TRY(move(source->path(), "committed/" + name));
        return out;
    }

    Result<void> remove(const Call&, const davit_storage_key& request) override {
        const std::lock_guard lock(mutex_);
        const Result<Layer> layer = find(text(request.key));
        if (!layer) return {};
        if (TRY(has_children(layer->key)))
            return fail(Code::busy, "remove ", layer->key, ": other layers lie on it");
        return destroy(*layer);
    }

    Result<void> stat(const Call& call, const davit_storage_key& request) override {
        return emit(call, TRY(find(text(request.key))));
    }

    Result<void> list(const Call& call) override {
        const std::lock_guard lock(mutex_);
        for (const Layer& layer : TRY(layers())) TRY(emit(call, layer));
        return {};
    }

    Result<davit_storage_space> usage(const Call& call, const davit_storage_key& request) override {
        const Layer layer = TRY(find(text(request.key)));
        const Fd files = TRY(open_beneath(root_.get(), layer.path() + "/files", O_RDONLY));
        return measure_layer(call, files.get());
    }

    Result<void> sync(const Call&) override {
        if (::syncfs(root_.get()) != 0) return os_error("sync layers");
        return {};
    }

    Result<void> retain(const Call& call, const davit_storage_retain& request) override {
        const std::lock_guard lock(mutex_);
        std::set<std::string> living;
        for (std::uint64_t i = 0; i < request.key_count; ++i) living.insert(text(request.keys[i]));
        for (bool again = true; std::exchange(again, false);) {  // children first
            for (const Layer& layer : TRY(layers())) {
                if (living.contains(layer.key) || TRY(has_children(layer.key))) continue;
                TRY(destroy(layer));
                TRY(emit_finding(call, layer.key, "not in use, removed", true));
                again = true;
            }
        }
        return {};
    }

    Result<void> check(const Call& call, const davit_storage_check& request) override {
        const std::lock_guard lock(mutex_);
        const std::string key = text(request.key);
        if (!key.empty()) TRY(find(key));
        for (const Layer& layer : TRY(layers())) {
            if (!key.empty() && layer.key != key) continue;
            if (open_beneath(root_.get(), layer.path() + "/files", O_PATH)) continue;
            TRY(emit_finding(call, layer.key, "its files are missing", false));
            if (request.repair != 0) return fail(Code::corrupt, "check: files are lost");
        }
        return {};
    }

private:
    Result<Layer> find(const std::string& key) const {
        for (Layer layer : {Layer{key, "", true}, Layer{key, "", false}}) {
            const Result<std::string> parent = read_link(root_.get(), layer.path() + "/parent");
            if (parent) layer.parent = *parent == "-" ? "" : *parent;
            if (parent) return layer;
        }
        return fail(Code::not_found, "find layer ", key, ": no such layer");
    }

    Result<std::vector<Layer>> layers() const {
        std::vector<Layer> all;
        for (const char* folder : {"committed", "prepared"}) {
            const Fd directory = TRY(open_beneath(root_.get(), folder, O_RDONLY));
            for (const auto& key : TRY(list_names(directory.get()))) all.push_back(TRY(find(key)));
        }
        return all;
    }

    Result<bool> has_children(const std::string& key) const {
        for (const Layer& layer : TRY(layers()))
            if (layer.parent == key) return true;
        return false;
    }

    // Made aside and moved into place whole.
    Result<void> make(const std::string& key, const std::string& parent) {
        const Result<Layer> below = find(parent);
        if (!parent.empty() && (!below || !below->committed))
            return fail(Code::not_found, "find parent ", parent, ": no such committed layer");
        const std::string staged = "staging/" + key;
        TRY(remove_tree(root_.get(), staged));
        TRY(make_directory(root_.get(), staged));
        TRY(make_directory(root_.get(), staged + "/files", 0755));
        if (below) TRY(copy(below->path() + "/files", staged + "/files"));
        const std::string link = staged + "/parent", target = below ? parent : "-";
        if (::symlinkat(target.c_str(), root_.get(), link.c_str()) != 0)
            return os_error("link parent");
        return move(staged, "prepared/" + key);
    }

    // cp(1) keeps owners, modes, times, links, devices and extended attributes.
    Result<void> copy(const std::string& from, const std::string& to) {
        const std::string root =
            "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(root_.get()) + "/";
        std::string words[] = {"cp", "-aT", root + from, root + to};
        char* const arguments[] = {words[0].data(), words[1].data(), words[2].data(),
                                   words[3].data(), nullptr};
        pid_t child = 0;
        int status = 0;
        const int error = ::posix_spawnp(&child, "cp", nullptr, nullptr, arguments, environ);
        if (error != 0) return os_error(error, "start cp");
        if (::waitpid(child, &status, 0) == child && status == 0) return {};
        return fail(Code::no_space, "copy files of the parent: cp could not");
    }

    Result<void> move(const std::string& from, const std::string& to) {
        if (::renameat(root_.get(), from.c_str(), root_.get(), to.c_str()) == 0) return {};
        return os_error("move to " + to);
    }

    Result<void> destroy(const Layer& layer) {
        TRY(remove_tree(root_.get(), "staging/" + layer.key));
        TRY(move(layer.path(), "staging/" + layer.key));
        return remove_tree(root_.get(), "staging/" + layer.key);
    }

    static Result<void> emit(const Call& call, const Layer& layer) {
        auto record = sized<davit_storage_layer>();
        record.state = layer.committed ? DAVIT_STORAGE_COMMITTED : DAVIT_STORAGE_PREPARED;
        record.key = str(layer.key);
        record.parent = str(layer.parent);
        return call.emit(record);
    }

    Fd root_;
    std::mutex mutex_;  // one change at a time: no parent vanishes while it is being copied
};

}  // namespace davit::plain_dir

DAVIT_DRIVER(StorageDriver, "storage", "plain-dir", davit::plain_dir::PlainDirDriver)

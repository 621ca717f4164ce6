// SPDX-License-Identifier: Apache-2.0
// The storage driver to copy: a layer is a directory with all of its files, its parent's included.
// Slow and trivially right. What every method promises is written in davit/storage.h.
// On disk: prepared/<key> and committed/<key>, each with files/ and a link parent -> <key, or "-">;
// staging/ holds what is being made or removed. One rename(2) changes a state: a crash costs
// nothing.
#include "sdk/base/file.hpp"
#include "sdk/base/mount.hpp"
#include "sdk/base/process.hpp"
#include "sdk/plugin/storage_driver.hpp"
#include "sdk/plugin/storage_layer.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>
#include <mutex>
#include <set>

namespace davit::plain_dir {
using namespace davit::sdk;
struct Layer {
    std::string key, parent;
    bool committed;
    std::string path() const { return (committed ? "committed/" : "prepared/") + key; }
};

class PlainDirDriver final : public StorageDriver {
public:
    explicit PlainDirDriver(Fd root) : root_(std::move(root)) {}

    static Result<std::unique_ptr<PlainDirDriver>> open(const Call&, const davit_open& in) {
        Fd top = TRY(open_beneath(in.state_fd, ".", O_RDONLY | O_DIRECTORY));
        TRY(remove_tree(top.get(), "staging"));  // what a crash left half made or half removed
        for (auto name : {"staging", "prepared", "committed"}) TRY(make_directory(top.get(), name));
        return std::make_unique<PlainDirDriver>(std::move(top));
    }

    Result<davit_storage_prepared> prepare(const Call&, const davit_storage_prepare& in) override {
        const std::lock_guard lock(mutex_);
        const std::string key = text(in.key), parent = text(in.parent);
        TRY(require_storage_key(key));
        if (in.limit_bytes != 0 || in.limit_files != 0)
            return fail(Code::unsupported, "prepare ", key, ": limits cannot be enforced");
        const Result<Layer> there = find(key);
        if (there && (there->committed || there->parent != parent))
            return fail(Code::exists, "prepare ", key, ": it is there already");
        if (!there) TRY(make(key, parent).context("prepare ", key));
        auto out = sized<davit_storage_prepared>();
        out.existed = there ? 1 : 0;
        out.view = DAVIT_STORAGE_MERGED;  // the parent's files are copied: to delete one, remove it
        return out;
    }

    Result<davit_storage_mounted> mount(const Call&, const davit_storage_mount& in) override {
        constexpr auto kKnown = DAVIT_STORAGE_READ_ONLY | DAVIT_STORAGE_VOLATILE;
        if ((in.flags & ~kKnown) != 0 || in.idmap_count != 0)
            return fail(Code::unsupported, "mount: unknown flags and id maps are not offered");
        const Layer layer = TRY(find(text(in.key)));
        const Fd files = TRY(open_beneath(root_.get(), layer.path() + "/files", O_PATH));
        DetachedMount view = TRY(DetachedMount::clone(files.get()));
        if (layer.committed || (in.flags & DAVIT_STORAGE_READ_ONLY) != 0)
            TRY(view.set_attributes(MOUNT_ATTR_RDONLY));
        auto out = sized<davit_storage_mounted>();
        out.mount_fd = view.release().release();
        return out;
    }

    Result<void> release(const Call&, const davit_storage_key&) override { return {}; }

    Result<davit_storage_committed> commit(const Call&, const davit_storage_commit& in) override {
        const std::lock_guard lock(mutex_);
        const std::string key = text(in.key), name = text(in.name);
        TRY(require_storage_key(name));
        const Result<Layer> source = find(key), target = find(name);
        auto out = sized<davit_storage_committed>();
        out.existed = target && target->committed ? 1 : 0;
        if (out.existed != 0 && source && !source->committed) TRY(destroy(*source));
        if (out.existed != 0) return out;
        if (!source || source->committed)
            return fail(Code::not_found, "commit ", key, ": not prepared");
        if (target && name != key) return fail(Code::exists, "commit ", key, ": ", name, " exists");
        if (in.parent.length != 0) return fail(Code::invalid, "commit: a parent is named");
        TRY(move_beneath(root_.get(), source->path(), "committed/" + name));
        return out;
    }

    Result<void> remove(const Call&, const davit_storage_key& in) override {
        const std::lock_guard lock(mutex_);
        const Result<Layer> layer = find(text(in.key));
        if (!layer) return {};
        if (TRY(has_children(layer->key)))
            return fail(Code::busy, "remove ", layer->key, ": other layers lie on it");
        return destroy(*layer);
    }

    Result<void> stat(const Call& call, const davit_storage_key& in) override {
        const Layer layer = TRY(find(text(in.key)));
        return emit_layer(call, layer.key, layer.parent, layer.committed);
    }

    Result<void> list(const Call& call) override {
        const std::lock_guard lock(mutex_);
        for (const Layer& it : TRY(layers()))
            TRY(emit_layer(call, it.key, it.parent, it.committed));
        return {};
    }

    Result<davit_storage_space> usage(const Call& call, const davit_storage_key& in) override {
        const Layer layer = TRY(find(text(in.key)));
        const Fd files = TRY(open_beneath(root_.get(), layer.path() + "/files", O_RDONLY));
        return measure_layer(call, files.get());
    }

    Result<void> sync(const Call&) override {
        if (::syncfs(root_.get()) != 0) return os_error("sync layers");
        return {};
    }

    Result<void> retain(const Call& call, const davit_storage_retain& in) override {
        const std::lock_guard lock(mutex_);
        std::set<std::string> living;
        for (std::uint64_t i = 0; i < in.key_count; ++i) living.insert(text(in.keys[i]));
        for (bool again = true; std::exchange(again, false);)  // children first
            for (const Layer& layer : TRY(layers())) {
                if (living.contains(layer.key) || TRY(has_children(layer.key))) continue;
                TRY(destroy(layer));
                TRY(emit_finding(call, layer.key, "not in use, removed", true));
                again = true;
            }
        return {};
    }

    Result<void> check(const Call& call, const davit_storage_check& in) override {
        const std::lock_guard lock(mutex_);
        const std::string key = text(in.key);
        for (const Layer& layer : key.empty() ? TRY(layers()) : std::vector{TRY(find(key))}) {
            if (open_beneath(root_.get(), layer.path() + "/files", O_PATH)) continue;
            TRY(emit_finding(call, layer.key, "its files are missing", false));
            if (in.repair != 0) return fail(Code::corrupt, "check: files are lost");
        }
        return {};
    }

private:
    Result<Layer> find(const std::string& key) const {
        for (const bool committed : {true, false}) {
            const std::string link = Layer{key, "", committed}.path() + "/parent";
            const Result<std::string> parent = read_link(root_.get(), link);
            if (parent) return Layer{key, *parent == "-" ? "" : *parent, committed};
        }
        return fail(Code::not_found, "find layer ", key, ": no such layer");
    }

    Result<std::vector<Layer>> layers() const {
        std::vector<Layer> all;
        for (const char* state : {"committed", "prepared"}) {
            const Fd folder = TRY(open_beneath(root_.get(), state, O_RDONLY));
            for (const auto& key : TRY(list_names(folder.get()))) all.push_back(TRY(find(key)));
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
        if (below) {  // cp(1) keeps owners, modes, times, links, devices, extended attributes
            const std::string top = "/proc/self/fd/3/", from = top + below->path() + "/files";
            Child cp = TRY(spawn(
                {"/bin/cp", {"cp", "-aT", from, top + staged + "/files"}, {}, {{root_.get(), 3}}}));
            if (TRY(cp.wait()).code != 0) return fail(Code::no_space, "copy files of the parent");
        }
        const std::string link = staged + "/parent", to = below ? parent : "-";
        if (::symlinkat(to.c_str(), root_.get(), link.c_str()) != 0) return os_error("link parent");
        return move_beneath(root_.get(), staged, "prepared/" + key);
    }

    Result<void> destroy(const Layer& layer) {
        TRY(remove_tree(root_.get(), "staging/" + layer.key));
        TRY(move_beneath(root_.get(), layer.path(), "staging/" + layer.key));
        return remove_tree(root_.get(), "staging/" + layer.key);
    }

    Fd root_;
    std::mutex mutex_;  // one change at a time: no parent vanishes while it is being copied
};

}  // namespace davit::plain_dir
DAVIT_DRIVER(StorageDriver, "storage", "plain-dir", davit::plain_dir::PlainDirDriver)

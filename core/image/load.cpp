// SPDX-License-Identifier: Apache-2.0
#include "core/image/load.hpp"

#include "core/image/image_layout.hpp"
#include "core/image/image_making.hpp"
#include "core/image/stop_link.hpp"

#include <sys/stat.h>
#include <mutex>

namespace davit::image {

namespace {

// The archive's files, in a layer that lives no longer than this.
class Scratch {
public:
    static Result<std::unique_ptr<Scratch>> unpack(const LoadRequest& request) {
        auto scratch = std::unique_ptr<Scratch>(new Scratch(request.storage));
        sdk::Caller call(request.cancel);
        scratch->key_ = TRY(new_layer_key());
        TRY(scratch->storage_.prepare(call, scratch->key_, ""));
        Fd mount = TRY(scratch->storage_.mount(call, scratch->key_, DAVIT_STORAGE_VOLATILE));
        const auto unpacked = TRY(unpack_layer({.program = request.unpacker,
                                                .mount = std::move(mount),
                                                .source = request.source,
                                                .cancel = request.cancel,
                                                .progress = {}})
                                      .context("read archive of images"));
        TRY(scratch->storage_.release(call, scratch->key_));
        if (unpacked.entries == 0) return fail(Code::invalid, "load images: the archive is empty");
        scratch->files_ = TRY(scratch->storage_.mount(
            call, scratch->key_, DAVIT_STORAGE_READ_ONLY | DAVIT_STORAGE_VOLATILE));
        return scratch;
    }
    // Not cancellable: it is what makes a cancelled load leave nothing.
    ~Scratch() {
        if (key_.empty()) return;
        files_.reset();
        sdk::Caller call;
        (void)storage_.release(call, key_);
        (void)storage_.remove(call, key_);  // else `retain` finds it at the next start
    }
    int files() const { return files_.get(); }

private:
    explicit Scratch(plugin::Storage storage) : storage_(std::move(storage)) {}
    plugin::Storage storage_;
    std::string key_;
    Fd files_;
};

Result<std::vector<LayerPull::Wanted>> wanted_layers(int files, const LayoutImage& image,
                                                     const ImageConfig& config) {
    if (config.diff_ids.size() != image.layers.size())
        return fail(Code::invalid, "load images: a config names ",
                    std::to_string(config.diff_ids.size()), " layers, its manifest ",
                    std::to_string(image.layers.size()));
    const auto chain = chain_ids(config.diff_ids);
    std::vector<LayerPull::Wanted> wanted;
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const LayoutLayer& layer = image.layers[i];
        if (layer.blob) {
            wanted.push_back({*layer.blob, config.diff_ids[i], chain[i]});
            continue;
        }
        const Fd file = TRY(open_layout_file(files, layer.path));
        struct stat status {};
        if (::fstat(file.get(), &status) != 0) return os_error("look at " + layer.path);
        wanted.push_back({{"", config.diff_ids[i], static_cast<std::uint64_t>(status.st_size)},
                          config.diff_ids[i],
                          chain[i],
                          false});
    }
    return wanted;
}

Result<void> load_image(ImageStore& store, const LoadRequest& request, int files,
                        const LayoutImage& layout, const std::shared_ptr<Cancel>& stop) {
    const ImageConfig config = TRY(parse_config(layout.config));
    if (config.platform.normal().os != "linux")
        return fail(Code::unsupported, "image operating system \"", config.platform.os,
                    "\" cannot be used on this platform");
    if (request.platform && match(*request.platform, config.platform) == 0)
        return fail(Code::not_found, "load images: there is none for ", request.platform->text());
    LoadedImage loaded{.id = Digest::of(layout.config).text(), .names = {}, .renamed = {}};
    for (const Reference& name : layout.names) {
        loaded.names.push_back(name.familiar());
        if (const auto before = store.resolve(name.text()); before && *before != loaded.id)
            loaded.renamed.emplace_back(name.familiar(), *before);
    }
    std::mutex telling;
    const LayerPull::Settings settings{
        .open = [&](std::size_t position) -> Result<std::unique_ptr<LayerSource>> {
            return std::make_unique<FileSource>(
                TRY(open_layout_file(files, layout.layers[position].path)));
        },
        .storage = request.storage,
        .unpacker = request.unpacker,
        .stop = stop,
        .progress =
            [&](const LayerPull::Wanted& layer, std::string_view status, std::uint64_t current) {
                if (status != "Downloading" || !request.progress) return;
                const std::lock_guard lock(telling);
                request.progress(layer.diff_id.brief(), current, layer.blob.bytes);
            }};
    NewImage image{.config = layout.config,
                   .manifest = layout.manifest,
                   .manifest_type = layout.manifest_type,
                   .names = layout.names};
    TRY(make_image(store, settings, TRY(wanted_layers(files, layout, config)), std::move(image)));
    return request.loaded(loaded);
}

}  // namespace

Result<void> load(ImageStore& store, const LoadRequest& request) {
    const auto scratch = TRY(Scratch::unpack(request));
    const auto link = TRY(StopLink::create(request.cancel));
    const auto images = TRY(read_layout(scratch->files(), request.platform));
    for (const LayoutImage& image : images)
        TRY(load_image(store, request, scratch->files(), image, link->token()));
    store.sync_later(request.storage);
    return {};
}

}  // namespace davit::image

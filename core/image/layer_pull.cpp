// SPDX-License-Identifier: Apache-2.0
#include "core/image/layer_pull.hpp"

#include "davit/storage.h"

#include <sys/random.h>
#include <algorithm>
#include <cstdio>
#include <thread>

namespace davit::image {

namespace {

// Each layer keeps two processes and two threads busy; more at once than this only compete for the
// disk.
constexpr std::size_t kDownloadsAtOnce = 3;

}  // namespace

Result<std::string> new_layer_key() {
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number) return os_error("choose a key");
    char text[24];
    std::snprintf(text, sizeof text, "new-%016llx", static_cast<unsigned long long>(number));
    return std::string(text);
}

LayerPull::LayerPull(LayerTable& table, const ArchiveLogs& logs,
                     std::function<Result<std::optional<LayerFacts>>(const Digest&)> find,
                     Settings settings, const std::vector<Wanted>& layers)
    : table_(table), logs_(logs), find_(std::move(find)), settings_(std::move(settings)) {
    for (const Wanted& wanted : layers) {
        Layer layer{.wanted = wanted};
        layers_.push_back(std::move(layer));
    }
}

Result<std::vector<LayerFacts>> LayerPull::run() {
    std::size_t missing = 0;
    for (Layer& layer : layers_) {
        const auto there = TRY(find_(layer.wanted.chain_id));
        settings_.progress(layer.wanted, there ? "Already exists" : "Pulling fs layer", 0);
        if (there) {
            layer.state = State::done;
            layer.facts = *there;
        }
        missing += there ? 0 : 1;
    }
    while (next_ < layers_.size() && layers_[next_].state == State::done) ++next_;
    const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::thread> workers;
    for (std::size_t i = 0; i < std::min(missing, std::max(cores, kDownloadsAtOnce)); ++i)
        workers.emplace_back([this] { work(); });
    for (std::thread& worker : workers) worker.join();
    if (error_) {
        for (Layer& layer : layers_) drop(layer);
        return std::move(*error_);
    }
    std::vector<LayerFacts> facts;
    for (const Layer& layer : layers_) facts.push_back(layer.facts);
    return facts;
}

// The lowest layer that can be worked on. One that needs its parent to be visible waits until that
// is committed.
std::optional<std::size_t> LayerPull::pick() const {
    for (std::size_t i = next_; i < layers_.size(); ++i) {
        const bool parent_ready = i == next_;
        const State state = layers_[i].state;
        if (state == State::waiting && (parent_ready || settings_.storage.can_rebase())) return i;
        if (state == State::wants_parent && parent_ready) return i;
    }
    return std::nullopt;
}

void LayerPull::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        std::optional<std::size_t> position;
        changed_.wait(lock,
                      [&] { return error_ || next_ == layers_.size() || (position = pick()); });
        if (error_ || next_ == layers_.size()) return;
        layers_[*position].over_parent = layers_[*position].state == State::wants_parent;
        layers_[*position].state = State::working;
        lock.unlock();
        auto made = make(*position);
        lock.lock();
        if (made) made = commit_ready();
        if (!made) give_up(std::move(made).error());
        changed_.notify_all();
    }
}

// Under the lock. The first failure is the one that is told; the others follow from it.
void LayerPull::give_up(Error error) {
    if (!error_) error_ = std::move(error);
    settings_.stop->request();
}

// Without the lock, by the one thread that put the layer to `working`.
Result<void> LayerPull::make(std::size_t position) {
    Layer& layer = layers_[position];
    if (!layer.turn) {
        layer.turn.emplace(TRY(table_.take_turn(settings_.storage.instance(), layer.wanted.chain_id,
                                                *settings_.stop)));
        if (const auto there =
                TRY(find_(layer.wanted.chain_id))) {  // another pull made it meanwhile
            layer.facts = *there;
            const std::lock_guard lock(mutex_);
            layer.turn.reset();
            layer.state = State::done;
            settings_.progress(layer.wanted, "Pull complete", 0);
            return {};
        }
    }
    const bool alone = settings_.storage.can_rebase() && !layer.over_parent;
    const std::string parent =
        alone || position == 0 ? "" : layers_[position - 1].wanted.chain_id.text();
    return prepare_and_unpack(layer, parent)
        .context("pull layer ", layer.wanted.blob.digest.text());
}

Result<void> LayerPull::prepare_and_unpack(Layer& layer, const std::string& parent) {
    sdk::Caller call(settings_.stop);
    const std::string key = TRY(new_layer_key());
    const auto prepared = TRY(settings_.storage.prepare(call, key, parent));
    layer.key = key;
    // Volatile: until the layer's row says "synced" a power loss takes it back anyway (seams rule
    // 14).
    Fd mount = TRY(settings_.storage.mount(call, key, DAVIT_STORAGE_VOLATILE));
    // Below the lowest layer there is nothing that a deletion could concern.
    const View view = prepared.bare && &layer != &layers_.front() ? View::bare : View::merged;
    const UnpackResult unpacked = TRY(stream(layer, std::move(mount), view));
    TRY(settings_.storage.release(call, key));
    if (unpacked.needs_parent) drop(layer);
    const std::lock_guard lock(mutex_);
    if (unpacked.needs_parent) {
        layer.state = State::wants_parent;
        return {};
    }
    TRY(check(layer, unpacked));
    layer.facts = {unpacked.file_bytes, unpacked.entries};
    layer.over_parent = !parent.empty();
    layer.state = State::unpacked;
    return {};
}

// The registry's reason counts more than the unpacker's, which only saw the stream end; unless it
// was the unpacker who stopped reading.
Result<UnpackResult> LayerPull::stream(Layer& layer, Fd mount, View view) {
    auto source = TRY(settings_.open(static_cast<std::size_t>(&layer - layers_.data())));
    layer.log = TRY(logs_.create());
    auto unpacked = unpack_layer({.program = settings_.unpacker,
                                  .mount = std::move(mount),
                                  .view = view,
                                  .source = source->source(),
                                  .log = layer.log.get(),
                                  .source_bytes = layer.wanted.blob.bytes,
                                  .cancel = settings_.stop,
                                  .progress = [&](std::uint64_t read) {
                                      settings_.progress(layer.wanted, "Downloading", read);
                                  }});
    const auto fetched = source->finish();
    if (unpacked && unpacked->needs_parent) return unpacked;
    if (!fetched && (unpacked || fetched.error().code != Code::invalid)) return fetched.error();
    if (unpacked) settings_.progress(layer.wanted, "Download complete", 0);
    return unpacked;
}

Result<void> LayerPull::check(const Layer& layer, const UnpackResult& unpacked) const {
    if (layer.wanted.has_blob && unpacked.blob_bytes != layer.wanted.blob.bytes)
        return fail(Code::corrupt, "verify: the registry sent ",
                    std::to_string(unpacked.blob_bytes), " bytes, its manifest names ",
                    std::to_string(layer.wanted.blob.bytes));
    if (layer.wanted.has_blob && unpacked.blob != layer.wanted.blob.digest)
        return fail(Code::corrupt, "verify: the registry sent ", unpacked.blob.text(),
                    ", its manifest names ", layer.wanted.blob.digest.text());
    if (unpacked.diff_id != layer.wanted.diff_id)
        return fail(Code::corrupt, "verify: the layer holds ", unpacked.diff_id.text(),
                    ", the image names ", layer.wanted.diff_id.text());
    return {};
}

// Under the lock.
Result<void> LayerPull::commit_ready() {
    for (; next_ < layers_.size(); ++next_) {
        if (layers_[next_].state == State::unpacked) TRY(commit(next_));
        if (layers_[next_].state != State::done) break;
    }
    return {};
}

Result<void> LayerPull::commit(std::size_t position) {
    Layer& layer = layers_[position];
    const bool rebased = position > 0 && !layer.over_parent;
    const std::string parent =
        rebased ? layers_[position - 1].wanted.chain_id.text() : std::string();
    sdk::Caller call(settings_.stop);
    TRY(logs_.keep(layer.log.get(), layer.wanted.diff_id));
    TRY(settings_.storage.commit(call, layer.key, layer.wanted.chain_id.text(), parent)
            .context("commit layer ", layer.wanted.blob.digest.brief()));
    layer.key.clear();
    layer.log.reset();
    table_.set_made(settings_.storage.instance(), layer.wanted.chain_id, layer.facts);
    layer.turn.reset();
    layer.state = State::done;
    settings_.progress(layer.wanted, "Pull complete", 0);
    return {};
}

// Not cancellable: it is what makes a cancelled pull leave nothing.
void LayerPull::drop(Layer& layer) {
    if (layer.key.empty()) return;
    sdk::Caller call;
    (void)settings_.storage.release(call, layer.key);
    (void)settings_.storage.remove(call,
                                   layer.key);  // what fails is found by `retain` at the next start
    layer.key.clear();
}

}  // namespace davit::image

// SPDX-License-Identifier: Apache-2.0
#include "core/engine/engine.hpp"

#include "core/container/log_line.hpp"
#include "core/engine/listeners.hpp"
#include "core/engine/sockets.hpp"
#include "core/plugin/executables.hpp"
#include "core/store/migration.hpp"
#include "davit/draft/service.h"

#include <boost/json.hpp>

#include <chrono>
#include <set>
#include <utility>

namespace davit::engine {

namespace {

constexpr int kLogInfo = 1, kLogWarning = 2, kLogError = 3;  // DAVIT_LOG_…

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

// A service that was started, and the sockets that it serves.
struct Engine::Service {
    std::shared_ptr<plugin::Instance> instance;
    std::vector<Listener> listeners;

    ~Service() {
        sdk::Caller call;
        const auto* table = instance->get<davit_service>(DAVIT_SERVICE);
        (void)call.run(table->stop, instance->raw());
    }
};

Engine::Engine(Config config, Log log, DataRoot roots)
    : config_(std::move(config)),
      log_(std::move(log)),
      roots_(std::move(roots)),
      started_ns_(now_ns()) {
    add_commit_operations(job_operations_, query_operations_);
    add_container_operations(job_operations_, query_operations_);
    add_disk_operations(query_operations_);
    add_exec_operations(job_operations_, query_operations_);
    add_image_operations(job_operations_, query_operations_);
    add_image_transfers(job_operations_);
    add_life_operations(job_operations_, query_operations_);
    add_network_operations(job_operations_, query_operations_);
    add_copy_operations(job_operations_, query_operations_);
    add_system_operations(job_operations_, query_operations_);
    add_volume_operations(job_operations_, query_operations_);
}

// Threads first, so that none runs into what is gone; the graph last.
Engine::~Engine() {
    services_.clear();
    if (pool_) pool_->drain();
    watcher_.reset();
    pool_.reset();
}

Result<std::unique_ptr<Engine>> Engine::open(Config config, Log log) {
    DataRoot roots = TRY(DataRoot::open(config.data_root, config.exec_root));
    std::unique_ptr<Engine> engine(new Engine(std::move(config), std::move(log), std::move(roots)));
    TRY(engine->open_parts());
    return engine;
}

Result<void> Engine::open_parts() {
    graph_ = TRY(store::Database::open(config_.data_root + "/graph.db"));
    TRY(store::migrate(*graph_));
    TRY(open_catalog());
    pool_ = std::make_unique<run::WorkerPool>(
        [this](const std::string& bug) { this->log(kLogError, "worker: " + bug); });
    watcher_ = TRY(run::Watcher::create(*pool_));
    images_ = std::make_unique<image::ImageStore>(
        *graph_, TRY(image::ContentStore::open(roots_.data())),
        TRY(image::ArchiveLogs::open(roots_.data())),
        [this](const std::string& instance) { return storage(instance); });
    networks_ = TRY(network::Networks::open(*graph_, network_settings()));
    TRY(recover_storage(TRY(roots_.enter_boot())));
    TRY(open_volumes());
    return open_containers();
}

network::NetworkSettings Engine::network_settings() {
    network::NetworkSettings settings{
        .scope = config_.scope,
        .bridge_address = config_.bip,
        .bridge_link = config_.bridge,
        .mtu = config_.mtu,
        .pools = {},
        .driver = [this](const std::string& instance) -> Result<plugin::Network> {
            return plugin::Network::of(TRY(catalog_->find("network", instance)));
        },
        .instance_of =
            [this](const std::string& wanted) { return catalog_->instance_of("network", wanted); },
        .check_options =
            [this](const std::string& instance, const char* topic, const std::string& options) {
                return catalog_->check_options("network", instance, topic, options);
            },
        .instances_with_state =
            [this] {
                std::vector<std::string> names = catalog_->names("network");
                std::erase_if(names, [this](const std::string& name) {
                    return !roots_.has_instance("network", name);
                });
                return names;
            },
        .log = [this](int level, const std::string& line) { log_("network", level, line); },
        .publish =
            [this](const std::string& action, const network::NetworkRecord& network,
                   const std::string& container) {
                event::Event event{.type = "network", .action = action, .id = network.id};
                event.attributes = {{"name", network.name}, {"type", network.instance}};
                if (!container.empty()) event.attributes["container"] = container;
                events_.publish(std::move(event));
            }};
    for (const AddressPool& pool : config_.address_pools)
        settings.pools.push_back({pool.base, pool.size});
    return settings;
}

Result<void> Engine::open_catalog() {
    auto settings = TRY(catalog_settings(
        config_, [this](std::string_view source, std::int32_t level, std::string_view line,
                        const davit_kv* fields, std::uint64_t count) {
            std::string text(line);
            for (std::uint64_t i = 0; i < count; ++i)
                text.append(" ")
                    .append(sdk::view(fields[i].key))
                    .append("=")
                    .append(sdk::view(fields[i].value));
            log_(source, level, text);
        }));
    settings.host.engine_table = &engine_table();
    settings.host.engine = this;
    settings.open_state = [this](std::string_view kind, std::string_view instance) {
        return roots_.open_instance(kind, instance);
    };
    settings.look_at_state = [this](std::string_view kind, std::string_view instance) {
        return roots_.look_at_instance(kind, instance);
    };
    settings.has_state = [this](std::string_view kind, std::string_view instance) {
        return roots_.has_instance(kind, instance);
    };
    settings.remembered = [this](std::string_view kind) { return roots_.remembered_choice(kind); };
    settings.remember = [this](std::string_view kind, const std::string& instance) {
        return roots_.remember_choice(kind, instance);
    };
    catalog_ = TRY(plugin::Catalog::create(std::move(settings)));
    return {};
}

Result<void> Engine::open_volumes() {
    volumes_ = TRY(volume::Volumes::open(
        {.graph = *graph_,
         .events = events_,
         .path = config_.data_root + "/volumes",
         .directory = TRY(roots_.open_data("volumes")),
         .log = [this](int level, const std::string& line) { log_("volume", level, line); }}));
    return {};
}

Result<void> Engine::open_containers() {
    container::Services services{
        .graph = *graph_,
        .pool = *pool_,
        .watcher = *watcher_,
        .events = events_,
        .networks = *networks_,
        .volumes = *volumes_,
        .storage = [this](const std::string& instance) { return storage(instance); },
        .exec = [this](const std::string& instance) { return exec(instance); },
        .image = [this](const std::string& reference,
                        const std::string& instance) { return image_facts(reference, instance); },
        .collect_layers =
            [this] {
                if (auto collected = images_->collect(); !collected)
                    this->log(kLogWarning, collected.error().what);
            },
        .runs = [this](const container::ContainerPtr& one) { health_checks_->begin(one); },
        .ended = [this](const container::ContainerPtr& one) { health_checks_->end(*one); },
        .unpacker = TRY(unpacker()),
        .log_driver = config_.log_driver,
        .log_options = config_.log_options,
        .directory = config_.data_root + "/containers",
        .directory_fd = TRY(roots_.open_data("containers")),
        .runtime_fd = TRY(roots_.open_exec("containers")),
        .log = [this](int level, const std::string& line) { this->log(level, line); }};
    containers_ = std::make_unique<container::Containers>(std::move(services));
    exec_sessions_ = std::make_unique<container::ExecSessions>(*containers_);
    health_checks_ = std::make_unique<container::HealthChecks>(*containers_, *exec_sessions_);
    volumes_->set_users(
        [this](const std::string& name) { return containers_->users_of_volume(name); });
    return containers_->recover();
}

Result<container::ImageFacts> Engine::image_facts(const std::string& reference,
                                                  const std::string& instance) {
    container::ImageFacts facts{.id = TRY(images_->resolve(reference))};
    facts.storage_instance = TRY(storage(instance)).instance();
    facts.top_layer = TRY(images_->top_layer(facts.id, facts.storage_instance));
    const boost::json::value document = boost::json::parse(TRY(images_->config(facts.id)));
    if (document.is_object())
        if (const auto* config = document.get_object().if_contains("config");
            config != nullptr && config->is_object())
            facts.config = boost::json::serialize(*config);
    return facts;
}

// Every storage instance that has state tells us its keys, and is told which of them live.
Result<void> Engine::recover_storage(DataRoot::Boot boot) {
    for (const std::string& name : catalog_->names("storage")) {
        if (!roots_.has_instance("storage", name)) continue;
        const auto opened = storage(name);
        if (!opened) {  // images and containers of the others work all the same
            log_("storage/" + name, kLogError, opened.error().what);
            continue;
        }
        const plugin::Storage& instance = *opened;
        std::vector<std::string> keys = TRY(images_->layer_keys(name));
        TRY(graph_->session().each(
            "SELECT id FROM containers WHERE storage_instance = ?",
            [&](const store::Row& row) { keys.push_back(row.text(0)); }, name));
        sdk::Caller call;
        for (const plugin::Finding& finding : TRY(instance.retain(call, keys)))
            log_("storage/" + name, kLogWarning, finding.object + ": " + finding.text);
    }
    const auto kept = TRY(images_->settle_unsynced(boot == DataRoot::Boot::other
                                                       ? image::ImageStore::Boot::unclean
                                                       : image::ImageStore::Boot::same));
    for (const std::string& id : kept)
        this->log(kLogWarning,
                  "image " + id + " was not synced before the host went down: pull it again");
    TRY(images_->collect());
    return images_->sweep_content();
}

Result<plugin::Storage> Engine::storage(const std::string& instance) {
    return plugin::Storage::of(TRY(catalog_->find("storage", instance)));
}

Result<plugin::Exec> Engine::exec(const std::string& instance) {
    return plugin::Exec::of(TRY(catalog_->find("exec", instance)));
}

Result<plugin::Registry> Engine::registry(const std::string& instance) {
    return plugin::Registry::of(TRY(catalog_->find("registry", instance)));
}

Result<std::string> Engine::unpacker() const { return TRY(plugin::own_folder()) + "/davit-unpack"; }

Result<void> Engine::subscribe(const job::Request& request, Cancel& cancel,
                               const job::Job::Emit& emit) {
    return follow_events(*this, request, cancel, emit);
}

Result<void> Engine::run(Kind kind, const job::Request& request, std::shared_ptr<Cancel> cancel,
                         job::Job::Emit emit) {
    const Operations& operations = kind == Kind::job ? job_operations_ : query_operations_;
    const auto found = operations.find(request.name);
    if (found == operations.end())
        return fail(Code::unsupported, request.name, ": this engine does not do that yet");
    if (kind == Kind::query) {
        job::Job query(request, std::move(cancel), std::move(emit));
        return found->second(*this, query);
    }
    auto running = std::make_shared<job::Job>(request, std::move(cancel), std::move(emit));
    const std::string id = jobs_.add(running, std::string(request.name));
    Result<void> outcome = running->announce(id);
    if (outcome) outcome = found->second(*this, *running);
    jobs_.finish(id, outcome);
    return outcome;
}

Result<void> Engine::serve() {
    for (const std::string& name : catalog_->names("service")) {
        auto instance = TRY(catalog_->find("service", name).context("start service ", name));
        const auto* table = instance->get<davit_service>(DAVIT_SERVICE);
        if (table == nullptr)
            return fail(Code::unsupported, "start service ", name, ": it does not offer ",
                        DAVIT_SERVICE);
        auto listeners = TRY(
            open_listeners(config_, [this](const std::string& line) { log(kLogWarning, line); }));
        std::vector<int> numbers;
        std::vector<davit_str> names;
        for (const Listener& listener : listeners) {
            if (!listener.remove_at.empty()) bound_sockets_.push_back(listener.remove_at);
            numbers.push_back(listener.socket.get());
            names.push_back(sdk::str(listener.address));
        }
        auto start = sdk::sized<davit_service_start>();
        start.listeners = numbers.data();
        start.listener_count = static_cast<std::uint32_t>(numbers.size());
        start.addresses = names.data();
        sdk::Caller call;
        TRY(call.tell(table->start, instance->raw(), start).context("start service ", name));
        services_.push_back(
            std::unique_ptr<Service>(new Service{std::move(instance), std::move(listeners)}));
        break;  // the sockets are served by one service: the first one there is
    }
    if (services_.empty())
        return fail(Code::not_found,
                    "start: no service driver was found: the API has nobody to serve it");
    return {};
}

void Engine::shut_down() {
    services_.clear();
    for (const std::string& path : bound_sockets_) remove_socket(path);
    bound_sockets_.clear();
    if (!config_.live_restore) containers_->stop_all();
}

}  // namespace davit::engine

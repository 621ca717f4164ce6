// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/catalog.hpp"

#include "core/plugin/catalog_entry.hpp"
#include "core/plugin/schema.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"
#include "sdk/plugin/caller.hpp"
#include "sdk/plugin/value.hpp"

#include <fcntl.h>
#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <set>

namespace davit::plugin {
namespace {

constexpr std::string_view kInProcess = "in-process";
constexpr std::string_view kProcess = "process";

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

Result<void> check_isolation(const InstanceSettings& wanted, bool own) {
    const std::string_view isolation = wanted.isolation.empty()
                                           ? (own ? kInProcess : kProcess)
                                           : std::string_view(wanted.isolation);
    if (isolation == kInProcess) return {};
    if (isolation == kProcess)
        return fail(
            Code::unsupported,
            R"("isolation": "process" is not built yet: "isolation": "in-process" is the choice to make)");
    return fail(Code::invalid, "isolation ", in_quotes(isolation),
                R"( is neither "in-process" nor "process")");
}

}  // namespace

Result<std::vector<DriverFolder>> driver_folders(const std::vector<std::string>& driver_path) {
    using Use = DriverFolder::Use;
    const auto beside =
        std::filesystem::path(TRY(own_folder())).parent_path() / "lib/davit/drivers";
    std::vector<DriverFolder> folders{{beside.string(), Use::own},
                                      {"/usr/lib/davit/drivers", Use::own},
                                      {"/usr/local/lib/davit/drivers", Use::listed}};
    for (const auto& path : driver_path) folders.push_back({path, Use::listed});
    return folders;
}

Catalog::Catalog(CatalogSettings settings) : settings_(std::move(settings)) {}
Catalog::~Catalog() = default;

Result<std::unique_ptr<Catalog>> Catalog::create(CatalogSettings settings) {
    std::unique_ptr<Catalog> catalog(new Catalog(std::move(settings)));
    for (const auto& folder : catalog->settings_.folders) catalog->scan(folder);
    TRY(catalog->add_instances());
    TRY(catalog->check_defaults());
    return catalog;
}

// ---- what there is
// ----------------------------------------------------------------------------------------------

void Catalog::scan(const DriverFolder& folder) {
    std::error_code error;
    std::set<std::string> paths;  // in the same order whatever the file system says
    for (std::filesystem::directory_iterator at(folder.path, error), end; !error && at != end;
         at.increment(error))
        if (at->path().extension() == ".so") paths.insert(at->path().string());
    for (const auto& path : paths) scan_file(folder, path);
}

// A file that cannot be used is listed with the reason, and is nobody's problem until an instance
// names it.
void Catalog::scan_file(const DriverFolder& folder, const std::string& path) {
    const bool own = folder.use == DriverFolder::Use::own;
    auto library = Library::open(path);
    if (!library) {
        auto unread = std::make_shared<Driver>();
        unread->manifest.name = std::filesystem::path(path).stem().string();
        unread->own = own;
        unread->path = path;
        unread->refused = library.error().what;
        drivers_.push_back(std::move(unread));
        return;
    }
    for (const auto& manifest : (*library)->manifest().drivers) {
        const auto same = find_driver(manifest.kind, manifest.name);
        if (same && same->path == (*library)->path()) continue;  // two ways to one folder
        auto driver = std::make_shared<Driver>();
        driver->library = *library;
        driver->manifest = manifest;
        driver->own = own;
        driver->path = (*library)->path();
        if (same) driver->refused = "hidden by " + same->path + ", which comes first";
        drivers_.push_back(std::move(driver));
    }
}

std::shared_ptr<Catalog::Driver> Catalog::find_driver(std::string_view kind,
                                                      std::string_view name) const {
    for (const auto& driver : drivers_)
        if (driver->library && driver->refused.empty() && driver->manifest.kind == kind &&
            driver->manifest.name == name)
            return driver;
    return nullptr;
}

// ---- what is configured
// -----------------------------------------------------------------------------------------

Result<void> Catalog::add_instances() {
    for (const auto& wanted : settings_.instances) TRY(add_instance(wanted));
    for (const auto& driver : drivers_) {
        const auto& [kind, name] = std::tie(driver->manifest.kind, driver->manifest.name);
        if (!driver->own || !driver->library || !driver->refused.empty() ||
            slots_.contains({kind, name}))
            continue;
        // A driver that cannot do without configuration has no instance until someone gives it
        // some.
        if (auto added = add_instance({.kind = kind, .name = name}); !added)
            driver->unused = added.error().what;
    }
    return {};
}

Result<void> Catalog::add_instance(const InstanceSettings& wanted) {
    const auto what = "configure " + wanted.kind + " instance " + wanted.name;
    if (!valid_name(wanted.name))
        return fail(Code::invalid, what, ": its name must match [a-z0-9][a-z0-9._-]{0,62}");
    const auto& name = wanted.driver.empty() ? wanted.name : wanted.driver;
    const auto driver = find_driver(wanted.kind, name);
    if (!driver) return no_driver(wanted.kind, name).context(what);
    TRY(check_isolation(wanted, driver->own).context(what));
    auto config = TRY(checked_config(wanted, driver->manifest));
    slots_[{wanted.kind, wanted.name}] = std::make_shared<Slot>(wanted, driver, std::move(config));
    return {};
}

Result<std::string> Catalog::checked_config(const InstanceSettings& wanted,
                                            const DriverManifest& manifest) const {
    const auto what = "config of " + wanted.kind + " instance " + wanted.name;
    auto config = TRY(json::parse_object(wanted.config.empty() ? "{}" : wanted.config, what));
    if (const auto shared = settings_.shared.find(wanted.kind); shared != settings_.shared.end()) {
        const auto all = TRY(json::parse_object(shared->second, "shared settings"));
        for (const auto& setting : all)
            if (!config.contains(setting.key())) config.emplace(setting.key(), setting.value());
    }
    TRY(apply_schema(*manifest.config, config, what));
    return boost::json::serialize(config);
}

// The reason why there is no such driver: refused, or not there at all.
Error Catalog::no_driver(std::string_view kind, std::string_view name) const {
    std::vector<std::string> known;
    for (const auto& driver : drivers_) {
        const bool right_kind = driver->manifest.kind == kind || !driver->library;
        if (right_kind && driver->manifest.name == name && !driver->refused.empty())
            return fail(Code::unsupported, "use ", driver->path, ": ", driver->refused);
        if (driver->manifest.kind == kind) known.push_back(driver->manifest.name);
    }
    std::string folders;
    for (const auto& folder : settings_.folders)
        folders += (folders.empty() ? "" : ", ") + folder.path;
    return fail(Code::not_found, "find driver ", name, ": no ", kind, " driver of that name in ",
                folders, suggestion(name, known));
}

Result<void> Catalog::check_defaults() const {
    for (const auto& [kind, name] : settings_.defaults)
        if (!name.empty() && !slots_.contains({kind, name}))
            return fail(Code::not_found, "configure ", kind, ": default ", in_quotes(name),
                        " is no instance", suggestion(name, names(kind)));
    return {};
}

std::vector<std::string> Catalog::names(std::string_view kind) const {
    std::vector<std::string> found;
    for (const auto& [key, slot] : slots_)
        if (key.first == kind) found.push_back(key.second);
    return found;
}

std::vector<std::string> Catalog::open_names(std::string_view kind) const {
    std::vector<std::string> found;
    for (const auto& [key, slot] : slots_) {
        if (key.first == kind && slot->is_open()) found.push_back(key.second);
    }
    return found;
}

Result<std::shared_ptr<Catalog::Slot>> Catalog::find_slot(std::string_view kind,
                                                          std::string_view name) {
    const auto wanted = name.empty() ? TRY(default_name(kind)) : std::string(name);
    const auto slot = slots_.find({std::string(kind), wanted});
    if (slot != slots_.end()) return slot->second;
    return fail(Code::not_found, "find ", kind, " instance ", wanted, ": no such instance",
                suggestion(wanted, names(kind)));
}

Result<std::string> Catalog::instance_of(std::string_view kind, std::string_view wanted) {
    if (!wanted.empty())
        for (const auto& [key, slot] : slots_)
            if (key.first == kind && slot->driver->manifest.name == wanted &&
                !slots_.contains({std::string(kind), std::string(wanted)}))
                return key.second;
    return TRY(find_slot(kind, wanted))->settings.name;
}

Result<std::string> Catalog::check_options(std::string_view kind, std::string_view name,
                                           std::string_view topic, std::string_view options) {
    const auto slot = TRY(find_slot(kind, name));
    const auto what = std::string(topic) + " options of " + slot->settings.name;
    auto object = TRY(json::parse_object(options.empty() ? "{}" : options, what));
    static const boost::json::object kNone;
    const auto schema = slot->driver->manifest.options.find(topic);
    TRY(apply_schema(schema == slot->driver->manifest.options.end() ? kNone : *schema->second,
                     object, what));
    return boost::json::serialize(object);
}

// ---- opening
// ----------------------------------------------------------------------------------------------

Result<std::shared_ptr<Instance>> Catalog::find(std::string_view kind, std::string_view name) {
    const auto slot = TRY(find_slot(kind, name));
    const std::lock_guard guard(slot->lock);
    if (slot->instance) return slot->instance;
    slot->instance = TRY(open(*slot).context("open ", kind, " instance ", slot->settings.name));
    return slot->instance;
}

Result<const davit_driver*> Catalog::load(Slot& slot) {
    const auto* module = TRY(slot.driver->library->load(slot.settings.sha256));
    return plugin::find_driver(*module, slot.driver->manifest.kind, slot.driver->manifest.name);
}

Result<std::shared_ptr<Instance>> Catalog::open(Slot& slot) {
    const auto* driver = TRY(load(slot));
    const Fd state = TRY(settings_.open_state(slot.settings.kind, slot.settings.name));
    const auto source = slot.settings.kind + "/" + slot.settings.name;
    auto host = std::make_shared<HostTable>(settings_.host, source);
    auto request = request_of(slot, state, *host);
    auto opened = sdk::sized<davit_opened>();

    sdk::Caller caller;
    caller.on_log(
        [&](int level, std::string_view line, const davit_kv* fields, std::uint64_t count) {
            if (settings_.host.log) settings_.host.log(source, level, line, fields, count);
        });
    caller.begin(nullptr);
    TRY(caller.finish(driver->open(caller.raw(), &request, &opened)));
    if (opened.instance == nullptr || !DAVIT_CAN(opened.instance, get) ||
        !DAVIT_CAN(opened.instance, close))
        return fail(Code::invalid, "call driver: it returned no instance");
    // The host table must outlive `close`, so it goes with the instance.
    auto* instance = new Instance(slot.settings.kind, slot.settings.name,
                                  slot.driver->manifest.name, opened.instance);
    return std::shared_ptr<Instance>(instance, [host](Instance* last) { delete last; });
}

davit_open Catalog::request_of(const Slot& slot, const Fd& state, const HostTable& host) const {
    auto request = sdk::sized<davit_open>();
    request.state_fd = state.get();
    request.host = host.raw();
    request.instance = sdk::str(slot.settings.name);
    request.config = sdk::str(slot.config);
    request.scope = sdk::str(settings_.scope);
    return request;
}

Result<Probed> Catalog::probe(std::string_view kind, std::string_view name) {
    const auto slot = TRY(find_slot(kind, name));
    return probe(*slot);
}

Result<Probed> Catalog::probe(Slot& slot) {
    const std::lock_guard guard(slot.probe_lock);
    if (slot.probed) return *slot.probed;
    const auto* driver = TRY(load(slot));
    const auto& look = settings_.look_at_state ? settings_.look_at_state : settings_.open_state;
    const Fd state = TRY(look(slot.settings.kind, slot.settings.name));
    const HostTable host(settings_.host, slot.settings.kind + "/" + slot.settings.name);
    const auto request = request_of(slot, state, host);

    Probed probed;
    sdk::Caller caller;
    caller.begin(sdk::Caller::sink_of<davit_probed>([&](const davit_probed& found) {
        probed.abilities.push_back(
            {sdk::text(found.ability), found.available != 0, sdk::text(found.reason)});
    }));
    const auto answer =
        caller.finish(DAVIT_CAN(driver, probe) ? driver->probe(caller.raw(), &request) : DAVIT_OK);
    probed.works = answer.has_value();
    if (!answer) probed.reason = answer.error().what;
    slot.probed = probed;
    return probed;
}

}  // namespace davit::plugin

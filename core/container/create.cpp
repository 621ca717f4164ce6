// SPDX-License-Identifier: Apache-2.0
#include "core/container/containers.hpp"

#include "core/container/name_generator.hpp"
#include "core/container/volume_use.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/undo.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace davit::container {

namespace {

constexpr std::size_t kIdBytes = 32;   // 64 hex digits, as everybody's tools expect
constexpr std::size_t kShortId = 12;   // hex digits that people see, and the default host name
constexpr std::size_t kNameMax = 255;  // a file name's length
constexpr int kNameAttempts = 8;       // generated names before a number is added

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string host_name() {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    return name;
}

}  // namespace

Result<std::string> checked_name(std::string name) {
    if (name.starts_with('/')) name.erase(0, 1);
    const bool good = name.size() >= 2 && name.size() <= kNameMax && is_alphanumeric(name[0]) &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                          return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
                      });
    if (!good)
        return fail(Code::invalid, "Invalid container name (", name,
                    "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
    return name;
}

std::string random_hex(std::size_t bytes) {
    std::vector<unsigned char> raw(bytes);
    // Blocks only before the kernel's generator is seeded, minutes before any container; up to 256
    // bytes never partial.
    (void)!::getrandom(raw.data(), raw.size(), 0);
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : raw) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

bool Containers::name_taken(const std::string& name) const {
    std::lock_guard lock(mutex_);
    return std::any_of(by_id_.begin(), by_id_.end(),
                       [&](const auto& known) { return known.second->name() == name; });
}

Result<std::string> Containers::free_name() const {
    for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
        std::string name = generate_name();
        if (!name_taken(name)) return name;
    }
    return generate_name() + "_" + random_hex(4);
}

Result<Created> Containers::create(const std::shared_ptr<Cancel>& cancel, std::string_view body,
                                   std::string name) {
    const std::string reference = TRY(image_of_create_body(body));
    name = name.empty() ? TRY(free_name()) : TRY(checked_name(std::move(name)));

    Row row;
    row.record.id = random_hex(kIdBytes);
    row.record.name = name;
    row.record.created_ns = now_ns();
    row.record.image_reference = reference;
    const plugin::Exec usual = TRY(services_.exec(""));
    const ImageFacts image = TRY(services_.image(reference, TRY(storage_of_create_body(body))));
    Parsed parsed = TRY(parse_create_body(body, {.image_config = image.config,
                                                 .hostname = row.record.id.substr(0, kShortId),
                                                 .exec_instance = usual.instance(),
                                                 .log_driver = services_.log_driver,
                                                 .log_options = services_.log_options}));
    if (parsed.config.namespaces.host_uts || parsed.config.network_mode == "host")
        parsed.config.hostname = host_name();
    row.record.exec_instance = TRY(services_.exec(parsed.config.exec_instance)).instance();
    row.record.image = image.id;
    row.record.parent_layer = image.top_layer;
    row.record.storage_instance = image.storage_instance;
    row.record.json = std::move(parsed.json);
    row.networks = look_up(std::move(parsed.networks));
    if (name_taken(name)) return name_conflict(name);

    const archive::Archiver archiver(services_.unpacker);
    VolumeUse volumes(services_.volumes, archiver, row.record.id);
    const plugin::Storage storage = TRY(services_.storage(row.record.storage_instance));
    std::vector<Mount>& mounts = parsed.config.mounts;
    TRY(VolumeUse::gather(*this, parsed.mounts, mounts));
    TRY(volumes.make(mounts));
    TRY(volumes.fill(mounts, {.storage = storage, .key = row.record.parent_layer}, cancel));
    store_mounts(mounts, row.record.json);

    // The layer first, then the directory, then the row: a crash in between leaves what `retain`
    // finds at the next start.
    sdk::Caller call(cancel);
    TRY(storage
            .prepare(call, row.record.id, row.record.parent_layer,
                     {.bytes = static_cast<std::uint64_t>(parsed.config.storage_bytes)})
            .context("create container"));
    Undo layer([&] {
        sdk::Caller undo;
        (void)storage.remove(undo, row.record.id);
    });
    TRY(make_directory(services_.directory_fd.get(), row.record.id));
    Undo directory([&] { (void)remove_tree(services_.directory_fd.get(), row.record.id); });
    auto inserted = insert(services_.graph, row);
    if (!inserted)
        return inserted.error().code == Code::conflict ? name_conflict(name)
                                                       : std::move(inserted).error();
    layer.keep();
    directory.keep();
    if (auto kept = volumes.keep(); !kept) services_.log(2, kept.error().what);

    auto container = std::make_shared<Container>(std::move(row.record), std::move(parsed.config),
                                                 State{}, std::move(row.networks));
    add(container);
    publish(*container, "create");
    return Created{container->id(), std::move(parsed.warnings)};
}

// A network is known by its name, however it was given. One that is not there is missed at start,
// as with docker.
std::vector<network::EndpointSettings> Containers::look_up(
    std::vector<network::EndpointSettings> networks) const {
    for (network::EndpointSettings& settings : networks)
        if (const auto record = services_.networks.find(settings.network)) {
            settings.network = (*record)->name;
            settings.network_id = (*record)->id;
        }
    return networks;
}

Error Containers::name_conflict(const std::string& name) const {
    const auto owner = find(name);
    return fail(Code::conflict, "Conflict. The container name \"/", name,
                "\" is already in use by container \"", owner ? (*owner)->id() : "?",
                "\". You have to remove (or rename) that container to be able to reuse that name.");
}

}  // namespace davit::container

// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/manifest.hpp"

#include "core/plugin/elf_note.hpp"
#include "core/plugin/schema.hpp"
#include "davit/module.h"
#include "sdk/base/json.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace davit::plugin {
namespace {

constexpr std::array<std::string_view, 6> kKinds = {"storage",  "network", "exec",
                                                    "registry", "log",     "service"};

Result<std::uint32_t> version_number(std::int64_t number, std::string_view key) {
    if (number < 0 || number > 0xffff)
        return fail(Code::invalid, "read ", key, ": it must lie between 0 and 65535");
    return static_cast<std::uint32_t>(number);
}

Result<void> read_state(const boost::json::object& object, DriverManifest& driver) {
    const auto* range = TRY(json::get_array(object, "state"));
    if (range == nullptr) return {};
    if (range->size() != 2 || !(*range)[0].is_int64() || !(*range)[1].is_int64())
        return fail(Code::invalid,
                    "read state: expected [oldest version it reads, version it writes]");
    driver.state_version_oldest = TRY(version_number((*range)[0].get_int64(), "state"));
    driver.state_version = TRY(version_number((*range)[1].get_int64(), "state"));
    return {};
}

Result<Schema> schema_of(const boost::json::object& object, std::string_view key) {
    const auto* schema = TRY(json::get_object(object, key));
    auto owned = std::make_shared<const boost::json::object>(
        schema == nullptr ? boost::json::object() : *schema);
    TRY(check_schema(*owned).context("read ", key));
    return Schema(std::move(owned));
}

Result<DriverManifest> read_driver(const boost::json::object& object) {
    DriverManifest driver;
    driver.kind = TRY(json::require_string(object, "kind"));
    if (std::find(kKinds.begin(), kKinds.end(), driver.kind) == kKinds.end())
        return fail(Code::invalid, "read kind: \"", driver.kind, "\" is none that Davit knows");
    driver.name = TRY(json::require_string(object, "name"));
    if (!valid_name(driver.name))
        return fail(Code::invalid, "read name: \"", driver.name,
                    "\" must match [a-z0-9][a-z0-9._-]{0,62}");
    driver.description = TRY(json::get_string(object, "description", ""));
    driver.interfaces = TRY(json::get_strings(object, "interfaces"));
    driver.capabilities = TRY(json::get_strings(object, "capabilities"));
    driver.kernel = TRY(json::get_strings(object, "kernel"));
    driver.isolation = TRY(json::get_strings(object, "isolation"));
    driver.rank = TRY(json::get_int(object, "rank", 0));
    TRY(read_state(object, driver));
    driver.config = TRY(schema_of(object, "config"));
    if (const auto* options = TRY(json::get_object(object, "options")))
        for (const auto& option : *options)
            driver.options.emplace(option.key(), TRY(schema_of(*options, option.key())));
    return driver;
}

Result<Manifest> read_module(const boost::json::object& object) {
    Manifest manifest;
    const auto major = TRY(json::require_int(object, "davit"));
    manifest.major = TRY(version_number(major, "davit"));
    // Of another major nothing but this number can be relied on; check_version has the word.
    if (manifest.major != DAVIT_ABI_MAJOR) return manifest;
    const auto required = TRY(json::get_int(object, "requires", 0));
    manifest.required_minor = TRY(version_number(required, "requires"));
    manifest.module = TRY(json::get_string(object, "module", ""));
    manifest.version = TRY(json::require_string(object, "version"));
    manifest.licence = TRY(json::get_string(object, "licence", ""));
    manifest.vendor = TRY(json::get_string(object, "vendor", ""));
    const auto* drivers = TRY(json::get_array(object, "drivers"));
    if (drivers == nullptr || drivers->empty())
        return fail(Code::invalid, "read drivers: there is none");
    for (const auto& driver : *drivers) {
        if (!driver.is_object()) return fail(Code::invalid, "read drivers: each must be an object");
        manifest.drivers.push_back(TRY(read_driver(driver.get_object())));
    }
    return manifest;
}

}  // namespace

bool valid_name(std::string_view name) {
    constexpr std::size_t kLongest = 63;  // becomes part of directory and cgroup names
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !name.empty() && name.size() <= kLongest && plain(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; });
}

Result<Manifest> parse_manifest(std::string_view text) {
    const auto object = TRY(json::parse_object(text, "manifest"));
    return read_module(object).context("read manifest");
}

Result<Manifest> read_manifest(int fd) {
    auto note = read_elf_note(fd, DAVIT_NOTE_NAME, DAVIT_NOTE_TYPE);
    if (!note && note.error().code == Code::not_found)
        return fail(Code::invalid, "read manifest: the file carries none (section ",
                    DAVIT_NOTE_SECTION, ")");
    if (!note) return std::move(note).error();
    return parse_manifest(*note);
}

Result<void> check_version(const Manifest& manifest) {
    if (manifest.major != DAVIT_ABI_MAJOR)
        return fail(Code::unsupported, "check version: the file is built for ABI major ",
                    std::to_string(manifest.major), ", this engine speaks ",
                    std::to_string(DAVIT_ABI_MAJOR));
    if (manifest.required_minor > DAVIT_ABI_MINOR)
        return fail(Code::unsupported, "check version: the file needs ABI ",
                    std::to_string(manifest.major), ".", std::to_string(manifest.required_minor),
                    ", this engine speaks ", std::to_string(DAVIT_ABI_MAJOR), ".",
                    std::to_string(DAVIT_ABI_MINOR));
    return {};
}

}  // namespace davit::plugin

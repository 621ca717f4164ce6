// SPDX-License-Identifier: Apache-2.0
// What a driver file says about itself, read from its ELF note without loading it
// (docs/driver-guide/abi.md). Used by the catalog and by the test that checks every driver of the
// tree. Plain data, thread-safe once built.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace davit::plugin {

using Schema = std::shared_ptr<const boost::json::object>;  // core/plugin/schema.hpp; never null

struct DriverManifest {
    std::string kind;         // "storage", "network", "exec", "registry", "log", "service"
    std::string name;         // what `driver` in daemon.json says
    std::string description;  // one line for people
    std::vector<std::string>
        interfaces;  // "davit.storage/1", then abilities; probing tells which are there
    std::vector<std::string> capabilities;   // it needs: "CAP_SYS_ADMIN"
    std::vector<std::string> kernel;         // what it needs of the kernel: "overlay", "nf_tables"
    std::vector<std::string> isolation;      // how it may run: "in-process", "process"
    std::uint32_t state_version = 1;         // of the state on disk that it writes,
    std::uint32_t state_version_oldest = 1;  // and that it still reads
    std::int64_t rank = 0;  // among drivers of a kind that work here, the highest is the default
    Schema config;          // of an instance's configuration
    std::map<std::string, Schema, std::less<>>
        options;  // by what they configure: "network", "endpoint", "layer"
};

struct Manifest {
    std::uint32_t major = 0;           // of the ABI
    std::uint32_t required_minor = 0;  // the oldest host that can load the file
    std::string module, version, licence, vendor;
    std::vector<DriverManifest> drivers;
};

// Whether a driver or instance may be called so: [a-z0-9][a-z0-9._-]{0,62}.
bool valid_name(std::string_view name);
// Unknown members are left alone: a newer file may say more. Errors: invalid, with the member's
// name.
Result<Manifest> parse_manifest(std::string_view json);
// From the note of the file behind `fd`. Errors: as of read_elf_note and parse_manifest.
Result<Manifest> read_manifest(int fd);
// Whether this host can load it. Errors: unsupported, with both versions.
Result<void> check_version(const Manifest& manifest);

}  // namespace davit::plugin

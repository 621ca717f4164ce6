// SPDX-License-Identifier: Apache-2.0
// The two sources of a Config, before they are joined: both are JSON objects with the keys of
// daemon.json. Used by config*.cpp and their tests alone.
#pragma once

#include "core/engine/config.hpp"

#include <boost/json/fwd.hpp>
#include <map>
#include <memory>
#include <optional>

namespace davit::engine {

// The JSON schema of daemon.json, descriptions and defaults included.
const boost::json::object& config_schema();

struct Flags {
    std::shared_ptr<boost::json::object> settings;  // what flags set, by key of daemon.json
    std::map<std::string, std::string> given_as;    // key -> "--debug"
    std::string config_file;                        // empty: not given
    int ready_fd = -1;
    bool validate = false;
    std::optional<std::string> print;  // --help and --version
};

Result<Flags> parse_flags(int argc, const char* const* argv);

// The document, checked against the schema; defaults are not filled in. `what` names it in errors.
Result<boost::json::object> parse_config(std::string_view text, std::string_view what);
// Errors: not_found; as of parse_config.
Result<boost::json::object> read_config_file(const std::string& path);
// The same rules for what the command line says; errors name the flag.
Result<void> check_flags(const Flags& flags);

// Errors: invalid, naming every key that both set with different values or the same.
Result<void> check_conflicts(const boost::json::object& file, const Flags& flags,
                             std::string_view path);

// Where to listen; `secure` decides the port that tcp:// means when none is given.
Result<std::vector<Listen>> read_hosts(const boost::json::object& settings,
                                       const std::string& exec_root, bool secure);
Result<std::optional<TlsFiles>> read_tls(const boost::json::object& settings);
// The configuration that service drivers share, as JSON.
std::string service_settings(const Config& config);

// `settings` has passed the schema.
Result<Config> make_config(const boost::json::object& settings);

}  // namespace davit::engine

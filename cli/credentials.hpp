// SPDX-License-Identifier: Apache-2.0
// Registry credentials in docker's config.json: its auths, its credsStore and credHelpers (programs
// docker-credential-…). Whatever else the file holds is kept as it is. A helper that is configured
// and missing is an error: its registry is never asked without the credentials that were meant for
// it. Used by pull, login and logout.
#pragma once

#include "sdk/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace davit::cli {

struct Credential {
    std::string username;
    std::string password;
    std::string identity_token;  // used instead of the password when not empty
};

// `registry`: "https://index.docker.io/v1/" or "host[:port]". Nothing when none are kept. Errors:
// invalid (a broken file), not_found (a helper that is missing), internal (a helper that fails).
Result<std::optional<Credential>> load_credential(const std::string& config_dir,
                                                  const std::string& registry);
// Returns where it was put: the file's path, or the helper's name. The file is written in one step,
// mode 0600.
struct Stored {
    std::string where;
    bool in_file = false;
};
Result<Stored> store_credential(const std::string& config_dir, const std::string& registry,
                                const Credential& credential);
// False when there was none.
Result<bool> erase_credential(const std::string& config_dir, const std::string& registry);

// The value of X-Registry-Auth for pulls from that registry; empty when no credentials are kept.
Result<std::string> registry_auth(const std::string& config_dir, const std::string& registry);
// AuthConfig as JSON.
std::string auth_json(const std::string& registry, const Credential& credential);

std::string base64(std::string_view bytes);
// Errors: invalid.
Result<std::string> from_base64(std::string_view text);

}  // namespace davit::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/credentials.hpp"

#include "cli/credential_helper.hpp"
#include "cli/files.hpp"
#include "cli/template/print.hpp"
#include "cli/view.hpp"
#include "sdk/base/json.hpp"

#include <sys/stat.h>
#include <cerrno>

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string path_of(const std::string& config_dir) { return config_dir + "/config.json"; }

Result<bj::object> load_config(const std::string& config_dir) {
    const auto text = read_file(path_of(config_dir));
    if (!text && (text.error().os_errno == ENOENT || text.error().os_errno == ENOTDIR))
        return bj::object();
    if (!text) return text.error();
    if (text->empty()) return bj::object();
    return json::parse_object(*text, path_of(config_dir));
}

Result<void> save_config(const std::string& config_dir, const bj::object& config) {
    if (::mkdir(config_dir.c_str(), 0700) < 0 && errno != EEXIST)
        return os_error("create " + config_dir);
    return replace_file(path_of(config_dir), templates::to_json(config, {.indent = 4}) + "\n");
}

// The helper that keeps this registry's credentials, or empty.
std::string helper_of(const bj::object& config, const std::string& registry) {
    const auto own = view::string(view::object(config, "credHelpers"), registry);
    return std::string(own.empty() ? view::string(config, "credsStore") : own);
}

// Older files name registries as URLs: https://host/v1/ is the same registry as host.
std::string host_of(std::string_view registry) {
    for (const std::string_view scheme : {"https://", "http://"})
        if (registry.starts_with(scheme)) registry.remove_prefix(scheme.size());
    return std::string(registry.substr(0, registry.find('/')));
}

const bj::object* find_entry(const bj::object& config, const std::string& registry) {
    const auto& auths = view::object(config, "auths");
    if (const auto* exact = auths.if_contains(registry)) return exact->if_object();
    for (const auto& entry : auths)
        if (host_of(view::of(entry.key())) == host_of(registry)) return entry.value().if_object();
    return nullptr;
}

Result<Credential> read_entry(const bj::object& entry) {
    Credential credential{std::string(view::string(entry, "username")),
                          std::string(view::string(entry, "password")),
                          std::string(view::string(entry, "identitytoken"))};
    const auto auth = view::string(entry, "auth");
    if (auth.empty()) return credential;
    const auto text = TRY(from_base64(auth));
    const auto colon = text.find(':');
    if (colon == std::string::npos)
        return fail(Code::invalid, "invalid auth configuration: no colon in auth");
    credential.username = text.substr(0, colon);
    credential.password = text.substr(colon + 1);
    while (credential.password.ends_with('\0')) credential.password.pop_back();
    return credential;
}

}  // namespace

Result<std::optional<Credential>> load_credential(const std::string& config_dir,
                                                  const std::string& registry) {
    const auto config = TRY(load_config(config_dir));
    if (const auto helper = helper_of(config, registry); !helper.empty())
        return ask_helper(helper, registry);
    const auto* entry = find_entry(config, registry);
    if (entry == nullptr) return std::optional<Credential>();
    auto credential = read_entry(*entry);
    if (!credential) return std::move(credential).error().context("read credentials of ", registry);
    if (credential->username.empty() && credential->identity_token.empty())
        return std::optional<Credential>();
    return std::optional<Credential>(std::move(*credential));
}

Result<Stored> store_credential(const std::string& config_dir, const std::string& registry,
                                const Credential& credential) {
    auto config = TRY(load_config(config_dir));
    const auto helper = helper_of(config, registry);
    bj::object entry;
    if (helper.empty()) {
        entry["auth"] = base64(credential.username + ":" +
                               (credential.identity_token.empty() ? credential.password : ""));
        if (!credential.identity_token.empty()) entry["identitytoken"] = credential.identity_token;
    } else {
        TRY(tell_helper(helper, registry, credential));
    }
    // An empty entry remembers where the helper holds something: docker does the same.
    auto& auths = config["auths"];
    if (!auths.is_object()) auths.emplace_object();
    auths.get_object()[registry] = std::move(entry);
    TRY(save_config(config_dir, config));
    return Stored{helper.empty() ? path_of(config_dir) : helper, helper.empty()};
}

Result<bool> erase_credential(const std::string& config_dir, const std::string& registry) {
    auto config = TRY(load_config(config_dir));
    bool found = false;
    if (const auto helper = helper_of(config, registry); !helper.empty())
        found = TRY(erase_in_helper(helper, registry));
    auto* auths = config.if_contains("auths");
    if (auths != nullptr && auths->is_object() && auths->get_object().erase(registry) > 0) {
        found = true;
        TRY(save_config(config_dir, config));
    }
    return found;
}

Result<std::string> registry_auth(const std::string& config_dir, const std::string& registry) {
    const auto credential = TRY(load_credential(config_dir, registry));
    if (!credential) return std::string();
    auto text = base64(auth_json(registry, *credential));
    for (char& c : text)
        c = c == '+' ? '-' : c == '/' ? '_' : c;  // the header uses the URL's alphabet
    return text;
}

std::string auth_json(const std::string& registry, const Credential& credential) {
    bj::object auth;
    if (!credential.username.empty()) auth["username"] = credential.username;
    if (!credential.password.empty()) auth["password"] = credential.password;
    if (!credential.identity_token.empty()) auth["identitytoken"] = credential.identity_token;
    auth["serveraddress"] = registry;
    return templates::to_json(auth);
}

std::string base64(std::string_view bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto at = [&](std::size_t k) {
            return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u;
        };
        const unsigned word = at(0) << 16 | at(1) << 8 | at(2);
        out += kAlphabet[word >> 18];
        out += kAlphabet[word >> 12 & 63];
        out += i + 1 < bytes.size() ? kAlphabet[word >> 6 & 63] : '=';
        out += i + 2 < bytes.size() ? kAlphabet[word & 63] : '=';
    }
    return out;
}

Result<std::string> from_base64(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    std::string out;
    unsigned word = 0;
    int bits = 0;
    for (const char c : text) {
        const auto value = kAlphabet.find(c == '-' ? '+' : c == '_' ? '/' : c);
        if (value == std::string_view::npos) return fail(Code::invalid, "not base64");
        word = word << 6 | static_cast<unsigned>(value);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out += static_cast<char>(word >> bits & 0xFF);
    }
    return out;
}

}  // namespace davit::cli

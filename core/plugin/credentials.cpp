// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/credentials.hpp"

#include "sdk/base/fd.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <boost/json.hpp>

namespace davit::plugin {
namespace {

constexpr std::size_t kFileMax = 1u << 20;  // one entry per registry, a few hundred bytes each

Result<std::string> read_private_file(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return os_error("open " + path);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return os_error("stat " + path);
    if ((status.st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)) != 0)
        return fail(Code::denied, "read ", path, ": others can read it; chmod 600 it");
    return read_all(file.get(), kFileMax);
}

// RFC 4648 base64 with padding, as `docker login` writes it.
Result<std::string> decode_base64(const std::string& text) {
    if (text.size() % 4 != 0) return fail(Code::invalid, "decode auth: it is not base64");
    std::string bytes(text.size() / 4 * 3, '\0');
    const int length = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                         reinterpret_cast<const unsigned char*>(text.data()),
                                         static_cast<int>(text.size()));
    if (length < 0) return fail(Code::invalid, "decode auth: it is not base64");
    // EVP_DecodeBlock counts the padding as zero bytes.
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    bytes.resize(static_cast<std::size_t>(length) - padding);
    return bytes;
}

Result<Credentials> read_entry(const boost::json::object& entry) {
    Credentials found;
    found.username = TRY(json::get_string(entry, "username", ""));
    found.password = TRY(json::get_string(entry, "password", ""));
    found.identity_token = TRY(json::get_string(entry, "identitytoken", ""));
    found.registry_token = TRY(json::get_string(entry, "registrytoken", ""));
    const auto encoded = TRY(json::get_string(entry, "auth", ""));
    if (encoded.empty()) return found;
    const auto pair = TRY(decode_base64(encoded));
    const auto colon = pair.find(':');
    if (colon == std::string::npos)
        return fail(Code::invalid, "decode auth: it holds no user and password");
    found.username = pair.substr(0, colon);
    found.password = pair.substr(colon + 1);
    return found;
}

}  // namespace

Result<Credentials> find_credentials(const std::string& path, const std::string& registry) {
    if (path.empty())
        return fail(Code::not_found, "find credentials of ", registry, ": no file is configured");
    const auto content = TRY(read_private_file(path));
    const auto document = TRY(json::parse_object(content, path));
    const auto* auths = TRY(json::get_object(document, "auths").context("read ", path));
    const auto* entry =
        auths == nullptr ? nullptr : TRY(json::get_object(*auths, registry).context("read ", path));
    if (entry == nullptr)
        return fail(Code::not_found, "find credentials of ", registry, ": ", path, " has none");
    return read_entry(*entry).context("read ", path, ": ", registry);
}

}  // namespace davit::plugin

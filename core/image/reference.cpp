// SPDX-License-Identifier: Apache-2.0
#include "core/image/reference.hpp"

#include <algorithm>

namespace davit::image {

namespace {

constexpr std::string_view kDefaultHost = "docker.io";
constexpr std::string_view kOldDefaultHost = "index.docker.io";
constexpr std::string_view kDefaultNamespace = "library/";
constexpr std::size_t kRepositoryMax = 255;  // the grammar's own limit
constexpr std::size_t kTagMax = 128;
constexpr std::size_t kIdDigits = 64;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) { return is_lower(c) || is_digit(c); }
bool is_alphanumeric(char c) { return is_name(c) || is_upper(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

bool all(std::string_view text, bool (*of)(char)) {
    return std::all_of(text.begin(), text.end(), of);
}

// Calls `valid` for each part between separators; an empty part is handed over too.
template <class Valid>
bool every_part(std::string_view text, char separator, Valid valid) {
    for (;;) {
        const std::size_t end = text.find(separator);
        if (!valid(text.substr(0, end))) return false;
        if (end == std::string_view::npos) return true;
        text.remove_prefix(end + 1);
    }
}

// [a-z0-9]+ joined by ".", "_", "__" or any number of "-".
bool is_path_component(std::string_view part) {
    if (part.empty() || !is_name(part.front()) || !is_name(part.back())) return false;
    for (std::size_t i = 0; i < part.size();) {
        if (is_name(part[i])) {
            ++i;
            continue;
        }
        std::size_t end = i;
        while (end < part.size() && part[end] == part[i]) ++end;
        const std::size_t run = end - i;
        const bool joined =
            part[i] == '-' || (part[i] == '.' && run == 1) || (part[i] == '_' && run <= 2);
        if (!joined || !is_name(part[end])) return false;
        i = end;
    }
    return true;
}

bool is_host_label(std::string_view label) {
    return !label.empty() && is_alphanumeric(label.front()) && is_alphanumeric(label.back()) &&
           std::all_of(label.begin(), label.end(),
                       [](char c) { return is_alphanumeric(c) || c == '-'; });
}

bool is_address_digit(char c) {
    return c == ':' || is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_port(std::string_view port) { return !port.empty() && all(port, is_digit); }

// A name or IPv4 address, or an IPv6 address in brackets; then, perhaps, a port.
bool is_host(std::string_view host) {
    if (host.starts_with('[')) {
        const std::size_t close = host.find(']');
        if (close == std::string_view::npos || close == 1) return false;
        const std::string_view rest = host.substr(close + 1);
        return all(host.substr(1, close - 1), is_address_digit) &&
               (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1))));
    }
    const std::size_t colon = host.rfind(':');
    if (colon != std::string_view::npos && !is_port(host.substr(colon + 1))) return false;
    return every_part(host.substr(0, colon), '.', is_host_label);
}

bool is_tag(std::string_view tag) {
    return !tag.empty() && tag.size() <= kTagMax && tag.front() != '.' && tag.front() != '-' &&
           std::all_of(tag.begin(), tag.end(), [](char c) {
               return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
           });
}

Error bad_format() { return fail(Code::invalid, "invalid reference format"); }

struct Name {
    std::string host, path;
};

// Whether the part before the first slash names a host, as Docker decides it.
bool names_host(std::string_view first) {
    return first.find_first_of(".:") != std::string_view::npos || first == "localhost" ||
           std::any_of(first.begin(), first.end(), is_upper);
}

Name complete(std::string_view name) {
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos || !names_host(name.substr(0, slash)))
        return {std::string(kDefaultHost),
                (slash == std::string_view::npos ? std::string(kDefaultNamespace) : std::string()) +
                    std::string(name)};
    Name split{std::string(name.substr(0, slash)), std::string(name.substr(slash + 1))};
    if (split.host == kOldDefaultHost) split.host = kDefaultHost;
    if (split.host == kDefaultHost && split.path.find('/') == std::string::npos)
        split.path.insert(0, kDefaultNamespace);
    return split;
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
    Reference reference;
    std::string_view name = text;
    if (const std::size_t at = name.find('@'); at != std::string_view::npos) {
        auto digest = Digest::parse(name.substr(at + 1));
        if (!digest && digest.error().code == Code::unsupported) return std::move(digest).error();
        if (!digest) return bad_format();
        reference.digest_ = *digest;
        name = name.substr(0, at);
    }
    const std::size_t colon = name.rfind(':');
    if (colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos) {
        if (!is_tag(name.substr(colon + 1))) return bad_format();
        reference.tag_ = name.substr(colon + 1);
        name = name.substr(0, colon);
    }
    if (name.empty()) return bad_format();
    if (name.size() == kIdDigits && all(name, is_hex))
        return fail(Code::invalid, "invalid repository name (", name,
                    "), cannot specify 64-byte hexadecimal strings");
    auto [host, path] = complete(name);
    if (std::any_of(path.begin(), path.end(), is_upper))
        return fail(Code::invalid, "invalid reference format: repository name (", path,
                    ") must be lowercase");
    if (!is_host(host) || !every_part(path, '/', is_path_component)) return bad_format();
    if (host.size() + 1 + path.size() > kRepositoryMax)
        return fail(Code::invalid,
                    "invalid reference format: repository name must not be more than ",
                    std::to_string(kRepositoryMax), " characters");
    reference.host_ = std::move(host);
    reference.path_ = std::move(path);
    return reference;
}

Reference Reference::with_latest() const {
    Reference named = *this;
    if (!named.tag_ && !named.digest_) named.tag_ = "latest";
    return named;
}

std::string Reference::wanted() const {
    return digest_ ? digest_->text() : tag_.value_or("latest");
}

std::string Reference::text() const {
    return repository() + (tag_ ? ":" + *tag_ : std::string()) +
           (digest_ ? "@" + digest_->text() : std::string());
}

std::string Reference::familiar_name() const { return familiar_repository(repository()); }

std::string Reference::familiar() const {
    return familiar_name() + (tag_ ? ":" + *tag_ : std::string()) +
           (digest_ ? "@" + digest_->text() : std::string());
}

std::string familiar_repository(std::string_view repository) {
    const std::string host = std::string(kDefaultHost) + "/";
    if (!repository.starts_with(host)) return std::string(repository);
    repository.remove_prefix(host.size());
    if (repository.starts_with(kDefaultNamespace))
        repository.remove_prefix(kDefaultNamespace.size());
    return std::string(repository);
}

}  // namespace davit::image

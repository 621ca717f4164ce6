// SPDX-License-Identifier: Apache-2.0
#include "cli/reference.hpp"

#include <algorithm>

namespace davit::cli {
namespace {

constexpr std::string_view kHub = "docker.io";

bool all_of(std::string_view text, bool (*good)(char)) {
    return !text.empty() && std::all_of(text.begin(), text.end(), good);
}
bool path_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
           c == '/';
}
bool tag_character(char c) { return path_character(c) ? c != '/' : c >= 'A' && c <= 'Z'; }
bool hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// The first part is a host when it looks like one; otherwise it belongs to the path on Docker Hub.
bool is_domain(std::string_view first) {
    const bool upper =
        std::any_of(first.begin(), first.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    return first == "localhost" || upper || first.find_first_of(".:") != std::string_view::npos;
}

bool good_path(std::string_view path) {
    if (!all_of(path, path_character) || path.find("//") != std::string_view::npos) return false;
    const auto edge = [](char c) { return c != '.' && c != '_' && c != '-' && c != '/'; };
    return edge(path.front()) && edge(path.back());
}

}  // namespace

std::string ImageReference::credential_key() const {
    return domain == kHub ? "https://index.docker.io/v1/" : domain;
}

std::string ImageReference::familiar_name() const {
    if (domain != kHub) return domain + "/" + path;
    return path.starts_with("library/") ? path.substr(8) : path;
}

Result<ImageReference> parse_reference(std::string_view text) {
    const auto bad = [&](std::string_view why) {
        return fail(Code::invalid, "invalid reference format: ", why, ": ", text);
    };
    ImageReference reference;
    auto rest = text;
    if (const auto at = rest.find('@'); at != std::string_view::npos) {
        reference.digest = rest.substr(at + 1);
        rest = rest.substr(0, at);
        const auto colon = reference.digest.find(':');
        if (colon == std::string::npos ||
            !all_of(std::string_view(reference.digest).substr(colon + 1), hex_digit))
            return bad("bad digest");
    }
    const auto slash = rest.find('/');
    if (slash != std::string_view::npos && is_domain(rest.substr(0, slash))) {
        reference.domain = rest.substr(0, slash);
        rest.remove_prefix(slash + 1);
    }
    if (const auto colon = rest.rfind(':'); colon != std::string_view::npos) {
        reference.tag = rest.substr(colon + 1);
        rest = rest.substr(0, colon);
        if (!all_of(reference.tag, tag_character) || reference.tag.size() > 128)
            return bad("bad tag");
    }
    const bool upper =
        std::any_of(rest.begin(), rest.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (upper) return bad("repository name must be lowercase");
    if (!good_path(rest)) return bad("bad repository name");
    reference.path = rest;
    if (reference.domain.empty() || reference.domain == "index.docker.io") {
        reference.domain = kHub;
        if (reference.path.find('/') == std::string::npos) reference.path.insert(0, "library/");
    }
    return reference;
}

}  // namespace davit::cli

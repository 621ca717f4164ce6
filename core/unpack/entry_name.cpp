// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/entry_name.hpp"

#include "core/unpack/limits.hpp"

namespace davit::unpack {

namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kBookkeeping = ".wh..wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

}  // namespace

Result<std::string> clean_name(std::string_view raw) {
    if (raw.empty()) return fail(Code::invalid, "read entry name: it is empty");
    if (raw.size() > kNameMax)
        return fail(Code::invalid, "read entry name ", raw.substr(0, 64), "…: longer than ",
                    std::to_string(kNameMax), " bytes");
    std::string clean;
    clean.reserve(raw.size());
    std::size_t depth = 0;
    while (!raw.empty()) {
        const std::size_t slash = raw.find('/');
        const std::string_view component = raw.substr(0, slash);
        raw.remove_prefix(slash == std::string_view::npos ? raw.size() : slash + 1);
        if (component.empty() || component == ".") continue;
        if (component == "..") return fail(Code::invalid, "read entry name: it holds \"..\"");
        if (++depth > kDepthMax)
            return fail(Code::invalid, "read entry name: more than ", std::to_string(kDepthMax),
                        " directories deep");
        if (!clean.empty()) clean += '/';
        clean += component;
    }
    return clean;
}

Name split(std::string_view clean) {
    const std::size_t slash = clean.rfind('/');
    if (slash == std::string_view::npos) return {{}, clean};
    return {clean.substr(0, slash), clean.substr(slash + 1)};
}

Result<Deletion> deletion_of(std::string_view clean) {
    const Name name = split(clean);
    for (std::string_view rest = name.parent; !rest.empty();) {
        const std::size_t slash = rest.find('/');
        const std::string_view component = rest.substr(0, slash);
        if (component.starts_with(kBookkeeping)) return Deletion{Mark::ignored, {}};
        if (component.starts_with(kWhiteout))
            return fail(Code::invalid, "read entry name: it lies below the whiteout ", component);
        rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    }
    if (!name.base.starts_with(kWhiteout)) return Deletion{};
    if (name.base == kOpaque) return Deletion{Mark::opaque, {}};
    if (name.base.starts_with(kBookkeeping)) return Deletion{Mark::ignored, {}};
    const std::string_view target = name.base.substr(kWhiteout.size());
    if (target.empty() || target == "." || target == "..")
        return fail(Code::invalid, "read entry name: a whiteout of \"", target, "\"");
    return Deletion{Mark::whiteout, target};
}

}  // namespace davit::unpack

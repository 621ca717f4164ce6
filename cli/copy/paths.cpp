// SPDX-License-Identifier: Apache-2.0
#include "cli/copy/paths.hpp"

namespace davit::cli {

CopyEnd parse_copy_end(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (text.starts_with('/') || text.starts_with('.') || colon == std::string_view::npos)
        return {{}, std::string(text)};
    return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

SplitPath split_path(std::string path) {
    if (means_content(path)) {
        path.resize(path.size() - 1);
        return {path.empty() ? "." : path, "."};
    }
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    if (path == "/") return {"/", "/"};
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return {".", path};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

bool ends_as_directory(std::string_view path) { return path.ends_with('/') || means_content(path); }

bool means_content(std::string_view path) { return path == "." || path.ends_with("/."); }

std::string rebased(std::string_view name, std::string_view from, const std::string& to) {
    while (name.ends_with('/')) name.remove_suffix(1);
    if (from != "/" && name.starts_with(from) &&
        (name.size() == from.size() || name[from.size()] == '/'))
        name.remove_prefix(from.size());
    while (name.starts_with('/')) name.remove_prefix(1);
    if (to.empty() || name.empty()) return to + std::string(name);
    return to + "/" + std::string(name);
}

}  // namespace davit::cli

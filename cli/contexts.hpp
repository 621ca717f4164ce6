// SPDX-License-Identifier: Apache-2.0
// Named engines: a folder each below ~/.davit/contexts, with meta.json (0600) and the PEM files
// that were given. Used by context.cpp and session.cpp.
#pragma once

#include "cli/target.hpp"

#include <string>
#include <vector>

namespace davit::cli {

struct Context {
    std::string name;
    std::string description;
    Target target;  // its TLS files are the context's own copies
};

inline constexpr std::string_view kDefaultContext = "default";

// DAVIT_CONFIG, or ~/.davit.
std::string own_folder();

// "default" too, which is the default socket. Errors: not_found, invalid name.
Result<Context> load_context(const std::string& name);
std::vector<std::string> context_names();  // sorted, "default" first
// Writes the context with copies of its TLS files. Errors: exists, unless it is to be replaced.
Result<void> store_context(Context context, bool replace);
Result<void> remove_context(const std::string& name);

// DAVIT_CONTEXT, or what `context use` chose, or "default".
std::string current_context();
Result<void> choose_context(const std::string& name);

}  // namespace davit::cli

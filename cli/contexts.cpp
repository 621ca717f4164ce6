// SPDX-License-Identifier: Apache-2.0
#include "cli/contexts.hpp"

#include "cli/files.hpp"
#include "cli/view.hpp"
#include "sdk/base/json.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace davit::cli {
namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

std::string folder_of(const std::string& name) { return own_folder() + "/contexts/" + name; }

Result<void> check_name(const std::string& name) {
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+";
    if (name.empty() || name.size() > 64 || name.front() == '.' || name.front() == '-' ||
        name.find_first_not_of(kAllowed) != std::string::npos)
        return fail(Code::invalid, "context name ", name,
                    " is invalid: letters, digits and . _ - + are allowed");
    return {};
}

Result<void> make_folder(const std::string& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return os_error(error.value(), "make directory " + path);
    fs::permissions(path, fs::perms::owner_all, error);
    return {};
}

// A file that a context names is copied, so that the context stays whole.
Result<void> adopt(std::string& file, const std::string& copy) {
    if (file.empty() || file == copy) return {};
    TRY(replace_file(copy, TRY(read_file(file))));
    file = copy;
    return {};
}

bj::object meta_of(const Context& context) {
    const auto& tls = context.target.tls;
    return {{"Name", context.name},
            {"Description", context.description},
            {"Host", context.target.host},
            {"TLS", tls.tls},
            {"TLSVerify", tls.verify}};
}

}  // namespace

std::string own_folder() {
    if (const char* folder = ::getenv("DAVIT_CONFIG"); folder != nullptr && *folder != '\0')
        return folder;
    const char* home = ::getenv("HOME");
    return std::string(home != nullptr && *home != '\0' ? home : "/root") + "/.davit";
}

Result<Context> load_context(const std::string& name) {
    if (name == kDefaultContext)
        return Context{.name = name, .description = "The engine of this host", .target = {}};
    TRY(check_name(name));
    const auto folder = folder_of(name);
    auto text = read_file(folder + "/meta.json");
    if (!text && text.error().code == Code::not_found)
        return fail(Code::not_found, "context \"", name, "\": no such context");
    const auto meta = TRY(json::parse_object(TRY(std::move(text)), folder + "/meta.json"));
    Context context{
        .name = name, .description = TRY(json::get_string(meta, "Description", "")), .target = {}};
    context.target.host = TRY(json::get_string(meta, "Host", ""));
    auto& tls = context.target.tls;
    tls.tls = TRY(json::get_bool(meta, "TLS", false));
    tls.verify = TRY(json::get_bool(meta, "TLSVerify", false));
    const auto own = [&](const char* file) {
        const auto path = folder + "/" + file;
        return fs::exists(path) ? path : std::string();
    };
    tls.authorities = own("ca.pem");
    tls.certificate = own("cert.pem");
    tls.key = own("key.pem");
    return context;
}

std::vector<std::string> context_names() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(own_folder() + "/contexts", error))
        if (fs::exists(entry.path() / "meta.json")) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    names.insert(names.begin(), std::string(kDefaultContext));
    return names;
}

Result<void> store_context(Context context, bool replace) {
    TRY(check_name(context.name));
    if (context.name == kDefaultContext)
        return fail(Code::invalid,
                    "context default is the engine of this host: choose another name");
    const auto folder = folder_of(context.name);
    if (!replace && fs::exists(folder + "/meta.json"))
        return fail(Code::exists, "context \"", context.name, "\" already exists");
    TRY(address_of(context.target));
    TRY(make_folder(folder));
    auto& tls = context.target.tls;
    TRY(adopt(tls.authorities, folder + "/ca.pem"));
    TRY(adopt(tls.certificate, folder + "/cert.pem"));
    TRY(adopt(tls.key, folder + "/key.pem"));
    return replace_file(folder + "/meta.json", json::pretty(meta_of(context)) + "\n");
}

Result<void> remove_context(const std::string& name) {
    TRY(load_context(name));
    if (name == kDefaultContext) return fail(Code::invalid, "context default cannot be removed");
    std::error_code error;
    fs::remove_all(folder_of(name), error);
    if (error) return os_error(error.value(), "remove context " + name);
    return {};
}

std::string current_context() {
    if (const char* name = ::getenv("DAVIT_CONTEXT"); name != nullptr && *name != '\0') return name;
    const auto text = read_file(own_folder() + "/config.json");
    if (!text) return std::string(kDefaultContext);
    const auto settings = json::parse_object(*text, "config.json");
    const auto name = settings ? view::string(*settings, "currentContext") : std::string_view();
    return std::string(name.empty() ? kDefaultContext : name);
}

Result<void> choose_context(const std::string& name) {
    TRY(load_context(name));
    TRY(make_folder(own_folder()));
    const auto path = own_folder() + "/config.json";
    bj::object settings;
    if (const auto text = read_file(path)) settings = TRY(json::parse_object(*text, path));
    settings["currentContext"] = name;
    return replace_file(path, json::pretty(settings) + "\n");
}

}  // namespace davit::cli

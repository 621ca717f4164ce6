// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/object_format.hpp"
#include "cli/output.hpp"
#include "cli/template/print.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/base/json.hpp"
#include "sdk/client/system.hpp"

#include <algorithm>

namespace davit::cli {
namespace {

namespace bj = boost::json;

class Text {
public:
    explicit Text(const bj::object& info) : info_(info) {}

    // " Name: value" of a member, whatever it is; nothing when it is absent or empty.
    void member(std::string_view label, std::string_view key, std::size_t depth = 1) {
        const auto& value = view::get(info_, key);
        if (!value.is_null() && !(value.is_string() && value.get_string().empty()))
            line(label, templates::plain(value), depth);
    }
    void line(std::string_view label, std::string_view value, std::size_t depth = 1) {
        out.append(depth, ' ').append(label).append(": ").append(value).append("\n");
    }
    void list(std::string_view label, std::string_view key) {
        const auto& values = view::array(info_, key);
        if (values.empty()) return;
        out.append(" ").append(label).append(":\n");
        for (const auto& value : values)
            out.append("  ").append(templates::plain(value)).append("\n");
    }
    void names(std::string_view label, const bj::object& object) {
        if (object.empty()) return;
        Strings keys;
        for (const auto& member : object) keys.emplace_back(view::of(member.key()));
        std::sort(keys.begin(), keys.end());
        out.append(" ").append(label).append(":");
        for (const auto& key : keys) out.append(" ").append(key);
        out += "\n";
    }
    std::string out;

private:
    const bj::object& info_;
};

void storage(Text& text, const bj::object& info) {
    text.member("Storage Driver", "Driver");
    for (const auto& pair : view::array(info, "DriverStatus"))
        if (const auto* entry = pair.if_array(); entry != nullptr && entry->size() == 2)
            text.line(templates::plain((*entry)[0]), templates::plain((*entry)[1]), 2);
}

void plugins(Text& text, const bj::object& info) {
    const auto& plugins = view::object(info, "Plugins");
    text.out += " Plugins:\n";
    for (const auto* kind : {"Volume", "Network", "Log"}) {
        std::string names;
        for (const auto& name : view::array(plugins, kind))
            names.append(names.empty() ? "" : " ").append(templates::plain(name));
        if (!names.empty()) text.line(kind, names, 2);
    }
}

// name=seccomp,profile=builtin → "seccomp" and, below it, "Profile: builtin".
void security(Text& text, const bj::object& info) {
    const auto& options = view::array(info, "SecurityOptions");
    if (options.empty()) return;
    text.out += " Security Options:\n";
    for (const auto& option : options) {
        std::string_view rest = view::as_string(option);
        while (!rest.empty()) {
            const auto field = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(rest.size(), field.size() + 1));
            const auto equals = field.find('=');
            const auto value = equals == std::string_view::npos ? field : field.substr(equals + 1);
            if (field.starts_with("profile="))
                text.line("Profile", value, 3);
            else
                text.out.append("  ").append(value).append("\n");
        }
    }
}

std::string text_of(const bj::object& info) {
    Text text(info);
    text.out = "Client: Davit\n Version: " DAVIT_VERSION "\n\nServer:\n";
    text.member("Containers", "Containers");
    text.member("Running", "ContainersRunning", 2);
    text.member("Paused", "ContainersPaused", 2);
    text.member("Stopped", "ContainersStopped", 2);
    text.member("Images", "Images");
    text.member("Server Version", "ServerVersion");
    storage(text, info);
    text.member("Logging Driver", "LoggingDriver");
    text.member("Cgroup Driver", "CgroupDriver");
    text.member("Cgroup Version", "CgroupVersion");
    plugins(text, info);
    text.names("Runtimes", view::object(info, "Runtimes"));
    text.member("Default Runtime", "DefaultRuntime");
    text.member("Init Binary", "InitBinary");
    security(text, info);
    text.member("Kernel Version", "KernelVersion");
    text.member("Operating System", "OperatingSystem");
    text.member("OSType", "OSType");
    text.member("Architecture", "Architecture");
    text.member("CPUs", "NCPU");
    text.line("Total Memory",
              human_size_binary(static_cast<double>(view::number(info, "MemTotal"))));
    text.member("Name", "Name");
    text.member("ID", "ID");
    text.member("Root Dir", "DockerRootDir");
    text.member("Debug Mode", "Debug");
    text.member("Experimental", "ExperimentalBuild");
    text.list("Labels", "Labels");
    const auto& registries =
        view::array(view::object(info, "RegistryConfig"), "InsecureRegistryCIDRs");
    if (!registries.empty()) text.out += " Insecure Registries:\n";
    for (const auto& registry : registries)
        text.out.append("  ").append(templates::plain(registry)).append("\n");
    text.member("Live Restore Enabled", "LiveRestoreEnabled");
    return std::move(text.out);
}

class Info final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(format_, "f,format", "FORMAT", "'json' or a Go template");
    }

    Result<int> run(Session& session, const Strings&) override {
        auto* client = TRY(session.client());
        const auto answer = TRY(sdk::daemon_info(*client));
        const auto info = TRY(json::parse_object(answer, "the daemon's answer"));
        if (!format_.empty()) {
            const auto shown = TRY(format_object(info, format_));
            TRY(print(shown));
            return 0;
        }
        TRY(print(text_of(info)));
        for (const auto& warning : view::array(info, "Warnings"))
            print_error(templates::plain(warning) + "\n");
        return 0;
    }

private:
    std::string format_;
};

}  // namespace

std::unique_ptr<Command> make_info() { return std::make_unique<Info>(); }

}  // namespace davit::cli

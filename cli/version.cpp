// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/object_format.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/base/json.hpp"
#include "sdk/client/system.hpp"

#include <sys/utsname.h>

namespace davit::cli {
namespace {

namespace bj = boost::json;

std::string line(std::string_view name, std::string_view value) {
    std::string text = " " + std::string(name) + ":";
    text.append(text.size() < 20 ? 20 - text.size() : 1, ' ');
    return text.append(value).append("\n");
}

bj::object client_part(const sdk::Client* client) {
    utsname system{};
    ::uname(&system);
    bj::object part;
    part["Version"] = DAVIT_VERSION;
    part["ApiVersion"] = to_string(client != nullptr ? client->version() : sdk::kNewestApi);
    part["DefaultAPIVersion"] = to_string(sdk::kNewestApi);
    part["Os"] = "linux";
    part["Arch"] = std::string_view(system.machine) == "x86_64"    ? "amd64"
                   : std::string_view(system.machine) == "aarch64" ? "arm64"
                                                                   : system.machine;
    return part;
}

std::string client_text(const bj::object& client) {
    const auto api = view::string(client, "ApiVersion"),
               newest = view::string(client, "DefaultAPIVersion");
    std::string text = "Client: Davit\n" + line("Version", view::string(client, "Version"));
    text += line("API version", api == newest ? std::string(api)
                                              : std::string(api) + " (downgraded from " +
                                                    std::string(newest) + ")");
    return text + line("OS/Arch", std::string(view::string(client, "Os")) + "/" +
                                      std::string(view::string(client, "Arch")));
}

std::string server_text(const bj::object& server) {
    const auto platform = view::string(view::object(server, "Platform"), "Name");
    std::string text = "\nServer:" + (platform.empty() ? "" : " " + std::string(platform)) + "\n";
    const auto api = std::string(view::string(server, "ApiVersion")) + " (minimum version " +
                     std::string(view::string(server, "MinAPIVersion")) + ")";
    text += line("Version", view::string(server, "Version")) + line("API version", api);
    for (const auto* name : {"GitCommit", "BuildTime", "KernelVersion"})
        if (const auto value = view::string(server, name); !value.empty())
            text += line(name, value);
    text += line("OS/Arch", std::string(view::string(server, "Os")) + "/" +
                                std::string(view::string(server, "Arch")));
    for (const auto& entry : view::array(server, "Components")) {
        const auto& component = view::as_object(entry);
        text += line(view::string(component, "Name"), view::string(component, "Version"));
    }
    return text;
}

class Version final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(format_, "f,format", "FORMAT", "'json' or a Go template");
    }

    Result<int> run(Session& session, const Strings&) override {
        auto client = session.client();
        auto text = client ? sdk::daemon_version(**client) : Result<std::string>(client.error());
        bj::object all{{"Client", client_part(client ? *client : nullptr)}};
        if (text) all["Server"] = TRY(json::parse_object(*text, "the daemon's answer"));
        if (!format_.empty()) {
            const auto shown = TRY(format_object(all, format_));
            TRY(print(shown));
        } else {
            TRY(print(client_text(view::object(all, "Client")) +
                      (text ? server_text(view::object(all, "Server")) : "")));
        }
        if (!text) return std::move(text).error();
        return 0;
    }

private:
    std::string format_;
};

}  // namespace

std::unique_ptr<Command> make_version() { return std::make_unique<Version>(); }

}  // namespace davit::cli

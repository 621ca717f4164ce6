// SPDX-License-Identifier: Apache-2.0
// davitd's command line: dockerd's everyday flags, each one a key of daemon.json.
#include "core/engine/config_source.hpp"
#include "core/plugin/schema.hpp"

#include <boost/json.hpp>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>

namespace davit::engine {
namespace {

// Where a flag puts its value: `key` of daemon.json.
class CommandLine {
public:
    CommandLine()
        : app_(
              "The Davit container engine. Settings may also stand in daemon.json, under the same "
              "names.",
              "davitd") {
        app_.set_help_flag("-h,--help", "Show this help and end");
        app_.get_formatter()->column_width(36);
        app_.get_formatter()->label("TEXT", "STRING");
    }

    void text(const std::string& key, const std::string& flags, const std::string& help) {
        note(key,
             app_.add_option_function<std::string>(
                 flags, [this, key](const std::string& value) { settings_[key] = value; }, help));
    }
    void number(const std::string& key, const std::string& flags, const std::string& help) {
        note(key,
             app_.add_option_function<std::int64_t>(
                 flags, [this, key](const std::int64_t& value) { settings_[key] = value; }, help));
    }
    // May be given several times.
    void list(const std::string& key, const std::string& flags, const std::string& help) {
        auto* option = app_.add_option_function<std::vector<std::string>>(
            flags,
            [this, key](const std::vector<std::string>& values) {
                settings_[key] = boost::json::array(values.begin(), values.end());
            },
            help);
        option->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        note(key, option);
    }
    // key=value, may be given several times.
    void pairs(const std::string& key, const std::string& flags, const std::string& help) {
        auto* option = app_.add_option_function<std::vector<std::string>>(
            flags,
            [this, key](const std::vector<std::string>& values) {
                boost::json::object object;
                for (const auto& value : values) {
                    const auto equals = value.find('=');
                    if (equals == std::string::npos)
                        throw CLI::ValidationError(value, "expected key=value");
                    object[value.substr(0, equals)] = value.substr(equals + 1);
                }
                settings_[key] = std::move(object);
            },
            help);
        option->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        note(key, option);
    }
    void flag(const std::string& key, const std::string& flags, const std::string& help) {
        note(key,
             app_.add_flag_function(
                 flags, [this, key](std::int64_t count) { settings_[key] = count > 0; }, help));
    }
    CLI::App& app() { return app_; }
    boost::json::object& settings() { return settings_; }
    const std::map<std::string, std::string>& names() const { return names_; }

    std::vector<std::string> flag_names() const {
        std::vector<std::string> names;
        for (const auto* option : app_.get_options())
            for (const auto& name : option->get_lnames()) names.push_back("--" + name);
        return names;
    }

private:
    void note(const std::string& key, const CLI::Option* option) {
        names_[key] = "--" + option->get_lnames().front();
    }

    CLI::App app_;
    boost::json::object settings_;
    std::map<std::string, std::string> names_;
};

void add_flags(CommandLine& line) {
    line.text("data-root", "--data-root", "Directory of everything that must survive");
    line.text("exec-root", "--exec-root", "Directory of what dies with the boot");
    line.text("pidfile", "-p,--pidfile", "File that holds the process id");
    line.list("hosts", "-H,--host",
              "Where to listen: unix:///path, tcp://address:port, fd://; may be repeated");
    line.flag("tls", "--tls", "TLS on TCP ports");
    line.flag("tlsverify", "--tlsverify", "TLS, and only for clients with a certificate");
    line.text("tlscacert", "--tlscacert", "Who signs the certificates of clients");
    line.text("tlscert", "--tlscert", "The certificate of this daemon");
    line.text("tlskey", "--tlskey", "Its key");
    line.text("group", "-G,--group", "Group that may use the sockets");
    line.flag("debug", "-D,--debug", "Log everything");
    line.text("log-level", "-l,--log-level", "debug, info, warn, error or fatal");
    line.list("labels", "--label", "key=value that davit info shows; may be repeated");
    line.flag("live-restore", "--live-restore",
              "Containers run on while davitd is down (default; =false stops them)");
    line.text("cgroup-parent", "--cgroup-parent", "Control group above those of all containers");
    line.list("driver-path", "--driver-path", "Further folder with driver files; may be repeated");
    line.text("storage-driver", "-s,--storage-driver",
              "Storage instance to use when none is named");
    line.list("storage-opts", "--storage-opt", "key=value for that instance; may be repeated");
    line.text("log-driver", "--log-driver", "Where containers log: json-file or none");
    line.pairs("log-opts", "--log-opt", "key=value for the log driver; may be repeated");
    line.text("bridge", "-b,--bridge", "Name of the default network's link");
    line.text("bip", "--bip", "Address of the default bridge, with prefix");
    line.number("mtu", "--mtu", "Largest packet of the default network");
    line.list("registry-mirrors", "--registry-mirror",
              "Address to ask before Docker Hub; may be repeated");
    line.list("insecure-registries", "--insecure-registry",
              "Registry that may use HTTP; may be repeated");
}

// Flags that dockerd knows: better refused by name than as a typo.
bool known_to_dockerd(const std::string& flag) {
    for (const std::string_view name : {"--add-runtime",
                                        "--allow-direct-routing",
                                        "--authorization-plugin",
                                        "--bip6",
                                        "--containerd",
                                        "--cpu-rt-period",
                                        "--cpu-rt-runtime",
                                        "--default-address-pool",
                                        "--default-cgroupns-mode",
                                        "--default-gateway",
                                        "--default-gateway-v6",
                                        "--default-init",
                                        "--default-ipc-mode",
                                        "--default-network-opt",
                                        "--default-runtime",
                                        "--default-shm-size",
                                        "--default-ulimit",
                                        "--dns",
                                        "--dns-opt",
                                        "--dns-search",
                                        "--exec-opt",
                                        "--experimental",
                                        "--feature",
                                        "--fixed-cidr",
                                        "--fixed-cidr-v6",
                                        "--host-gateway-ip",
                                        "--http-proxy",
                                        "--https-proxy",
                                        "--icc",
                                        "--init",
                                        "--init-path",
                                        "--ip",
                                        "--ip-forward",
                                        "--ip-masq",
                                        "--ip6tables",
                                        "--iptables",
                                        "--ipv6",
                                        "--log-format",
                                        "--max-concurrent-downloads",
                                        "--max-concurrent-uploads",
                                        "--max-download-attempts",
                                        "--metrics-addr",
                                        "--no-new-privileges",
                                        "--no-proxy",
                                        "--raw-logs",
                                        "--rootless",
                                        "--seccomp-profile",
                                        "--selinux-enabled",
                                        "--shutdown-timeout",
                                        "--userland-proxy",
                                        "--userland-proxy-path",
                                        "--userns-remap"})
        if (flag == name) return true;
    return false;
}

Error unknown(const std::vector<std::string>& extras, const CommandLine& line) {
    const auto name = extras.front().substr(0, extras.front().find('='));
    if (!name.starts_with("-"))
        return fail(Code::invalid, "read command line: unexpected argument ", name);
    if (known_to_dockerd(name))
        return fail(Code::unsupported, "read command line: ", name, ": not built yet");
    return fail(Code::invalid, "read command line: unknown flag ", name,
                plugin::suggestion(name, line.flag_names()));
}

// CLI11 says "--mtu: …" or "Could not convert: --mtu = x"; only the first letter is changed.
std::string lower_first(std::string text) {
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z')
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

}  // namespace

Result<Flags> parse_flags(int argc, const char* const* argv) {
    CommandLine line;
    Flags flags;
    line.app().add_option("--config-file", flags.config_file,
                          "Configuration file (default " + std::string(kConfigFile) + ")");
    add_flags(line);
    line.app().add_option("--ready-fd", flags.ready_fd,
                          "Descriptor that gets a line once requests are served");
    line.app().add_flag("--validate", flags.validate, "Check the configuration and end");
    line.app().set_version_flag("-v,--version", "davitd version " DAVIT_VERSION);
    line.app().allow_extras();
    try {
        line.app().parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        flags.print = line.app().help();
    } catch (const CLI::CallForVersion& version) {
        flags.print = std::string(version.what()) + "\n";
    } catch (const CLI::ParseError& error) {
        return fail(Code::invalid, "read command line: ", lower_first(error.what()));
    }
    if (const auto extras = line.app().remaining(); !flags.print && !extras.empty())
        return unknown(extras, line);
    flags.settings = std::make_shared<boost::json::object>(std::move(line.settings()));
    flags.given_as = line.names();
    return flags;
}

}  // namespace davit::engine

// SPDX-License-Identifier: Apache-2.0
#include "cli/container_options.hpp"

#include "cli/environment.hpp"
#include "cli/files.hpp"
#include "cli/host_options.hpp"
#include "cli/mounts.hpp"
#include "cli/network_options.hpp"
#include "cli/ports.hpp"
#include "cli/terminal.hpp"
#include "cli/view.hpp"

#include <unistd.h>

namespace davit::cli {
namespace {

namespace bj = boost::json;

bj::array strings(const Strings& texts, std::size_t from = 0) {
    bj::array out;
    for (auto i = from; i < texts.size(); ++i) out.push_back(view::text(texts[i]));
    return out;
}

Result<bj::object> health_of(const ContainerOptions& o) {
    bj::object health;
    if (o.no_healthcheck) {
        if (o.health_cmd || o.health_interval || o.health_timeout || o.health_retries ||
            o.health_start_period)
            return fail(Code::invalid, "--no-healthcheck conflicts with --health-* options");
        health["Test"] = bj::array{"NONE"};
        return health;
    }
    if (o.health_cmd && !o.health_cmd->empty())
        health["Test"] = bj::array{"CMD-SHELL", view::text(*o.health_cmd)};
    const auto put = [&](const char* name,
                         const std::optional<std::int64_t>& value) -> Result<void> {
        if (value && *value < 0)
            return fail(Code::invalid, "--health-* options cannot be negative");
        if (value) health[name] = *value;
        return {};
    };
    TRY(put("Interval", o.health_interval));
    TRY(put("Timeout", o.health_timeout));
    TRY(put("Retries", o.health_retries));
    TRY(put("StartPeriod", o.health_start_period));
    TRY(put("StartInterval", o.health_start_interval));
    return health;
}

Result<void> put_process(bj::object& body, const ContainerOptions& o, const Strings& operands) {
    const auto put = [&](const char* name, const std::string& value) {
        if (!value.empty()) body[name] = view::text(value);
    };
    put("Hostname", o.hostname);
    put("Domainname", o.domainname);
    put("User", o.user);
    put("WorkingDir", o.workdir);
    put("StopSignal", o.stop_signal);
    body["Image"] = view::text(operands[0]);
    if (operands.size() > 1) body["Cmd"] = strings(operands, 1);
    if (o.entrypoint)
        body["Entrypoint"] =
            bj::array{view::text(*o.entrypoint)};  // [""] means: without the image's
    if (o.stop_timeout) body["StopTimeout"] = *o.stop_timeout;
    const auto environment = TRY(environment_of(o.env_files, o.env));
    if (!environment.empty()) body["Env"] = strings(environment);
    auto labels = TRY(labels_of(o.label_files, o.labels));
    if (!labels.empty()) body["Labels"] = std::move(labels);
    auto health = TRY(health_of(o));
    if (!health.empty()) body["Healthcheck"] = std::move(health);
    return {};
}

void put_streams(bj::object& body, const ContainerOptions& o, const AttachedStreams& attached) {
    body["Tty"] = o.tty;
    body["OpenStdin"] = o.interactive;
    body["StdinOnce"] = o.interactive && attached.in;
    body["AttachStdin"] = attached.in;
    body["AttachStdout"] = attached.out;
    body["AttachStderr"] = attached.err;
}

}  // namespace

Result<AttachedStreams> attached_streams(const ContainerOptions& options, bool detached) {
    if (detached) {
        if (!options.attach.empty())
            return fail(Code::invalid,
                        "conflicting options: cannot specify both --attach and --detach");
        return AttachedStreams{};
    }
    if (options.attach.empty()) return AttachedStreams{options.interactive, true, true};
    AttachedStreams attached;
    for (const auto& given : options.attach) {
        std::string name = given;
        for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        if (name == "stdin")
            attached.in = true;
        else if (name == "stdout")
            attached.out = true;
        else if (name == "stderr")
            attached.err = true;
        else
            return fail(Code::invalid, "invalid argument \"", given,
                        "\" for -a, --attach: valid streams are STDIN, STDOUT and STDERR");
    }
    return attached;
}

Result<bj::object> container_body(const ContainerOptions& o, const Strings& operands,
                                  const AttachedStreams& attached) {
    if (o.remove && !o.restart.empty() && o.restart != "no")
        return fail(Code::invalid, "conflicting options: cannot specify both --restart and --rm");
    bj::object body;
    put_streams(body, o, attached);
    TRY(put_process(body, o, operands));
    auto host = TRY(host_config(o));
    auto ports = TRY(parse_ports(o.publish, o.expose));
    auto mounts = TRY(parse_mounts(o.volumes, o.mounts, o.tmpfs));
    if (!ports.exposed.empty()) body["ExposedPorts"] = std::move(ports.exposed);
    if (!ports.bindings.empty()) host["PortBindings"] = std::move(ports.bindings);
    if (!mounts.volumes.empty()) body["Volumes"] = std::move(mounts.volumes);
    if (!mounts.binds.empty()) host["Binds"] = std::move(mounts.binds);
    if (!mounts.mounts.empty()) host["Mounts"] = std::move(mounts.mounts);
    if (!mounts.tmpfs.empty()) host["Tmpfs"] = std::move(mounts.tmpfs);
    if (const auto size = terminal_size(STDOUT_FILENO); o.tty && size.rows > 0)
        host["ConsoleSize"] = bj::array{size.rows, size.columns};
    auto endpoints = TRY(network_endpoints(o, host));
    body["HostConfig"] = std::move(host);
    if (!endpoints.empty())
        body["NetworkingConfig"] = bj::object{{"EndpointsConfig", std::move(endpoints)}};
    return body;
}

}  // namespace davit::cli

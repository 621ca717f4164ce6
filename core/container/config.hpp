// SPDX-License-Identifier: Apache-2.0
// What a container is made from: the Engine API's Config and HostConfig, read once into plain
// types. The JSON form (API 1.51, every default filled in) is what the graph keeps and inspect
// shows; the typed form is what the engine acts on. Values; no thread-safety of their own.
#pragma once

#include "core/container/health.hpp"
#include "core/container/log_options.hpp"
#include "core/container/mounts.hpp"
#include "core/container/namespaces.hpp"
#include "core/container/resources.hpp"
#include "core/container/restart_policy.hpp"
#include "core/network/endpoint.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::container {

struct PortBinding {
    std::string protocol = "tcp";
    std::uint16_t container_port = 0;
    std::string host_address;           // empty: every address
    std::uint16_t first = 0, last = 0;  // host ports to choose from; 0: any free one
};

struct Device {
    std::string host_path, container_path, permissions = "rwm";
};

struct Ulimit {
    std::string name;                 // "nofile"
    std::int64_t soft = 0, hard = 0;  // -1: unlimited
};

struct Config {
    // Config
    std::string image, hostname, domainname, user, working_dir, stop_signal;
    std::vector<std::string> entrypoint, command, environment;
    std::vector<std::string> exposed_ports;  // "80/tcp"
    std::map<std::string, std::string> labels;
    bool tty = false, open_stdin = false, stdin_once = false;
    std::optional<int> stop_timeout;  // seconds
    std::optional<HealthCheck> health;
    // HostConfig
    std::vector<Mount> mounts;  // volumes by their names
    std::vector<PortBinding> ports;
    bool publish_all = false;
    std::string network_mode;  // "none", "host", "container:NAME", or the first network's name
    std::vector<std::string> cap_add, cap_drop, group_add, extra_hosts;
    std::vector<std::string> dns, dns_search, dns_options;
    std::map<std::string, std::string> sysctls, annotations;
    std::vector<Device> devices;
    std::vector<std::string> device_rules;  // "c 10:200 rwm"
    std::vector<Ulimit> ulimits;
    Resources resources;    // at first: `update` changes the container's
    RestartPolicy restart;  // likewise
    bool privileged = false, read_only_root = false, init = false, auto_remove = false;
    bool no_new_privileges = false;
    std::string seccomp;  // "": the default policy; "unconfined"; else a profile in JSON
    Namespaces namespaces;
    std::optional<std::vector<std::string>> masked_paths, read_only_paths;  // unset: the defaults
    int oom_score_adj = 0;
    std::int64_t shm_size = 0;
    std::string cgroup_parent;
    std::string exec_instance;       // empty: the default
    std::int64_t storage_bytes = 0;  // limit of the writable layer; 0: none
    LogOptions log;
    std::uint16_t rows = 0, columns = 0;
};

// What a create body leaves open.
struct CreateDefaults {
    std::string image_config;              // the `config` object of an OCI image config, JSON
    std::string hostname;                  // used when the body names none
    std::string exec_instance;             // shown as Runtime when the body names none
    std::string log_driver = "json-file";  // when the body names none
    std::map<std::string, std::string> log_options;  // of that driver, where the body says nothing
};

struct Parsed {
    Config config;
    std::vector<network::EndpointSettings> networks;  // as given: not yet looked up
    Mounts mounts;                      // as asked for: create makes Config::mounts of it
    std::string json;                   // {"Config":{…},"HostConfig":{…}}: what the graph keeps
    std::vector<std::string> warnings;  // for the answer of create
};

// Reads the body of POST /containers/create over what it leaves open. Errors: invalid, naming the
// field; unsupported for a field that asks for something not built yet (seams rule 9).
Result<Parsed> parse_create_body(std::string_view body, const CreateDefaults& defaults);
// Adds what a container has mounted to its stored form.
void store_mounts(const std::vector<Mount>& mounts, std::string& json);
// Reads what parse_create_body wrote, after a restart.
Result<Config> parse_stored(std::string_view json);
// The image named in a create body, before anything else is looked at.
Result<std::string> image_of_create_body(std::string_view body);
// The storage instance that it names, which is where the image has to lie; "": the default.
Result<std::string> storage_of_create_body(std::string_view body);

}  // namespace davit::container

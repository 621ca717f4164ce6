// SPDX-License-Identifier: Apache-2.0
// The options of run and create, and the body of POST /containers/create that they make. What is
// not given is not sent: the daemon's defaults hold.
#pragma once

#include "cli/flags.hpp"

#include <boost/json/object.hpp>
#include <optional>
#include <string>

namespace davit::cli {

struct ContainerOptions {
    // identity and process
    std::string name, hostname, domainname, user, workdir, stop_signal, cidfile, platform,
        pull = "missing", runtime;
    std::optional<std::string> entrypoint;
    Strings env, env_files, labels, label_files, annotations, group_add;
    bool tty = false, interactive = false, remove = false, quiet = false;
    std::optional<bool> init;
    std::optional<std::int64_t> stop_timeout;
    Strings attach;
    std::string restart;
    // files
    Strings volumes, mounts, tmpfs, volumes_from, devices, device_rules, storage_opts;
    std::string volume_driver, storage;
    bool read_only = false;
    std::optional<std::int64_t> shm_size;
    // network
    Strings networks, aliases, links, link_local, publish, expose, add_host, dns, dns_search,
        dns_options;
    std::string ip, ip6, mac;
    bool publish_all = false;
    // isolation
    Strings cap_add, cap_drop, security_opts, sysctls, ulimits;
    bool privileged = false, oom_kill_disable = false;
    std::string ipc, pid, uts, userns, cgroupns, cgroup_parent;
    std::optional<std::int64_t> oom_score_adj;
    // limits
    std::optional<std::int64_t> memory, memory_swap, memory_reservation, memory_swappiness,
        kernel_memory;
    std::optional<std::int64_t> cpu_shares, cpu_period, cpu_quota, cpu_rt_period, cpu_rt_runtime,
        nano_cpus, pids, blkio_weight;
    std::string cpuset_cpus, cpuset_mems, gpus;
    Strings blkio_weight_device, read_bps, write_bps, read_iops, write_iops;
    // health and log
    std::optional<std::string> health_cmd;
    std::optional<std::int64_t> health_interval, health_timeout, health_start_period,
        health_start_interval, health_retries;
    bool no_healthcheck = false;
    std::string log_driver;
    Strings log_opts;
};

// Declares them all, in sections.
void declare_container_options(Flags& flags, ContainerOptions& options);

struct AttachedStreams {
    bool in = false, out = false, err = false;
    bool any() const { return in || out || err; }
};
// Which streams come to us: -a as given; else all outputs, and stdin with -i. Errors: invalid (-a
// something else).
Result<AttachedStreams> attached_streams(const ContainerOptions& options, bool detached);

// `operands`: image, command, arguments. Errors: invalid, naming the option; those of the files it
// reads.
Result<boost::json::object> container_body(const ContainerOptions& options, const Strings& operands,
                                           const AttachedStreams& attached);

}  // namespace davit::cli

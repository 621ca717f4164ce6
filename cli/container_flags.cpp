// SPDX-License-Identifier: Apache-2.0
#include "cli/container_options.hpp"
#include "cli/units.hpp"

namespace davit::cli {
namespace {

void declare_process(Flags& flags, ContainerOptions& o) {
    flags.section("Process");
    flags.toggle(o.interactive, "i,interactive", "Keep stdin open");
    flags.toggle(o.tty, "t,tty", "Give it a terminal");
    flags.list(o.attach, "a,attach", "STREAM", "Attach stdin, stdout or stderr only");
    flags.text(o.user, "u,user", "USER[:GROUP]", "User or uid, and group or gid, that it runs as");
    flags.list(o.group_add, "group-add", "GROUP", "Further groups it belongs to");
    flags.text(o.workdir, "w,workdir", "DIR", "Directory it starts in");
    flags.list(o.env, "e,env", "KEY[=VALUE]",
               "Set an environment variable; KEY alone passes on its value here");
    flags.list(o.env_files, "env-file", "FILE", "Set environment variables from a file");
    flags.text(o.entrypoint, "entrypoint", "COMMAND",
               "Run this instead of the image's entry point; empty: none");
    flags.toggle(o.init, "init",
                 "Put a small init in front, which forwards signals and reaps processes");
    flags.text(o.stop_signal, "stop-signal", "SIGNAL", "Signal that asks it to stop");
    flags.number(o.stop_timeout, "stop-timeout", "SECONDS", "How long stop waits before it kills");
    flags.text(o.restart, "restart", "POLICY",
               "When to start it again: no, on-failure[:N], always, unless-stopped");
}

void declare_identity(Flags& flags, ContainerOptions& o) {
    flags.section("Container");
    flags.text(o.name, "name", "NAME", "Name of the container");
    flags.text(o.hostname, "h,hostname", "NAME", "Host name inside");
    flags.text(o.domainname, "domainname", "NAME", "Domain name inside");
    flags.toggle(o.remove, "rm", "Remove the container when it ends");
    flags.text(o.pull, "pull", "WHEN", "Fetch the image: always, missing (default) or never");
    flags.text(o.platform, "platform", "OS/ARCH", "Which of the image's platforms to take");
    flags.toggle(o.quiet, "q,quiet", "Say nothing while fetching");
    flags.text(o.cidfile, "cidfile", "FILE", "Write the container's id to a new file");
    flags.list(o.labels, "l,label", "KEY[=VALUE]", "Set a label");
    flags.list(o.label_files, "label-file", "FILE", "Set labels from a file");
    flags.list(o.annotations, "annotation", "KEY=VALUE", "Set an annotation for the runtime");
    flags.text(o.runtime, "runtime", "NAME", "Exec driver instance to run it with");
    flags.text(o.log_driver, "log-driver", "NAME", "Where its output is kept");
    flags.list(o.log_opts, "log-opt", "KEY=VALUE", "Option of the log driver");
}

void declare_files(Flags& flags, ContainerOptions& o) {
    flags.section("Files");
    flags.list(o.volumes, "v,volume", "SRC:DST[:OPTS]", "Show a directory, file or volume inside");
    flags.list(o.mounts, "mount", "KEY=VALUE,...",
               "The same, in full: type=bind,source=…,target=…,readonly");
    flags.list(o.tmpfs, "tmpfs", "DST[:OPTS]", "Mount a file system in memory");
    flags.list(o.volumes_from, "volumes-from", "CONTAINER",
               "Show the volumes of another container");
    flags.text(o.volume_driver, "volume-driver", "NAME", "Driver of volumes that are made");
    flags.toggle(o.read_only, "read-only", "Make its root file system read-only");
    flags.bytes(o.shm_size, "shm-size", "Size of /dev/shm");
    flags.list(o.devices, "device", "SRC[:DST[:RWM]]", "Show a device inside");
    flags.list(o.device_rules, "device-cgroup-rule", "RULE", "Allow devices, as in 'c 42:* rmw'");
    flags.text(o.storage, "storage", "NAME", "Storage driver instance to keep it in");
    flags.list(o.storage_opts, "storage-opt", "KEY=VALUE", "Option of the storage driver");
}

void declare_network(Flags& flags, ContainerOptions& o) {
    flags.section("Network");
    flags.list(o.publish, "p,publish", "[[IP:]HOST:]PORT[/PROTO]",
               "Publish a port, or a range of them, on the host");
    flags.toggle(o.publish_all, "P,publish-all", "Publish every exposed port on a free one");
    flags.list(o.expose, "expose", "PORT[/PROTO]", "Expose a port or a range of them");
    flags.list(o.networks, "network", "NAME",
               "Network to connect to, or none, host; in full: name=…,alias=…,ip=…,gw-priority=…");
    flags.alias("net", "network");
    flags.list(o.aliases, "network-alias", "NAME", "Further name in that network");
    flags.alias("net-alias", "network-alias");
    flags.text(o.ip, "ip", "ADDRESS", "IPv4 address");
    flags.text(o.ip6, "ip6", "ADDRESS", "IPv6 address");
    flags.text(o.mac, "mac-address", "ADDRESS", "MAC address");
    flags.list(o.link_local, "link-local-ip", "ADDRESS", "Link-local address");
    flags.list(o.links, "link", "CONTAINER[:ALIAS]", "Make another container known by name");
    flags.list(o.add_host, "add-host", "NAME:IP",
               "Add a line to /etc/hosts; host-gateway is the host");
    flags.list(o.dns, "dns", "IP", "DNS server");
    flags.list(o.dns_search, "dns-search", "DOMAIN", "DNS search domain");
    flags.list(o.dns_options, "dns-option", "OPTION", "DNS option");
    flags.alias("dns-opt", "dns-option");
}

void declare_isolation(Flags& flags, ContainerOptions& o) {
    flags.section("Isolation");
    flags.list(o.cap_add, "cap-add", "CAPABILITY", "Add a Linux capability; ALL for all");
    flags.list(o.cap_drop, "cap-drop", "CAPABILITY", "Drop a Linux capability; ALL for all");
    flags.toggle(o.privileged, "privileged",
                 "Give it all rights: no isolation from the host to speak of");
    flags.list(o.security_opts, "security-opt", "OPTION",
               "no-new-privileges, seccomp=FILE, apparmor=NAME, …");
    flags.text(o.ipc, "ipc", "MODE",
               "IPC namespace: private, shareable, host, none, container:NAME");
    flags.text(o.pid, "pid", "MODE", "PID namespace: host, container:NAME");
    flags.text(o.uts, "uts", "MODE", "UTS namespace: host");
    flags.text(o.userns, "userns", "MODE", "User namespace: host");
    flags.text(o.cgroupns, "cgroupns", "MODE", "Cgroup namespace: private, host");
    flags.list(o.sysctls, "sysctl", "KEY=VALUE", "Set a kernel parameter of its namespaces");
}

void declare_limits(Flags& flags, ContainerOptions& o) {
    flags.section("Limits");
    flags.bytes(o.memory, "m,memory", "Memory");
    flags.bytes(o.memory_swap, "memory-swap", "Memory and swap together; -1: any amount of swap");
    flags.bytes(o.memory_reservation, "memory-reservation", "Memory it keeps when memory is short");
    flags.number(o.memory_swappiness, "memory-swappiness", "0-100",
                 "How readily it is swapped out");
    flags.bytes(o.kernel_memory, "kernel-memory", "Kernel memory");
    const auto cpus = [&o](std::string_view text) -> Result<void> {
        o.nano_cpus = TRY(parse_nano(text));
        return {};
    };
    flags.custom(cpus, "cpus", "N", "Processors, in parts if you like: 1.5");
    flags.number(o.cpu_shares, "c,cpu-shares", "N", "Share of processor time, against others");
    flags.number(o.cpu_period, "cpu-period", "MICROSECONDS", "Period of the CFS scheduler");
    flags.number(o.cpu_quota, "cpu-quota", "MICROSECONDS", "Quota of the CFS scheduler");
    flags.number(o.cpu_rt_period, "cpu-rt-period", "MICROSECONDS",
                 "Period of the real-time scheduler");
    flags.number(o.cpu_rt_runtime, "cpu-rt-runtime", "MICROSECONDS",
                 "Run time of the real-time scheduler");
    flags.text(o.cpuset_cpus, "cpuset-cpus", "LIST", "Processors it may use: 0-3, 0,1");
    flags.text(o.cpuset_mems, "cpuset-mems", "LIST", "Memory nodes it may use");
    flags.number(o.pids, "pids-limit", "N", "Processes and threads; -1: any number");
    flags.list(o.ulimits, "ulimit", "NAME=SOFT[:HARD]", "Resource limit of each process");
    flags.toggle(o.oom_kill_disable, "oom-kill-disable", "Never kill it for want of memory");
    flags.number(o.oom_score_adj, "oom-score-adj", "N",
                 "How soon it is killed for want of memory: -1000 to 1000");
    flags.text(o.cgroup_parent, "cgroup-parent", "PATH", "Cgroup to put it under");
    flags.text(o.gpus, "gpus", "WHICH", "GPUs to give it: all, a number, device=…");
    flags.number(o.blkio_weight, "blkio-weight", "10-1000", "Share of disk time");
    flags.list(o.blkio_weight_device, "blkio-weight-device", "PATH:WEIGHT",
               "Share of a device's time");
    flags.list(o.read_bps, "device-read-bps", "PATH:BYTES", "Bytes read from a device per second");
    flags.list(o.write_bps, "device-write-bps", "PATH:BYTES",
               "Bytes written to a device per second");
    flags.list(o.read_iops, "device-read-iops", "PATH:N", "Reads from a device per second");
    flags.list(o.write_iops, "device-write-iops", "PATH:N", "Writes to a device per second");
}

void declare_health(Flags& flags, ContainerOptions& o) {
    flags.section("Health");
    flags.text(o.health_cmd, "health-cmd", "COMMAND", "Command that tells whether it is well");
    flags.duration(o.health_interval, "health-interval", "Time between checks (default: 30s)");
    flags.duration(o.health_timeout, "health-timeout", "How long one may take (default: 30s)");
    flags.number(o.health_retries, "health-retries", "N",
                 "Failures in a row that make it unhealthy (default: 3)");
    flags.duration(o.health_start_period, "health-start-period",
                   "Time in which failures do not count");
    flags.duration(o.health_start_interval, "health-start-interval",
                   "Time between checks in that time (default: 5s)");
    flags.toggle(o.no_healthcheck, "no-healthcheck", "Leave out the image's check");
}

}  // namespace

void declare_container_options(Flags& flags, ContainerOptions& options) {
    declare_process(flags, options);
    declare_identity(flags, options);
    declare_files(flags, options);
    declare_network(flags, options);
    declare_isolation(flags, options);
    declare_limits(flags, options);
    declare_health(flags, options);
}

}  // namespace davit::cli

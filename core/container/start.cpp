// SPDX-License-Identifier: Apache-2.0
#include "core/container/containers.hpp"
#include "core/container/generated_files.hpp"
#include "core/container/oci_spec.hpp"
#include "core/container/user.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/netns.hpp"
#include "sdk/base/undo.hpp"

#include <fcntl.h>
#include <poll.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <string_view>
#include <utility>

namespace davit::container {

namespace {

constexpr std::string_view kContainerMode = "container:";  // --network container:NAME

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// What a shell would say of a program that cannot be run; docker's clients read it from
// State.ExitCode.
int exit_code_of(const Error& error) {
    if (error.code == Code::not_found) return 127;
    if (error.code == Code::denied) return 126;
    return 128;
}

}  // namespace

// One start of one container, step by step (seams rule 4). What it made is taken back in reverse
// order unless it succeeds.
class Starter {
public:
    Starter(Containers& containers, std::shared_ptr<Cancel> cancel, ContainerPtr container)
        : containers_(containers),
          services_(containers.services_),
          cancel_(std::move(cancel)),
          container_(std::move(container)),
          call_(cancel_) {}

    Result<void> run() {
        const Record& record = container_->record();
        const plugin::Storage storage = TRY(services_.storage(record.storage_instance));
        const plugin::Exec exec = TRY(services_.exec(record.exec_instance));
        TRY(open_directories());
        TRY(forget_last_run(exec));

        Fd root = TRY(storage.mount(call_, record.id,
                                    container_->config().auto_remove ? DAVIT_STORAGE_VOLATILE : 0));
        Undo release([&] {
            root.reset();
            sdk::Caller undo;
            (void)storage.release(undo, record.id);
        });
        mark_root(root);
        TRY(connect());
        Undo disconnect([&] {
            if (connection_.endpoint) services_.networks.disconnect(*connection_.endpoint);
        });
        plugin::Process process = TRY(create_process(exec, root));
        Undo end([&] { end_process(exec); });
        root.reset();  // the launcher holds it now; ours would keep the mount alive
        Fd exited = TRY(exec.wait(call_, record.id, ""));
        container_->serve_attaches(
            [&](std::uint32_t streams) { return exec.attach(call_, record.id, "", streams); });
        TRY(execute(exec, process));

        end.keep();
        disconnect.keep();
        release.keep();
        settle(exec, std::move(process), std::move(exited));
        return {};
    }

private:
    Result<void> open_directories() {
        directory_ =
            TRY(open_beneath(services_.directory_fd.get(), container_->id(), O_PATH | O_DIRECTORY));
        TRY(make_directory(services_.runtime_fd.get(), container_->id()));
        runtime_ =
            TRY(open_beneath(services_.runtime_fd.get(), container_->id(), O_RDONLY | O_DIRECTORY));
        return {};
    }

    Result<void> forget_last_run(const plugin::Exec& exec) {
        if (container_->state().started_ns == 0) return {};
        return exec.remove(call_, container_->id(), "");
    }

    // None: the exec driver makes an empty sandbox. Host: shared. container:X: that container's.
    // Anything else is the name of a network that a sandbox of our own joins.
    Result<void> connect() {
        const std::string& mode = container_->config().network_mode;
        if (mode == "none" || mode == "host") return {};
        if (mode.starts_with(kContainerMode)) return share(mode.substr(kContainerMode.size()));
        NetNs sandbox = TRY(NetNs::create());
        network::ConnectRequest request{
            .container = container_->id(), .netns = sandbox.fd(), .ports = ports()};
        connection_ = TRY(services_.networks.connect(cancel_, mode, request));
        sandbox_ = sandbox.release();
        return {};
    }

    Result<void> share(const std::string& reference) {
        const ContainerPtr other = TRY(containers_.find(reference));
        const State state = other->state();
        if (state.status != Status::running)
            return fail(Code::conflict,
                        "cannot join network of a non running container: ", other->id());
        const std::string path = "/proc/" + std::to_string(state.pid) + "/ns/net";
        sandbox_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!sandbox_) return os_error("join the network of container " + other->id());
        return {};
    }

    // What many programs look for to know that they run in a container. Never through a link that
    // the image put there; an image that has such a file keeps its own.
    static void mark_root(const Fd& root) {
        (void)open_in_root(root.get(), ".dockerenv", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                           0755);
    }

    std::vector<network::PortRequest> ports() const {
        const Config& config = container_->config();
        std::vector<network::PortRequest> wanted;
        for (const PortBinding& port : config.ports)
            wanted.push_back(
                {port.protocol, port.host_address, port.container_port, port.first, port.last});
        if (!config.publish_all) return wanted;
        for (const std::string& exposed : config.exposed_ports) {
            const std::size_t slash = exposed.find('/');
            const std::string protocol =
                slash == std::string::npos ? "tcp" : exposed.substr(slash + 1);
            const auto port = static_cast<std::uint16_t>(std::atoi(exposed.c_str()));
            const bool bound = std::any_of(
                config.ports.begin(), config.ports.end(), [&](const PortBinding& binding) {
                    return binding.container_port == port && binding.protocol == protocol;
                });
            if (!bound && port != 0) wanted.push_back({protocol, "", port, 0, 0});
        }
        return wanted;
    }

    Result<plugin::Process> create_process(const plugin::Exec& exec, const Fd& root) {
        const Config& config = container_->config();
        const std::string hostname =
            config.hostname.empty() ? container_->id().substr(0, 12) : config.hostname;
        const bool host_network = config.network_mode == "host";
        TRY(write_generated_files(directory_.get(), {.config = config,
                                                     .hostname = hostname,
                                                     .endpoint = connection_.endpoint.get(),
                                                     .host_network = host_network}));
        Spec spec =
            TRY(make_spec({.config = config,
                           .id = container_->id(),
                           .hostname = hostname,
                           .user = TRY(resolve_user(root.get(), config.user, config.group_add)),
                           .resources = container_->resources(),
                           .directory = directory_.get(),
                           .network_namespace = !host_network}));
        plugin::ExecSpec wanted{.key = container_->id(),
                                .config = std::move(spec.text),
                                .root = root.get(),
                                .netns = sandbox_.get(),
                                .state = runtime_.get(),
                                .mounts = {},
                                .output = output()};
        for (const Fd& mount : spec.mounts) wanted.mounts.push_back(mount.get());
        return exec.create(call_, wanted);
    }

    plugin::OutputSpec output() const {
        const Config& config = container_->config();
        return {.tty = config.tty,
                .open_stdin = config.open_stdin,
                .stdin_once = config.stdin_once,
                .log_path = config.log ? services_.directory + "/" + container_->id() + "/" +
                                             container_->id() + "-json.log"
                                       : "",
                .log_max_bytes = static_cast<std::uint64_t>(config.log_max_bytes),
                .log_max_files = config.log_max_files,
                .rows = config.rows,
                .columns = config.columns};
    }

    // The row says "running" before the program runs, so that a crash in between cannot leave a
    // program that nobody knows; the next start finds out what became of it.
    Result<void> execute(const plugin::Exec& exec, const plugin::Process& process) {
        started_.status = Status::running;
        started_.pid = process.pid;
        started_.started_ns = now_ns();
        const State before = container_->state();
        started_.exits = before.exits;
        if (before.restarting) {
            started_.restart_count = before.restart_count;
            started_.restart_delay_ns = before.restart_delay_ns;
        }
        if (container_->config().health) started_.health = std::make_shared<const Health>();
        started_.finished_ns = before.finished_ns;  // of the run before, as docker shows it
        TRY(update(services_.graph, container_->id(), started_, connection_.endpoint.get()));
        auto done = exec.start(call_, container_->id());
        if (!done) (void)update(services_.graph, container_->id(), before, nullptr);
        return done;
    }

    // A container that was made but must not run.
    void end_process(const plugin::Exec& exec) {
        sdk::Caller undo;
        (void)exec.signal(undo, container_->id(), "", SIGKILL);  // refused when it is gone already
        if (auto ended = exec.wait(undo, container_->id(), "")) {
            constexpr int kPatience = 2000;  // milliseconds for a killed process to go
            pollfd fd{ended->get(), POLLIN, 0};
            (void)::poll(&fd, 1, kPatience);
        }
        (void)exec.remove(undo, container_->id(), "");
    }

    void settle(const plugin::Exec& exec, plugin::Process process, Fd exited) {
        if (process.keeper) (void)containers_.when_gone(process.keeper, {});
        container_->set_keeper(std::move(process.keeper));
        container_->set_process(std::move(process.pid_fd));
        container_->hold({.port_reservations = std::move(connection_.reservations),
                          .endpoint = connection_.endpoint});
        container_->change([&](State& state) { state = started_; });
        // Whoever attached while this start was under way.
        container_->serve_attaches([&](std::uint32_t streams) {
            return exec.attach(call_, container_->id(), "", streams);
        });
        containers_.publish(*container_, "start");
        containers_.watch_exit(container_, std::move(exited));
        services_.runs(container_);
    }

    Containers& containers_;
    Services& services_;
    std::shared_ptr<Cancel> cancel_;
    ContainerPtr container_;
    sdk::Caller call_;
    Fd directory_, runtime_, sandbox_;
    network::Connection connection_;
    State started_;
};

Result<Containers::Outcome> Containers::start(const std::shared_ptr<Cancel>& cancel,
                                              const ContainerPtr& container) {
    const ContainerLock lock = container->operate();
    const State before = container->state();
    if (before.paused)
        return fail(Code::conflict, "cannot start a paused container, try unpause instead");
    if (before.status == Status::running || before.restarting) return Outcome::same;
    TRY(start_locked(cancel, container, lock));
    return Outcome::done;
}

Result<void> Containers::start_locked(const std::shared_ptr<Cancel>& cancel,
                                      const ContainerPtr& container, const ContainerLock& lock) {
    if (container->state().status == Status::removed)
        return fail(Code::conflict, "start container ", container->id(), ": it is being removed");
    TRY(wait_for_root(*cancel, *container));

    auto started = Starter(*this, cancel, container).run();
    if (started) return {};
    Error error = std::move(started).error();
    container->change([&](State& state) {
        state.error = error.what;
        state.exit_code = exit_code_of(error);
    });
    (void)update(services_.graph, container->id(), container->state(), nullptr);
    container->end_attaches();
    if (container->config().auto_remove) (void)remove_locked(container, lock);
    // The container is there; it is its program that is missing or must not be run.
    if (error.code == Code::not_found || error.code == Code::denied) error.code = Code::invalid;
    return error;
}

}  // namespace davit::container

// SPDX-License-Identifier: Apache-2.0
#include "core/container/containers.hpp"
#include "core/container/generated_files.hpp"
#include "core/container/networking.hpp"
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

constexpr std::size_t kIdBytes = 32;
constexpr int kNotStarted = 128;  // Docker's code of a start that came to nothing

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
    return kNotStarted;
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
        const volume::Volumes::Turn turn = take_turn();
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
        connected_ = true;
        Undo disconnect([&] {
            if (sandbox_) services_.networks.leave(*sandbox_);
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

    // False: the reason why it failed lies in what is around the program.
    bool connected() const { return connected_; }

private:
    volume::Volumes::Turn take_turn() const {
        std::vector<std::string> names;
        for (const Mount& mount : container_->config().mounts)
            if (mount.kind == MountKind::volume) names.push_back(mount.source);
        return names.empty() ? volume::Volumes::Turn() : services_.volumes.take_turn(names);
    }

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
    // Else a sandbox of our own joins networks; all of them may have been disconnected.
    Result<void> connect() {
        const std::string& mode = container_->config().network_mode;
        if (const std::string other = shared_with(mode); !other.empty()) return share(other);
        if (!has_own_networks(mode)) return {};
        NetNs netns = TRY(NetNs::create());
        network::JoinRequest request{.occupant = containers_.occupant_of(*container_),
                                     .netns = netns.fd(),
                                     .wanted = container_->networks()};
        sandbox_ = TRY(services_.networks.join(cancel_, request));
        endpoints_ = sandbox_->endpoints();
        netns_ = netns.release();
        return {};
    }

    Result<void> share(const std::string& reference) {
        const ContainerPtr other = TRY(containers_.find(reference));
        const State state = other->state();
        if (state.status != Status::running)
            return fail(Code::conflict,
                        "cannot join network of a non running container: ", other->id());
        const std::string path = "/proc/" + std::to_string(state.pid) + "/ns/net";
        netns_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!netns_) return os_error("join the network of container " + other->id());
        endpoints_ = other->endpoints();
        return {};
    }

    // What many programs look for to know that they run in a container. Never through a link that
    // the image put there; an image that has such a file keeps its own.
    static void mark_root(const Fd& root) {
        (void)open_in_root(root.get(), ".dockerenv", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                           0755);
    }

    Result<plugin::Process> create_process(const plugin::Exec& exec, const Fd& root) {
        const Config& config = container_->config();
        const std::string hostname = hostname_of(*container_);
        const bool host_network = config.network_mode == "host";
        TRY(write_generated_files(directory_.get(), {.config = config,
                                                     .hostname = hostname,
                                                     .endpoints = endpoints_,
                                                     .host_network = host_network}));
        Joined joined = TRY(join_others(containers_, config.namespaces));
        Spec spec =
            TRY(make_spec({.config = config,
                           .id = container_->id(),
                           .hostname = hostname,
                           .user = TRY(resolve_user(root.get(), config.user, config.group_add)),
                           .resources = container_->resources(),
                           .pid_namespace = joined.pid,
                           .ipc_namespace = joined.ipc,
                           .shm = &joined.shm,
                           .directory = directory_.get(),
                           .volumes = services_.volumes,
                           .network_namespace = !host_network}));
        plugin::ExecSpec wanted{.key = container_->id(),
                                .config = std::move(spec.text),
                                .root = root.get(),
                                .netns = netns_.get(),
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
                .log_path = config.log.keep ? services_.directory + "/" + container_->id() + "/" +
                                                  container_->id() + "-json.log"
                                            : "",
                .log_max_bytes = static_cast<std::uint64_t>(config.log.max_bytes),
                .log_max_files = config.log.max_files,
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
        started_.sandbox = sandbox_ ? sandbox_->id() : random_hex(kIdBytes);
        const auto own = sandbox_ ? endpoints_ : std::vector<network::EndpointPtr>();
        TRY(update_started(services_.graph, container_->id(), started_, own));
        auto done = exec.start(call_, container_->id());
        if (!done) (void)update_ended(services_.graph, container_->id(), before);
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
        remember_networks();
        container_->hold(std::move(sandbox_));
        container_->change([&](State& state) { state = started_; });
        // Whoever attached while this start was under way.
        container_->serve_attaches([&](std::uint32_t streams) {
            return exec.attach(call_, container_->id(), "", streams);
        });
        containers_.publish_volumes(*container_, "mount");
        containers_.publish(*container_, "start");
        containers_.watch_exit(container_, std::move(exited));
        services_.runs(container_);
    }

    // By which ids the networks were there, for inspect of the stopped container.
    void remember_networks() {
        if (!sandbox_) return;
        auto networks = container_->networks();
        for (network::EndpointSettings& settings : networks)
            for (const network::EndpointPtr& endpoint : endpoints_)
                if (endpoint->network == settings.network)
                    settings.network_id = endpoint->network_id;
        container_->set_networks(std::move(networks));
    }

    Containers& containers_;
    Services& services_;
    std::shared_ptr<Cancel> cancel_;
    ContainerPtr container_;
    sdk::Caller call_;
    Fd directory_, runtime_, netns_;
    SandboxPtr sandbox_;
    std::vector<network::EndpointPtr> endpoints_;  // of the sandbox it runs in, if not the host's
    bool connected_ = false;
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

    Starter starter(*this, cancel, container);
    auto started = starter.run();
    if (started) return {};
    Error error = std::move(started).error();
    container->change([&](State& state) {
        state.error = error.what;
        state.exit_code = starter.connected() ? exit_code_of(error) : kNotStarted;
    });
    (void)update(services_.graph, container->id(), container->state());
    container->end_attaches();
    if (container->config().auto_remove) (void)remove_locked(container, lock, OwnVolumes::remove);
    // The container is there; it is its program that is missing or must not be run.
    const bool of_program = error.code == Code::not_found || error.code == Code::denied;
    if (of_program && starter.connected()) error.code = Code::invalid;
    return error;
}

}  // namespace davit::container

// SPDX-License-Identifier: Apache-2.0
// How containers and sessions begin.
#include "drivers/exec/native/native_driver.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/process.hpp"
#include "sdk/base/undo.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <fstream>

namespace davit::native {

namespace {

constexpr const char* kPolicyFile = "seccomp";  // the compiled filter, for sessions after a restart
constexpr const char* kSessions = "exec";
constexpr std::size_t kMaxPolicy = 1u << 20;
constexpr std::size_t kMaxName = 128;

Result<Fd> keep(int fd, const char* what) {
    Fd kept(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!kept) return os_error(std::string("keep ") + what);
    return kept;
}

// Keys name control groups and session directories, and stand in records without escaping.
Result<void> check_name(std::string_view name, std::string_view more, const char* what) {
    const auto allowed = [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               more.find(c) != std::string_view::npos;
    };
    const bool plain =
        !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), allowed);
    if (!plain || more.find(name.front()) != std::string_view::npos ||
        name == sdk::Cgroups::kLaunch)
        return fail(Code::invalid, "read ", what, ": ", std::string(name), " is no valid name");
    return {};
}

// Which namespaces of `pid` are not ours: joining one's own user namespace is an error to the
// kernel.
Result<int> other_namespaces(pid_t pid) {
    constexpr std::array<std::pair<const char*, int>, 7> kKinds = {{{"user", CLONE_NEWUSER},
                                                                    {"pid", CLONE_NEWPID},
                                                                    {"mnt", CLONE_NEWNS},
                                                                    {"ipc", CLONE_NEWIPC},
                                                                    {"uts", CLONE_NEWUTS},
                                                                    {"net", CLONE_NEWNET},
                                                                    {"cgroup", CLONE_NEWCGROUP}}};
    int others = 0;
    for (const auto& [name, kind] : kKinds) {
        struct stat theirs {};
        struct stat ours {};
        const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + name;
        if (::stat(path.c_str(), &theirs) != 0) return os_error("look at namespaces");
        if (::stat((std::string("/proc/self/ns/") + name).c_str(), &ours) != 0)
            return os_error("look at namespaces");
        if (theirs.st_ino != ours.st_ino) others |= kind;
    }
    return others;
}

Result<std::vector<sdk::IdRange>> user_map_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/uid_map");
    std::vector<sdk::IdRange> map;
    for (sdk::IdRange range; file >> range.container >> range.host >> range.count;)
        map.push_back(range);
    if (map.empty()) return fail(Code::conflict, "read id map: the container does not run");
    return map;
}

void read_output(const davit_exec_output* output, LaunchContext& context) {
    if (output == nullptr) return;
    auto known = sdk::sized<davit_exec_output>();
    std::memcpy(&known, output, std::min<std::size_t>(output->size, sizeof known));
    context.output_flags = known.flags;
    context.log_path = sdk::text(known.log_path);
    context.log_max_bytes = known.log_max_bytes;
    context.log_max_files = known.log_max_files;
    context.rows = known.rows;
    context.columns = known.columns;
}

}  // namespace

Result<davit_exec_process> NativeDriver::create(const sdk::Call&,
                                                const davit_exec_create& request) {
    const std::string key = sdk::text(request.key);
    TRY(check_name(key, "._:-", "container key"));
    if (find(key)) return fail(Code::exists, "create container ", key, ": it exists already");
    // What a container of that key left that nobody removed would be taken for this one's.
    for (const char* stale : {"state.json", "exit.json", sdk::kControlName})
        ::unlinkat(request.state_fd, stale, 0);
    // The launcher starts while the rest is prepared: it has nothing to wait for yet.
    Launch launch = TRY(launcher_.spawn(launchers_.birthplace.get()));
    const ContainerConfig config = TRY(parse_config(sdk::view(request.config)));
    if (request.netns_fd >= 0 && (config.namespaces & CLONE_NEWUSER) != 0)
        return fail(Code::invalid, "create container ", key,
                    ": a user namespace needs a network of its own making");

    LaunchContext context;
    read_output(request.output, context);
    context.boot_id = boot_id_;
    context.group = key;
    context.state_directory = request.state_fd;
    if (config.default_policy)
        context.seccomp = TRY(policies_.standard(config.process.capabilities.bounding));
    if (!config.seccomp.empty()) context.seccomp = TRY(policies_.custom(config.seccomp));

    TRY(groups_->make(key, config.resources).context("create container ", key));
    Undo remove_group([&] { static_cast<void>(groups_->remove(key)); });
    const sdk::Entrance entrance = TRY(groups_->open_entrance(key));
    context.launchers = &launchers_;
    context.entrance = &entrance;
    TRY(atomic_write(request.state_fd, kPolicyFile, context.seccomp));
    Undo remove_policy([&] { ::unlinkat(request.state_fd, kPolicyFile, 0); });

    ContainerContext container;
    container.root = request.root_fd;
    container.network = request.netns_fd;
    container.mounts = std::span(request.mounts, request.mount_count);
    container.groups = groups_->directories(key);
    Fd memory_events;
    if (auto events = groups_->open_memory_events(key)) memory_events = std::move(*events);
    container.memory_events = memory_events.get();
    std::vector<Fd> joined;
    for (const JoinConfig& join : config.joins) {
        joined.emplace_back(::open(join.path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!joined.back()) return os_error("open namespace " + join.path);
        container.joins.emplace_back(joined.back().get(), join.kind);
    }
    SpecWriter writer;
    const Spec spec = TRY(encode_container(writer, config, context, container));
    sdk::Answer answer =
        TRY(LaunchClient::create(launch, writer, spec).context("create container ", key));
    if (answer.fds.empty())
        return fail(Code::internal, "create container ", key, ": its process did not come");

    auto handle = std::make_shared<ContainerHandle>();
    handle->group = key;
    handle->first = std::make_shared<ProcessHandle>();
    handle->first->directory = TRY(keep(request.state_fd, "state directory"));
    handle->first->group = key;
    handle->first->pid = answer.reply.pid;
    handle->first->process = std::move(answer.fds[0]);
    TRY(insert(key, handle));
    remove_group.keep();
    remove_policy.keep();
    handle->first->launcher = launch.launcher.detach();
    handle->first->channel = std::move(launch.channel);
    davit_exec_process out = describe(*handle->first);
    if (answer.fds.size() > 1) out.netns_fd = answer.fds[1].release();
    return out;
}

Result<davit_exec_process> NativeDriver::exec(const sdk::Call&, const davit_exec_session& request) {
    const std::string key = sdk::text(request.key);
    const std::string session = sdk::text(request.session);
    TRY(check_name(session, "", "session"));
    const ContainerPointer container = TRY(find(key));
    if (find(request.key, request.session))
        return fail(Code::exists, "create session ", session, ": it exists already");
    const ProcessHandle& first = *container->first;
    if (!first.process || has_ended(first.process.get()) || !sdk::read_state(first.directory.get()))
        return fail(Code::conflict, "run process in container ", key, ": it does not run");

    Launch launch = TRY(launcher_.spawn(launchers_.birthplace.get()));
    const ProcessConfig process = TRY(parse_process(sdk::view(request.process)));
    TRY(make_directory(first.directory.get(), kSessions));
    const std::string path = std::string(kSessions) + "/" + session;
    TRY(make_directory(first.directory.get(), path));
    Undo remove_directory([&] { static_cast<void>(remove_tree(first.directory.get(), path)); });
    Fd directory = TRY(open_beneath(first.directory.get(), path, O_RDONLY | O_DIRECTORY));

    LaunchContext context;
    context.boot_id = boot_id_;
    context.group = container->group;
    context.state_directory = directory.get();
    context.output_flags = request.flags;
    context.rows = request.rows;
    context.columns = request.columns;
    if (request.privileged == 0)
        context.seccomp = TRY(read_file(first.directory.get(), kPolicyFile, kMaxPolicy));
    const sdk::Entrance entrance = TRY(groups_->open_entrance_beside(container->group, first.pid));
    context.launchers = &launchers_;
    context.entrance = &entrance;
    SpecWriter writer;
    SessionContext inside{.target = first.process.get(),
                          .namespaces = TRY(other_namespaces(first.pid))};
    if ((inside.namespaces & CLONE_NEWUSER) != 0) inside.user_map = TRY(user_map_of(first.pid));
    const Spec spec = encode_session(writer, process, context, inside);
    sdk::Answer answer =
        TRY(LaunchClient::create(launch, writer, spec).context("run process in container ", key));
    if (answer.fds.empty())
        return fail(Code::internal, "run process in container ", key, ": it did not come");

    sdk::ControlRequest start;
    start.word = sdk::Word::start;
    auto handle = std::make_shared<ProcessHandle>();
    handle->directory = std::move(directory);
    handle->group = container->group;
    handle->pid = answer.reply.pid;
    handle->process = std::move(answer.fds[0]);
    handle->started = true;
    handle->session = true;
    auto started = sdk::ask(launch.channel.get(), start);
    if (!started) {
        // Its launcher holds output that nobody will take. Once it is gone the process is ours to
        // reap: a zombie would keep the container's pid namespace from ever ending.
        launch.launcher = Child();
        static_cast<void>(send_signal(handle->process.get(), SIGKILL));
        static_cast<void>(wait_child(handle->process.get()));
        return std::move(started).error();
    }
    {
        const std::lock_guard lock(container->mutex);
        if (!container->sessions.emplace(session, handle).second)
            return fail(Code::exists, "create session ", session, ": it exists already");
    }
    remove_directory.keep();
    handle->launcher = launch.launcher.detach();
    return describe(*handle);
}

}  // namespace davit::native

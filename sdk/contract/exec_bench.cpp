// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/exec_bench.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"
#include "sdk/base/mount.hpp"
#include "sdk/plugin/value.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/json.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace davit::sdk::contract {

namespace {

constexpr const char* kBusybox = "/bin/busybox";
constexpr const char* kApplets[] = {
    "sh",       "true", "false",    "echo",          "cat",   "sleep",  "id",    "ls",     "ps",
    "env",      "stty", "hostname", "kill",          "dd",    "head",   "mount", "umount", "grep",
    "readlink", "stat", "touch",    "mkdir",         "rm",    "wc",     "test",  "mknod",  "yes",
    "seq",      "tty",  "pwd",      "dnsdomainname", "umask", "ulimit", "ipcs",  "printf", "tail",
    "sed",      "tr",   "cut",      "setsid",        "chmod", "find"};

// What an engine lends: the sealed copy of one of its executables.
struct Lender {
    std::string directory;
    Fd sealed;

    static davit_status executable(const davit_host* host, const davit_call* call,
                                   const davit_executable_request* request, davit_executable* out) {
        auto& self = *static_cast<Lender*>(host->engine);
        const std::string path = self.directory + "/" + text(request->name);
        Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        Fd copy(::memfd_create("executable", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        char buffer[1 << 16];
        for (ssize_t count; (count = ::read(file.get(), buffer, sizeof buffer)) > 0;)
            if (::write(copy.get(), buffer, static_cast<std::size_t>(count)) != count) break;
        if (!file || ::fcntl(copy.get(), F_ADD_SEALS,
                             F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
            return call->fail(call, DAVIT_NOT_FOUND, errno, str("lend executable: not found"));
        self.sealed = std::move(copy);
        out->fd = self.sealed.get();
        return DAVIT_OK;
    }
};

constexpr davit_host_launch kLaunchTable = {sizeof(davit_host_launch), 0, &Lender::executable};

Lender& lender() {
    static Lender instance;
    return instance;
}

const void* lend(const davit_host*, davit_str id) {
    return view(id) == DAVIT_HOST_LAUNCH && !lender().directory.empty() ? &kLaunchTable : nullptr;
}
void say_nothing(const davit_host*, std::int32_t, davit_str, const davit_kv*, std::uint64_t) {}

std::string quoted(const std::vector<std::string>& list) {
    boost::json::array array;
    for (const std::string& one : list) array.emplace_back(one);
    return boost::json::serialize(array);
}

// A busybox for every applet by hard link, and the directories that mounts need least: the rest is
// the driver's to make.
void make_root(const std::string& path) {
    namespace fs = std::filesystem;
    for (const char* name : {"bin", "etc", "proc", "root", "tmp"})
        fs::create_directories(path + "/" + name);
    fs::copy_file(kBusybox, path + "/bin/busybox");
    for (const char* name : kApplets)
        fs::create_hard_link(path + "/bin/busybox", path + "/bin/" + name);
}

}  // namespace

bool readable(int fd, std::chrono::milliseconds patience) {
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, static_cast<int>(patience.count())) > 0;
}

std::string read_to_end(int fd) {
    std::string all;
    char buffer[1 << 16];
    while (readable(fd)) {
        const ssize_t count = ::read(fd, buffer, sizeof buffer);
        if (count <= 0) break;
        all.append(buffer, static_cast<std::size_t>(count));
    }
    return all;
}

std::string read_until(int fd, const std::string& text) {
    std::string all;
    char byte;
    while (all.find(text) == std::string::npos && readable(fd) && ::read(fd, &byte, 1) == 1)
        all += byte;
    return all;
}

std::string process_json(const Wish& wish) {
    const std::string tty = (wish.flags & DAVIT_EXEC_TTY) != 0 ? "true" : "false";
    const std::string caps = "[" + wish.capabilities + "]";
    return R"({"terminal": )" + tty + R"(, "user": )" + wish.user + R"(, "args": )" +
           quoted(wish.arguments) + R"(, "env": )" + quoted(wish.environment) + R"(, "cwd": ")" +
           wish.cwd + R"(", "capabilities": {"bounding": )" + caps + R"(, "effective": )" + caps +
           R"(, "permitted": )" + caps + "}" + wish.more_process + "}";
}

std::string config_json(const Wish& wish) {
    std::string namespaces;
    for (const std::string& type : wish.namespaces)
        namespaces +=
            (namespaces.empty() ? "" : ",") + std::string(R"({"type": ")") + type + R"("})";
    return R"({"ociVersion": "1.0.2", "process": )" + process_json(wish) +
           R"(, "root": {"path": "root", "readonly": )" + (wish.read_only ? "true" : "false") +
           R"(},
        "mounts": [
          {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
          {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
          {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
           "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
          {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
          {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
           "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"]})" +
           wish.more_mounts + R"(],
        "linux": {"namespaces": [)" +
           namespaces + R"(], "resources": )" + wish.resources + wish.more_linux + "}" + wish.more +
           "}";
}

ExecBench::ExecBench(const ExecSubject& subject) : subject_(subject) {
    char name[] = "/tmp/davit-exec-XXXXXX";
    path_ = ::mkdtemp(name);
    char scope[16];
    std::snprintf(scope, sizeof scope, "%08x", static_cast<unsigned>(::getpid()) ^ 0xe0000000u);
    scope_ = scope;
    directory_ = Fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    make_root(root_path());
}

ExecBench::~ExecBench() {
    for (const auto& [key, fd] : states_) {
        static_cast<void>(signal(key, SIGKILL));
        if (auto waiter = wait(key)) readable(waiter->get());
        static_cast<void>(remove(key));
    }
    close();
    states_.clear();
    for (const std::string& parent : group_parents()) {
        // The last launchers may still be on their way out.
        for (int tries = 0;
             tries < 200 && ::rmdir((parent + "/launch").c_str()) != 0 && errno == EBUSY; ++tries)
            ::usleep(10'000);
        ::rmdir(parent.c_str());
    }
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void ExecBench::set_up() {
    const auto opened = open();
    ASSERT_TRUE(opened) << opened.error().what;
}

Result<void> ExecBench::open() {
    lender().directory = subject_.executables;
    host_ = sized<davit_host>();
    host_.minor = DAVIT_ABI_MINOR;
    host_.engine = &lender();
    host_.name = str("contract");
    host_.get = lend;
    host_.log = say_nothing;
    auto request = sized<davit_open>();
    auto opened = sized<davit_opened>();
    request.state_fd = directory_.get();
    request.host = &host_;
    request.instance = str("contract");
    request.config = str(subject_.config);
    request.scope = str(scope_);
    Caller caller;
    caller.begin(nullptr);
    TRY(caller.finish(subject_.driver()->open(caller.raw(), &request, &opened)));
    instance_ = opened.instance;
    table_ = static_cast<const davit_exec*>(instance_->get(instance_, str(DAVIT_EXEC)));
    if (table_ == nullptr) return fail(Code::internal, "open driver: it has no davit.exec/1");
    return {};
}

void ExecBench::close() {
    if (instance_ == nullptr) return;
    Caller caller;
    caller.begin(nullptr);
    instance_->close(instance_, caller.raw());
    instance_ = nullptr;
}

Result<void> ExecBench::reopen() {
    close();
    return open();
}

const void* ExecBench::ability(const char* id) const {
    return instance_->get(instance_, davit_str{id, std::char_traits<char>::length(id)});
}
bool ExecBench::offers(const char* id) const { return ability(id) != nullptr; }

int ExecBench::state_directory(const std::string& key) {
    for (const auto& [name, fd] : states_)
        if (name == key) return fd.get();
    const std::string name = "state-" + key;
    ::mkdirat(directory_.get(), name.c_str(), 0700);
    states_.emplace_back(
        key, Fd(::openat(directory_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    return states_.back().second.get();
}

Result<Created> ExecBench::owned(const davit_exec_process& process) const {
    return Created{process.pid, Fd(process.pid_fd), Fd(process.keeper_fd), Fd(process.netns_fd),
                   process.state};
}

Result<Created> ExecBench::create(const std::string& key, const Wish& wish) {
    DetachedMount root = TRY(DetachedMount::clone(directory_.get(), "root"));
    const std::string config = config_json(wish);
    const std::string log = wish.log ? log_path(key) : "";
    auto output = sized<davit_exec_output>();
    output.flags = wish.flags;
    output.log_path = str(log);
    output.log_max_bytes = wish.log_max_bytes;
    output.log_max_files = wish.log_max_files;
    output.rows = 24;
    output.columns = 80;
    std::vector<std::int32_t> mounts(5, -1);
    mounts.insert(mounts.end(), wish.more_mount_fds.begin(), wish.more_mount_fds.end());
    auto request = sized<davit_exec_create>();
    request.root_fd = root.fd();
    request.netns_fd = wish.netns;
    request.state_fd = state_directory(key);
    request.key = str(key);
    request.config = str(config);
    request.mounts = mounts.data();
    request.mount_count = mounts.size();
    request.output = &output;
    return owned(TRY(Caller().ask(table_->create, instance_, request)));
}

namespace {
template <class Request>
Request named(const std::string& key, const std::string& session) {
    auto request = sized<Request>();
    request.key = str(key);
    request.session = str(session);
    return request;
}
}  // namespace

Result<void> ExecBench::start(const std::string& key) {
    return Caller().tell(table_->start, instance_, named<davit_exec_key>(key, ""));
}

Result<Created> ExecBench::run(const std::string& key, const Wish& wish) {
    Created created = TRY(create(key, wish));
    TRY(start(key));
    return created;
}

Result<Streams> ExecBench::attach(const std::string& key, std::uint32_t streams,
                                  const std::string& session) {
    auto request = named<davit_exec_attach>(key, session);
    request.streams = streams;
    const davit_exec_streams out = TRY(Caller().ask(table_->attach, instance_, request));
    return Streams{Fd(out.in), Fd(out.out), Fd(out.err), out.log_offset, out.log_file};
}

Result<void> ExecBench::signal(const std::string& key, int number, const std::string& session,
                               bool everyone) {
    auto request = named<davit_exec_signal>(key, session);
    request.signal = number;
    request.everyone = everyone ? 1 : 0;
    return Caller().tell(table_->signal, instance_, request);
}

Result<Fd> ExecBench::wait(const std::string& key, const std::string& session) {
    return Fd(TRY(Caller().ask(table_->wait, instance_, named<davit_exec_key>(key, session))).fd);
}

Result<davit_exec_exit> ExecBench::exit_record(const std::string& key, const std::string& session) {
    return Caller().ask(table_->exit_record, instance_, named<davit_exec_key>(key, session));
}

Result<Created> ExecBench::exec(const std::string& key, const std::string& session,
                                const Wish& wish, bool privileged) {
    const std::string process = process_json(wish);
    auto request = named<davit_exec_session>(key, session);
    request.flags = wish.flags;
    request.process = str(process);
    request.privileged = privileged ? 1 : 0;
    return owned(TRY(Caller().ask(table_->exec, instance_, request)));
}

Result<void> ExecBench::resize(const std::string& key, std::uint16_t rows, std::uint16_t columns,
                               const std::string& session) {
    auto request = named<davit_exec_resize>(key, session);
    request.rows = rows;
    request.columns = columns;
    return Caller().tell(table_->resize, instance_, request);
}

Result<void> ExecBench::update(const std::string& key, const std::string& resources) {
    auto request = sized<davit_exec_update>();
    request.key = str(key);
    request.resources = str(resources);
    return Caller().tell(table_->update, instance_, request);
}

Result<void> ExecBench::remove(const std::string& key, const std::string& session) {
    return Caller().tell(table_->remove, instance_, named<davit_exec_key>(key, session));
}

Result<Created> ExecBench::recover(const std::string& key) {
    auto request = sized<davit_exec_recover>();
    request.state_fd = state_directory(key);
    request.key = str(key);
    return owned(TRY(Caller().ask(table_->recover, instance_, request)));
}

Result<std::vector<std::int32_t>> ExecBench::list(const std::string& key) {
    std::vector<std::int32_t> pids;
    TRY(Caller().list<davit_exec_listed>(
        table_->list, instance_, named<davit_exec_key>(key, ""),
        [&](const davit_exec_listed& one) { pids.push_back(one.pid); }));
    return pids;
}

Result<davit_exec_exit> ExecBench::ended(const std::string& key, const std::string& session) {
    const Fd waiter = TRY(wait(key, session));
    if (!readable(waiter.get())) return fail(Code::deadline, "wait for ", key, ": it still runs");
    return exit_record(key, session);
}

std::string ExecBench::logged(const std::string& key, const std::string& stream) const {
    std::ifstream file(log_path(key));
    std::string all;
    for (std::string line; std::getline(file, line);) {
        const auto record = json::parse_object(line, "log");
        if (!record) return "broken record: " + line;
        if (!stream.empty() && std::string_view(record->at("stream").as_string()) != stream)
            continue;
        all += std::string_view(record->at("log").as_string());
    }
    return all;
}

std::string ExecBench::output_of(const std::string& command, Wish wish) {
    const std::string key = "shell-" + std::to_string(++sessions_);
    wish.arguments = {"/bin/sh", "-c", command};
    const auto created = run(key, wish);
    if (!created) return "not run: " + created.error().what;
    const auto record = ended(key);
    if (!record) return "not ended: " + record.error().what;
    return logged(key);
}

std::string ExecBench::output_in(const std::string& key, const std::string& command, Wish wish,
                                 bool privileged) {
    const std::string session = "shell" + std::to_string(++sessions_);
    const std::string file = "/tmp/" + session;
    wish.arguments = {"/bin/sh", "-c", "{ " + command + "; } > " + file + " 2>&1"};
    const auto created = exec(key, session, wish, privileged);
    if (!created) return "not run: " + created.error().what;
    const auto record = ended(key, session);
    if (!record) return "not ended: " + record.error().what;
    std::ifstream output(root_path() + file);
    return {std::istreambuf_iterator<char>(output), {}};
}

std::set<std::string> ExecBench::leftovers() const {
    std::set<std::string> found;
    for (const std::string& parent : group_parents())
        for (const auto& entry : std::filesystem::directory_iterator(parent))
            if (entry.is_directory() && entry.path().filename() != "launch")
                found.insert(entry.path().string());
    return found;
}

std::vector<std::string> ExecBench::group_parents() const {
    const std::filesystem::path top = "/sys/fs/cgroup";
    std::vector<std::filesystem::path> hierarchies{top};
    if (!std::filesystem::exists(top / "cgroup.controllers"))  // of version 2
        for (const auto& hierarchy : std::filesystem::directory_iterator(top))
            hierarchies.push_back(hierarchy.path());
    std::vector<std::string> parents;
    for (const auto& hierarchy : hierarchies)
        if (const auto parent = hierarchy / ("davit-" + scope_); std::filesystem::exists(parent))
            parents.push_back(parent.string());
    return parents;
}

std::size_t ExecBench::descriptors() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

}  // namespace davit::sdk::contract

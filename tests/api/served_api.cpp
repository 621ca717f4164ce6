// SPDX-License-Identifier: Apache-2.0
#include "tests/api/served_api.hpp"

#include <dlfcn.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>

namespace davit::docker_api::test {

namespace {

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "served api: %s\n", what.c_str());
    std::abort();
}

const davit_driver* load_driver() {
    void* const library = ::dlopen(DAVIT_DOCKER_API, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) die(::dlerror());
    const auto entry = reinterpret_cast<davit_module_fn>(::dlsym(library, DAVIT_MODULE_SYMBOL));
    if (entry == nullptr) die("no " DAVIT_MODULE_SYMBOL);
    return entry()->drivers[0];
}

Fd listen_at(const std::string& path) {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
        die("bind " + path);
    if (::listen(fd.get(), SOMAXCONN) < 0) die("listen " + path);
    return fd;
}

const davit_service* service_of(davit_instance* instance) {
    return static_cast<const davit_service*>(instance->get(instance, sdk::str(DAVIT_SERVICE)));
}

}  // namespace

bool Asked::wait_cancelled(int milliseconds) const {
    pollfd set{call_->cancel_fd, POLLIN, 0};
    return ::poll(&set, 1, milliseconds) > 0;
}

davit_status Asked::answer(std::uint32_t kind, const std::string& text, bool terminal) const {
    auto answer = sdk::sized<davit_answer>();
    answer.kind = kind;
    answer.text = sdk::str(text);
    answer.tty = terminal ? 1 : 0;
    return call_->emit(call_, &answer);
}

davit_status Asked::output(std::uint32_t stream, const std::string& bytes, bool terminal) const {
    auto answer = sdk::sized<davit_answer>();
    answer.kind = DAVIT_ANSWER_OUTPUT;
    answer.text = sdk::str(bytes);
    answer.stream = stream;
    answer.tty = terminal ? 1 : 0;
    return call_->emit(call_, &answer);
}

davit_status Asked::streams(int in, int out, int err, bool terminal) const {
    auto answer = sdk::sized<davit_answer>();
    answer.kind = DAVIT_ANSWER_STREAMS;
    answer.tty = terminal ? 1 : 0;
    answer.in = in;
    answer.out = out;
    answer.err = err;
    return call_->emit(call_, &answer);
}

davit_status Asked::fail(davit_status code, const std::string& text) const {
    return call_->fail(call_, code, 0, sdk::str(text));
}

ServedApi::ServedApi() {
    char name[] = "/tmp/davit-api-XXXXXX";
    if (::mkdtemp(name) == nullptr) die("make directory");
    directory_ = name;
    socket_path_ = directory_ + "/socket";
    listener_ = listen_at(socket_path_);

    engine_.size = sizeof engine_;
    engine_.submit = engine_.query = engine_.subscribe = &ServedApi::dispatch;
    host_.size = sizeof host_;
    host_.engine = this;
    host_.name = sdk::str("test");
    host_.get = [](const davit_host* host, davit_str id) -> const void* {
        return sdk::view(id) == DAVIT_ENGINE ? &static_cast<ServedApi*>(host->engine)->engine_
                                             : nullptr;
    };
    host_.log = [](const davit_host*, std::int32_t, davit_str line, const davit_kv*,
                   std::uint64_t) { std::fprintf(stderr, "docker-api: %s\n", line.data); };

    sdk::Caller caller;
    auto open = sdk::sized<davit_open>();
    open.state_fd = -1;
    open.host = &host_;
    open.instance = sdk::str("docker-api");
    open.config = sdk::str("{}");
    open.scope = sdk::str("00000000");
    auto opened = sdk::sized<davit_opened>();
    caller.begin(nullptr);
    if (auto done = caller.finish(load_driver()->open(caller.raw(), &open, &opened)); !done)
        die(done.error().what);
    instance_ = opened.instance;

    auto start = sdk::sized<davit_service_start>();
    const int listener = listener_.get();
    const std::string url = "unix://" + socket_path_;
    const davit_str address = sdk::str(url);
    start.listener_count = 1;
    start.listeners = &listener;
    start.addresses = &address;
    if (auto done = caller.tell(service_of(instance_)->start, instance_, start); !done)
        die(done.error().what);
}

ServedApi::~ServedApi() {
    stop();
    sdk::Caller caller;
    instance_->close(instance_, caller.raw());
    ::unlink(socket_path_.c_str());
    ::rmdir(directory_.c_str());
}

void ServedApi::stop() {
    sdk::Caller caller;
    if (auto done = caller.run(service_of(instance_)->stop, instance_); !done)
        die(done.error().what);
}

void ServedApi::on(const std::string& name, Operation operation) {
    const std::lock_guard lock(mutex_);
    operations_[name] = std::move(operation);
}

std::vector<std::string> ServedApi::asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
}

davit_status ServedApi::dispatch(const davit_host* host, const davit_call* call,
                                 const davit_operation* operation) {
    ServedApi& self = *static_cast<ServedApi*>(host->engine);
    const Asked asked(call, operation);
    Operation found;
    {
        const std::lock_guard lock(self.mutex_);
        self.asked_.push_back(asked.name());
        if (const auto entry = self.operations_.find(asked.name()); entry != self.operations_.end())
            found = entry->second;
    }
    if (!found) return asked.fail(DAVIT_UNSUPPORTED, asked.name() + ": not supported yet");
    return found(asked);
}

}  // namespace davit::docker_api::test

// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/launch_client.hpp"

#include "sdk/base/pipe.hpp"

#include <dlfcn.h>
#include <sys/socket.h>

namespace davit::native {

namespace {

constexpr int kChannel = 3;  // as launch/main.cpp has it

// Beside the driver's own file: lib/davit/drivers/native.so → bin/davit-launch.
Result<std::string> beside_driver() {
    Dl_info info{};
    if (::dladdr(reinterpret_cast<const void*>(&beside_driver), &info) == 0 ||
        info.dli_fname == nullptr)
        return fail(Code::not_found, "find davit-launch: the driver does not know its own file");
    std::string file = info.dli_fname;
    char target[4096];  // an engine that loads drivers by descriptor: the link says which file that
                        // was
    if (const ssize_t length = ::readlink(file.c_str(), target, sizeof target); length > 0)
        file.assign(target, static_cast<std::size_t>(length));
    const std::string path = file.substr(0, file.rfind('/') + 1) + "../../../bin/davit-launch";
    if (::access(path.c_str(), X_OK) != 0) return os_error("find davit-launch at " + path);
    return path;
}

}  // namespace

Result<LaunchClient> LaunchClient::open(const sdk::Call& call, sdk::Host host) {
    const auto* service = host.get<davit_host_launch>(DAVIT_HOST_LAUNCH);
    if (service == nullptr) return LaunchClient(TRY(beside_driver()));
    auto request = sdk::sized<davit_executable_request>();
    auto found = sdk::sized<davit_executable>();
    request.name = sdk::str("davit-launch");
    const davit_status status = service->executable(host.raw(), call.raw(), &request, &found);
    if (status != DAVIT_OK)
        return fail(static_cast<Code>(status), "find davit-launch: the engine has none");
    return LaunchClient("/proc/self/fd/" + std::to_string(found.fd));
}

Result<Launch> LaunchClient::spawn(int group) const {
    SocketPair channel = TRY(make_socket_pair(SOCK_SEQPACKET));
    Spawn request;
    request.path = path_;
    request.arguments = {"davit-launch"};
    request.fds = {{channel.theirs.get(), kChannel}};
    request.group = group;
    Child child = TRY(davit::spawn(request));
    return Launch{std::move(child), std::move(channel.ours)};
}

Result<sdk::Answer> LaunchClient::create(Launch& launch, SpecWriter& writer, const Spec& spec) {
    TRY(writer.send(spec, launch.channel.get()));
    return sdk::receive_answer(launch.channel.get());
}

}  // namespace davit::native

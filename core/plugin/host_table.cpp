// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/host_table.hpp"

#include "core/plugin/credentials.hpp"
#include "davit/base.h"
#include "sdk/plugin/value.hpp"

#include <cstddef>

namespace davit::plugin {
namespace {

using sdk::str;
using sdk::text;
using sdk::view;

const HostTable& table_of(const davit_host* host) {
    return *static_cast<const HostTable*>(host->engine);
}
const HostServices& services_of(const davit_host* host) { return table_of(host).services(); }

davit_status report(const davit_call* call, const Error& error) {
    return call->fail(call, static_cast<davit_status>(error.code), error.os_errno, str(error.what));
}

davit_status find_secret(const davit_host* host, const davit_call* call,
                         const davit_secret_request* req) noexcept {
    if (view(req->kind) != "registry")
        return report(call, fail(Code::not_found, "find secret: this host keeps none of kind ",
                                 view(req->kind)));
    const auto found = find_credentials(services_of(host).credentials_file, text(req->name));
    if (!found) return report(call, found.error());
    auto secret = sdk::sized<davit_secret>();
    secret.username = str(found->username);
    secret.password = str(found->password);
    secret.identity_token = str(found->identity_token);
    secret.registry_token = str(found->registry_token);
    return call->emit(call, &secret);
}

davit_status find_executable(const davit_host* host, const davit_call* call,
                             const davit_executable_request* req, davit_executable* out) noexcept {
    const auto found = services_of(host).executables->find(text(req->name));
    if (!found) return report(call, found.error());
    if (!DAVIT_HAS(out, fd))
        return report(call, fail(Code::invalid, "write result: it has no room"));
    out->fd = *found;
    return DAVIT_OK;
}

constexpr davit_host_secrets kSecrets = {sizeof(davit_host_secrets), 0, &find_secret};
constexpr davit_host_launch kLaunch = {sizeof(davit_host_launch), 0, &find_executable};

}  // namespace

HostTable::HostTable(HostServices services, std::string source)
    : services_(std::move(services)), source_(std::move(source)) {
    table_.size = sizeof table_;
    table_.minor = DAVIT_ABI_MINOR;
    table_.engine = this;
    table_.name = str(services_.name);
    table_.get = [](const davit_host* host, davit_str id) noexcept -> const void* {
        if (view(id) == DAVIT_HOST_SECRETS) return &kSecrets;
        if (view(id) == DAVIT_HOST_LAUNCH && services_of(host).executables) return &kLaunch;
        if (view(id) == DAVIT_ENGINE && table_of(host).source().starts_with("service/"))
            return services_of(host).engine_table;
        return nullptr;
    };
    table_.log = [](const davit_host* host, std::int32_t level, davit_str line,
                    const davit_kv* fields, std::uint64_t count) noexcept {
        if (const auto& log = services_of(host).log)
            log(table_of(host).source(), level, view(line), fields, count);
    };
}

void* HostTable::engine_of(const davit_host* host) { return services_of(host).engine; }

}  // namespace davit::plugin

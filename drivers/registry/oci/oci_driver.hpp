// SPDX-License-Identifier: Apache-2.0
// Registries that speak the OCI distribution specification 1.1 (and Docker's registry API 2).
// The promises of every method are those of davit/registry.h. Thread-safe.
#pragma once

#include "drivers/registry/oci/auth.hpp"
#include "drivers/registry/oci/hosts.hpp"
#include "drivers/registry/oci/http.hpp"
#include "drivers/registry/oci/session.hpp"
#include "sdk/plugin/registry_driver.hpp"

#include <functional>
#include <memory>
#include <string>

namespace davit::oci {

class OciDriver final : public sdk::RegistryDriver {
public:
    static Result<std::unique_ptr<OciDriver>> open(const sdk::Call& call,
                                                   const davit_open& request);

    Result<void> resolve(const sdk::Call& call, const davit_registry_resolve& request) override;
    Result<void> fetch(const sdk::Call& call, const davit_registry_fetch& request,
                       davit_registry_fetched& out) override;
    Result<davit_registry_pushed> push_blob(const sdk::Call& call,
                                            const davit_registry_push_blob& request) override;
    Result<void> push_manifest(const sdk::Call& call,
                               const davit_registry_push_manifest& request) override;
    Result<void> tags(const sdk::Call& call, const davit_registry_list& request) override;
    Result<void> referrers(const sdk::Call& call, const davit_registry_list& request) override;
    Result<void> remove(const sdk::Call& call, const davit_registry_list& request) override;
    Result<void> login(const sdk::Call& call, const davit_registry_login& request) override;

private:
    OciDriver(sdk::Host host, Config config, std::unique_ptr<Http> http);

    Network network() { return {*http_, hosts_, tokens_}; }
    Result<Credentials> credentials(const davit_repository& repository, const Peer& peer) const;
    Result<Credentials> stored_credentials(const std::string& name) const;
    Result<Session> origin(const sdk::Call& call, const davit_repository& repository,
                           const std::string& actions, const std::string& also = "");
    // Runs `ask` with each mirror and then with the registry itself, until one of them does what it
    // is asked. `may_go_on` (null: always) is asked before another one is tried.
    Result<void> from_any(const sdk::Call& call, const davit_repository& repository,
                          const std::function<Result<void>(Session&)>& ask,
                          const std::function<bool()>& may_go_on = nullptr);
    Result<void> emit_referrers(const sdk::Call& call, const davit_registry_list& request,
                                const std::string& index) const;

    sdk::Host host_;
    std::unique_ptr<Http> http_;
    Hosts hosts_;
    Tokens tokens_;
};

}  // namespace davit::oci

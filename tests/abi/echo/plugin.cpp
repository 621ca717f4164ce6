// SPDX-License-Identifier: Apache-2.0
// A storage driver on the C++ face that says in its results and errors what arrived, so that tests
// see what the thunks made of requests of other sizes. Keys that are words make it misbehave.
#include "sdk/plugin/storage_driver.hpp"

#include <stdexcept>

namespace davit::echo {

using sdk::Call;

class EchoDriver final : public sdk::StorageDriver {
public:
    static Result<std::unique_ptr<EchoDriver>> open(const Call&, const davit_open& request) {
        if (sdk::view(request.config).find("refuse") != std::string_view::npos)
            return fail(Code::unsupported, "open echo: told to refuse");
        return std::make_unique<EchoDriver>();
    }

    // `existed` tells whether the tail of the request arrived: 1 for labels, 2 for a limit of
    // files.
    Result<davit_storage_prepared> prepare(const Call&,
                                           const davit_storage_prepare& request) override {
        const auto key = sdk::view(request.key);
        if (key == "throw") throw std::runtime_error("thrown on purpose");
        if (key == "throw-number") throw 7;
        auto out = sdk::sized<davit_storage_prepared>();
        out.existed = (request.label_count != 0 ? 1u : 0u) + (request.limit_files != 0 ? 2u : 0u);
        out.view = DAVIT_STORAGE_BARE;
        out.padding = 0xffffffff;
        return out;
    }
    Result<davit_storage_mounted> mount(const Call&, const davit_storage_mount&) override {
        return none("mount");
    }
    Result<void> release(const Call&, const davit_storage_key&) override { return {}; }
    Result<davit_storage_committed> commit(const Call&, const davit_storage_commit&) override {
        return none("commit");
    }
    Result<void> remove(const Call& call, const davit_storage_key&) override {
        return call.check("remove layer");
    }
    // Emits one record and gives the host's answer back.
    Result<void> stat(const Call& call, const davit_storage_key& request) override {
        auto layer = sdk::sized<davit_storage_layer>();
        layer.state = DAVIT_STORAGE_COMMITTED;
        layer.key = request.key;
        layer.parent = sdk::str("below");
        return call.emit(layer);
    }
    Result<void> list(const Call&) override { return {}; }
    Result<davit_storage_space> usage(const Call&, const davit_storage_key&) override {
        return none("usage");
    }
    Result<void> sync(const Call&) override { return os_error(28, "sync layers"); }
    Result<void> retain(const Call&, const davit_storage_retain&) override { return {}; }
    Result<void> check(const Call&, const davit_storage_check&) override { return {}; }

private:
    static Error none(std::string_view what) {
        return fail(Code::unsupported, what, " layer: this driver only echoes");
    }
};

}  // namespace davit::echo

DAVIT_DRIVER(StorageDriver, "storage", "echo", davit::echo::EchoDriver)

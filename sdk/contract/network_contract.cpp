// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/network_contract.hpp"

#include "sdk/contract/network_bench.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <optional>

namespace davit::sdk::contract {
namespace {

class CaseTest final : public testing::Test {
public:
    CaseTest(std::shared_ptr<const NetworkSubject> subject, NetworkCase promise)
        : subject_(std::move(subject)), bench_(*subject_), case_(promise) {}

    void SetUp() override { bench_.set_up(); }
    void TestBody() override { case_.body(bench_); }

private:
    std::shared_ptr<const NetworkSubject> subject_;
    NetworkBench bench_;
    NetworkCase case_;
};

}  // namespace

void register_network_contract(NetworkSubject subject) {
    // A loader may keep a file open for each load; the cases that count descriptors shall not see
    // that.
    subject.driver = [load = std::move(subject.driver),
                      loaded = std::optional<const davit_driver*>()]() mutable {
        if (!loaded) loaded = load();
        return *loaded;
    };
    const auto shared = std::make_shared<const NetworkSubject>(std::move(subject));
    const std::string suite = shared->name + "NetworkContract";
    for (const auto& chapter : {network_life_cases(), network_packet_cases(),
                                network_recovery_cases(), network_crash_cases()}) {
        for (const NetworkCase& promise : chapter)
            testing::RegisterTest(
                suite.c_str(), promise.name, nullptr, nullptr, __FILE__, __LINE__,
                [shared, promise]() -> testing::Test* { return new CaseTest(shared, promise); });
    }
}

}  // namespace davit::sdk::contract

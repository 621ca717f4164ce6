// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/storage_contract.hpp"

#include "sdk/contract/storage_bench.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <optional>

namespace davit::sdk::contract {
namespace {

class CaseTest final : public testing::Test {
public:
    CaseTest(std::shared_ptr<const StorageSubject> subject, StorageCase promise)
        : subject_(std::move(subject)), bench_(*subject_), case_(promise) {}

    void SetUp() override { bench_.set_up(); }
    void TestBody() override { case_.body(bench_); }

private:
    std::shared_ptr<const StorageSubject> subject_;
    StorageBench bench_;
    StorageCase case_;
};

}  // namespace

void register_storage_contract(StorageSubject subject) {
    // A loader may keep a file open for each load; the cases that count descriptors shall not see
    // that.
    subject.driver = [load = std::move(subject.driver),
                      loaded = std::optional<const davit_driver*>()]() mutable {
        if (!loaded) loaded = load();
        return *loaded;
    };
    const auto shared = std::make_shared<const StorageSubject>(std::move(subject));
    const std::string suite = shared->name + "StorageContract";
    for (const auto& chapter : {storage_life_cases(), storage_content_cases(), storage_call_cases(),
                                storage_crash_cases()}) {
        for (const StorageCase& promise : chapter)
            testing::RegisterTest(
                suite.c_str(), promise.name, nullptr, nullptr, __FILE__, __LINE__,
                [shared, promise]() -> testing::Test* { return new CaseTest(shared, promise); });
    }
}

}  // namespace davit::sdk::contract

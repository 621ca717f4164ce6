// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/registry_contract.hpp"

#include "sdk/contract/expectation.hpp"
#include "sdk/contract/registry_bench.hpp"

#include <gtest/gtest.h>
#include <csignal>
#include <memory>
#include <optional>

namespace davit::sdk::contract {
namespace {

class CaseTest final : public testing::Test {
public:
    CaseTest(std::shared_ptr<const RegistrySubject> subject, RegistryCase promise)
        : subject_(std::move(subject)), case_(promise) {}

    void SetUp() override {
        ::signal(SIGPIPE,
                 SIG_IGN);  // as in davitd: a closed sink is an error, not the end of the engine
        const std::string registry = subject_->registry();
        ASSERT_FALSE(registry.empty()) << "a registry is needed";
        auto bench = RegistryBench::open(*subject_, registry);
        ASSERT_TRUE(succeeds(bench));
        bench_ = std::move(*bench);
        bench_->repository = std::string("contract/") + case_.name;
    }
    void TestBody() override { case_.body(*bench_); }

private:
    std::shared_ptr<const RegistrySubject> subject_;
    RegistryCase case_;
    std::unique_ptr<RegistryBench> bench_;
};

template <class T>
std::function<T()> once(std::function<T()> ask) {
    return [ask = std::move(ask), known = std::optional<T>()]() mutable {
        if (!known) known = ask();
        return *known;
    };
}

}  // namespace

void register_registry_contract(RegistrySubject subject) {
    subject.driver = once(std::move(subject.driver));
    subject.registry = once(std::move(subject.registry));
    const auto shared = std::make_shared<const RegistrySubject>(std::move(subject));
    const std::string suite = shared->name + "RegistryContract";
    for (const RegistryCase& promise : registry_cases())
        testing::RegisterTest(
            suite.c_str(), promise.name, nullptr, nullptr, __FILE__, __LINE__,
            [shared, promise]() -> testing::Test* { return new CaseTest(shared, promise); });
}

}  // namespace davit::sdk::contract

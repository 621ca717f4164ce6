// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/exec_contract.hpp"

#include "sdk/contract/exec_bench.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <optional>

namespace davit::sdk::contract {
namespace {

class ExecCaseTest final : public testing::Test {
public:
    ExecCaseTest(std::shared_ptr<const ExecSubject> subject, ExecCase promise)
        : subject_(std::move(subject)), bench_(*subject_), case_(promise) {}

    void SetUp() override { bench_.set_up(); }
    void TestBody() override { case_.body(bench_); }

private:
    std::shared_ptr<const ExecSubject> subject_;
    ExecBench bench_;
    ExecCase case_;
};

}  // namespace

void register_exec_contract(ExecSubject subject) {
    // A loader may keep a file open for each load; the cases that count descriptors shall not see
    // that.
    subject.driver = [load = std::move(subject.driver),
                      loaded = std::optional<const davit_driver*>()]() mutable {
        if (!loaded) loaded = load();
        return *loaded;
    };
    const auto shared = std::make_shared<const ExecSubject>(std::move(subject));
    const std::string suite = shared->name + "ExecContract";
    for (const auto& chapter : {exec_life_cases(), exec_stream_cases(), exec_inside_cases(),
                                exec_session_cases(), exec_call_cases()}) {
        for (const ExecCase& promise : chapter)
            testing::RegisterTest(suite.c_str(), promise.name, nullptr, nullptr, __FILE__, __LINE__,
                                  [shared, promise]() -> testing::Test* {
                                      return new ExecCaseTest(shared, promise);
                                  });
    }
}

}  // namespace davit::sdk::contract

// SPDX-License-Identifier: Apache-2.0
// What the contract suites share: expectations on Result, and a host that lends nothing. Private to
// the suites.
#pragma once

#include "davit/host.h"
#include "sdk/base/result.hpp"

#include <gtest/gtest.h>
#include <memory>

namespace davit::sdk::contract {

template <class T>
testing::AssertionResult succeeds(const Result<T>& result) {
    if (result) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << code_name(result.error().code) << ": " << result.error().what;
}

// The operation failed with this code, and said why in words.
template <class T>
testing::AssertionResult fails_as(const Result<T>& result, Code code) {
    if (result) return testing::AssertionFailure() << "it succeeded; expected: " << code_name(code);
    if (result.error().code != code)
        return testing::AssertionFailure()
               << "expected: " << code_name(code) << "; got " << code_name(result.error().code)
               << ": " << result.error().what;
    if (result.error().what.empty()) return testing::AssertionFailure() << "it gave no reason";
    return testing::AssertionSuccess();
}

// A host without services, whose log goes nowhere.
std::unique_ptr<davit_host> plain_host();

}  // namespace davit::sdk::contract

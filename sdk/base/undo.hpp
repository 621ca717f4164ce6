// SPDX-License-Identifier: Apache-2.0
// A step to take back unless the whole operation succeeds. Steps run in reverse order of their
// declaration.
#pragma once

#include <utility>

namespace davit {

template <class Step>
class [[nodiscard]] Undo {
public:
    explicit Undo(Step step) : step_(std::move(step)) {}
    Undo(const Undo&) = delete;
    Undo& operator=(const Undo&) = delete;
    ~Undo() {
        if (armed_) step_();
    }
    void keep() { armed_ = false; }  // the operation succeeded: nothing to take back

private:
    Step step_;
    bool armed_ = true;
};

}  // namespace davit

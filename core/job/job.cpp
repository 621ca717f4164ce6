// SPDX-License-Identifier: Apache-2.0
#include "core/job/job.hpp"

#include "sdk/plugin/value.hpp"

#include <boost/json.hpp>

#include <utility>

namespace davit::job {

namespace json = boost::json;

namespace {

davit_answer answer_of(std::uint32_t kind) {
    auto answer = sdk::sized<davit_answer>();
    answer.kind = kind;
    answer.text = sdk::str("");
    answer.in = answer.out = answer.err = -1;
    return answer;
}

}  // namespace

Job::Job(const Request& request, std::shared_ptr<Cancel> cancel, Emit emit)
    : request_(request), cancel_(std::move(cancel)), emit_(std::move(emit)) {}

std::string Job::argument(std::string_view name) const {
    const json::value* found = request_.args->if_contains(name);
    if (found == nullptr) return {};
    if (found->is_string()) return std::string(found->get_string());
    if (found->is_array() && !found->get_array().empty() && found->get_array()[0].is_string())
        return std::string(found->get_array()[0].get_string());
    return {};
}

bool Job::flag(std::string_view name, bool fallback) const {
    if (request_.args->if_contains(name) == nullptr) return fallback;
    const std::string text = argument(name);
    return !(text.empty() || text == "0" || text == "no" || text == "false" || text == "False" ||
             text == "none");
}

Result<void> Job::result(const json::value& value) {
    const std::string text = json::serialize(value);
    davit_answer answer = answer_of(DAVIT_ANSWER_RESULT);
    answer.text = sdk::str(text);
    return emit(answer);
}

Result<void> Job::progress(const json::value& value) {
    const std::string text = json::serialize(value);
    davit_answer answer = answer_of(DAVIT_ANSWER_PROGRESS);
    answer.text = sdk::str(text);
    {
        std::lock_guard lock(mutex_);
        description_.last_progress = text;
    }
    return emit(answer);
}

Result<void> Job::started(Terminal terminal) {
    davit_answer answer = answer_of(DAVIT_ANSWER_STARTED);
    answer.tty = terminal == Terminal::yes ? 1 : 0;
    return emit(answer);
}

Result<void> Job::output(std::uint32_t stream, std::string_view bytes, Terminal terminal) {
    davit_answer answer = answer_of(DAVIT_ANSWER_OUTPUT);
    answer.text = {bytes.data(), bytes.size()};
    answer.stream = stream;
    answer.tty = terminal == Terminal::yes ? 1 : 0;
    return emit(answer);
}

Result<void> Job::bytes(std::string_view bytes) {
    davit_answer answer = answer_of(DAVIT_ANSWER_BYTES);
    answer.text = {bytes.data(), bytes.size()};
    return emit(answer);
}

Result<void> Job::streams(Fd in, Fd out, Fd err, Terminal terminal) {
    davit_answer answer = answer_of(DAVIT_ANSWER_STREAMS);
    answer.tty = terminal == Terminal::yes ? 1 : 0;
    answer.in = in.get();
    answer.out = out.get();
    answer.err = err.get();
    TRY(emit(answer));
    (void)in.release();  // taken over by the receiver
    (void)out.release();
    (void)err.release();
    return {};
}

Result<void> Job::announce(const std::string& id) {
    davit_answer answer = answer_of(DAVIT_ANSWER_JOB);
    answer.text = sdk::str(id);
    return emit(answer);
}

Result<void> Job::same() { return emit(answer_of(DAVIT_ANSWER_SAME)); }

void Job::describe(std::string object) {
    std::lock_guard lock(mutex_);
    description_.object = std::move(object);
}

Job::Description Job::description() const {
    std::lock_guard lock(mutex_);
    return description_;
}

}  // namespace davit::job

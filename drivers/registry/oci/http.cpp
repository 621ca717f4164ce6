// SPDX-License-Identifier: Apache-2.0
#include "drivers/registry/oci/http.hpp"

#include <curl/curl.h>
#include <poll.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>

namespace davit::oci {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kStallSeconds = 60;          // a transfer that moves nothing for so long is given up
constexpr long kReceiveBytes = 128 * 1024;  // one write(2) to the sink for each
// Longer than the pause between two requests of a pull; a daemon with nothing to do keeps no
// sockets.
constexpr std::chrono::seconds kIdle{1};
constexpr std::size_t kMostIdleLines =
    6;  // Docker's clients fetch three layers at once; twice that
constexpr std::size_t kMostKeptBody =
    5u << 20;  // a manifest may have 4 MiB, an error page whatever it likes
constexpr std::size_t kMostHeaders = 200;
constexpr int kPollMilliseconds = 1000;

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

std::string_view trim(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// "https://host:port" of an address: whose connections may be used again.
std::string peer_of(const std::string& url) {
    const std::size_t start = url.find("://");
    if (start == std::string::npos) return url;
    return url.substr(0, url.find_first_of("/?#", start + 3));
}

struct FreeEasy {
    void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
};
struct FreeMulti {
    void operator()(CURLM* handle) const { ::curl_multi_cleanup(handle); }
};
struct FreeList {
    void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList header_list(const std::vector<Header>& headers) {
    HeaderList list(
        ::curl_slist_append(nullptr, "Expect:"));  // registries do not want to be asked first
    for (const Header& header : headers) {
        curl_slist* longer =
            ::curl_slist_append(list.get(), (header.name + ": " + header.value).c_str());
        if (longer == nullptr) throw std::bad_alloc();
        (void)list.release();
        list.reset(longer);
    }
    return list;
}

std::uint64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
           static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

const std::string* Request::Head::find(std::string_view name) const {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [&](const Header& h) { return h.name == name; });
    return found == headers.end() ? nullptr : &found->value;
}

// --- what all lines share: names resolved, TLS sessions
// ----------------------------------------------

struct Http::Shared {
    CURLSH* share = nullptr;
    std::array<std::mutex, CURL_LOCK_DATA_LAST> locks;

    static void lock(CURL*, curl_lock_data what, curl_lock_access, void* self) {
        static_cast<Shared*>(self)->locks[what].lock();
    }
    static void unlock(CURL*, curl_lock_data what, void* self) {
        static_cast<Shared*>(self)->locks[what].unlock();
    }
    ~Shared() {
        if (share != nullptr) ::curl_share_cleanup(share);
    }
};

// --- one line: a connection cache of its own and the request that uses it
// -----------------------------

class Http::Line {
public:
    Line(std::string peer, CURLSH* share, const Proxies& proxies)
        : peer_(std::move(peer)),
          proxies_(proxies),
          multi_(::curl_multi_init()),
          easy_(::curl_easy_init()),
          share_(share) {
        if (!multi_ || !easy_) throw std::bad_alloc();
    }

    const std::string& peer() const { return peer_; }
    Result<Response> send(const sdk::Call& call, const Request& request, HttpProblem* problem);

private:
    template <class T>
    void set(CURLoption option, T value) {
        ::curl_easy_setopt(easy_.get(), option, value);
    }
    void configure(curl_slist* headers);
    void configure_body();
    void configure_trust();
    void configure_proxy();
    Result<CURLcode> drive();
    Result<void> check_call() const;
    Error explain(CURLcode code, HttpProblem* problem) const;

    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_read(char* data, std::size_t size, std::size_t count, void* self);
    std::size_t receive(std::string_view piece);

    std::string peer_;
    const Proxies& proxies_;
    std::unique_ptr<CURLM, FreeMulti> multi_;
    std::unique_ptr<CURL, FreeEasy> easy_;
    CURLSH* share_;

    // of the request under way
    const sdk::Call* call_ = nullptr;
    const Request* request_ = nullptr;
    Response response_;
    Result<void> outcome_;  // of the sink or the source
    std::uint64_t sent_ = 0;
    std::array<char, CURL_ERROR_SIZE> words_{};
};

void Http::Line::configure(curl_slist* headers) {
    ::curl_easy_reset(easy_.get());  // keeps connections, cookies (none) and the share
    set(CURLOPT_SHARE, share_);
    set(CURLOPT_URL, request_->url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "davit/" DAVIT_MODULE_VERSION);
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, kStallSeconds);
    set(CURLOPT_BUFFERSIZE, kReceiveBytes);
    set(CURLOPT_ERRORBUFFER, words_.data());
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, this);
}

void Http::Line::configure_body() {
    if (request_->method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
    } else if (request_->source_fd >= 0) {
        set(CURLOPT_UPLOAD, 1L);
        set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_->source_bytes));
        set(CURLOPT_READFUNCTION, &on_read);
        set(CURLOPT_READDATA, this);
    } else if (request_->method == "POST" || request_->method == "PUT" ||
               request_->method == "PATCH") {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_->body.size()));
        set(CURLOPT_POSTFIELDS, request_->body.c_str());
    }
    if (request_->method != "GET" && request_->method != "HEAD")
        set(CURLOPT_CUSTOMREQUEST, request_->method.c_str());
}

// The directory of hashed certificates is read one certificate at a time, as needed; the bundle,
// libcurl's default, would cost a megabyte and ten milliseconds for each new connection.
void Http::Line::configure_trust() {
    const Trust& trust = request_->trust;
    set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    set(CURLOPT_CAPATH, "/etc/ssl/certs");
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, trust.verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, trust.verify ? 2L : 0L);
    if (!trust.authorities.empty()) {
        curl_blob blob{const_cast<char*>(trust.authorities.data()), trust.authorities.size(),
                       CURL_BLOB_COPY};
        set(CURLOPT_CAINFO_BLOB, &blob);
    }
    if (trust.certificate.empty()) return;
    set(CURLOPT_SSLCERT, trust.certificate.c_str());
    set(CURLOPT_SSLKEY, trust.key.c_str());
}

void Http::Line::configure_proxy() {
    if (request_->trust.direct) {
        set(CURLOPT_PROXY, "");
        return;
    }
    const bool secure = request_->url.starts_with("https://");
    const std::string& proxy = secure ? proxies_.https : proxies_.http;
    if (!proxy.empty()) set(CURLOPT_PROXY, proxy.c_str());
    if (!proxies_.none.empty()) set(CURLOPT_NOPROXY, proxies_.none.c_str());
}

Result<Response> Http::Line::send(const sdk::Call& call, const Request& request,
                                  HttpProblem* problem) {
    call_ = &call;
    request_ = &request;
    response_ = {};
    outcome_ = {};
    sent_ = 0;
    words_[0] = '\0';
    const HeaderList headers = header_list(request.headers);
    configure(headers.get());
    configure_body();
    configure_trust();
    configure_proxy();
    const Result<CURLcode> code = drive();
    if (!outcome_) return outcome_.error();
    if (!code) return code.error();
    long status = 0;  // an answer without a body never came by `receive`
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    // docker-registry 2.8 announces the whole blob with a 416 and then sends less: a refusal counts
    // all the same.
    const bool refused = *code == CURLE_PARTIAL_FILE && response_.status >= 400;
    if (*code != CURLE_OK && !refused) return explain(*code, problem);
    const char* redirect = nullptr;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &redirect);
    if (redirect != nullptr) response_.redirect = redirect;
    return std::move(response_);
}

Result<CURLcode> Http::Line::drive() {
    ::curl_multi_add_handle(multi_.get(), easy_.get());
    const auto detach = [this](CURL* easy) { ::curl_multi_remove_handle(multi_.get(), easy); };
    const std::unique_ptr<CURL, decltype(detach)> attached(easy_.get(), detach);
    curl_waitfd cancel{call_->cancel_fd(), CURL_WAIT_POLLIN, 0};
    for (int running = 1;;) {
        TRY(check_call());
        ::curl_multi_perform(multi_.get(), &running);
        int left = 0;
        while (const CURLMsg* message = ::curl_multi_info_read(multi_.get(), &left))
            if (message->msg == CURLMSG_DONE) return message->data.result;
        if (running == 0) return CURLE_RECV_ERROR;
        ::curl_multi_poll(multi_.get(), &cancel, cancel.fd >= 0 ? 1 : 0, kPollMilliseconds,
                          nullptr);
    }
}

Result<void> Http::Line::check_call() const {
    TRY(call_->check("ask registry"));
    if (call_->deadline() != 0 && monotonic_ns() > call_->deadline())
        return fail(Code::deadline, "ask registry: no answer in time");
    return {};
}

Error Http::Line::explain(CURLcode code, HttpProblem* problem) const {
    std::string words = words_[0] != '\0' ? words_.data() : ::curl_easy_strerror(code);
    if (words.size() > 1 && words[0] >= 'A' && words[0] <= 'Z' && words[1] >= 'a' &&
        words[1] <= 'z')
        words[0] = static_cast<char>(words[0] - 'A' + 'a');
    const bool untrusted = code == CURLE_PEER_FAILED_VERIFICATION ||
                           code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE;
    Error error = fail(untrusted ? Code::denied : Code::unavailable, "ask ", peer_, ": ", words);
    if (problem == nullptr) return error;
    problem->error = error;
    problem->no_tls = code == CURLE_SSL_CONNECT_ERROR;
    problem->no_connection = code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;
    return error;
}

std::size_t Http::Line::on_header(char* data, std::size_t size, std::size_t count, void* self) {
    Line& line = *static_cast<Line*>(self);
    const std::string_view text = trim({data, size * count});
    if (text.starts_with("HTTP/")) {  // a new answer: after 100 Continue, or of a proxy
        line.response_.headers.clear();
        return size * count;
    }
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && line.response_.headers.size() < kMostHeaders)
        line.response_.headers.push_back(
            {lower(text.substr(0, colon)), std::string(trim(text.substr(colon + 1)))});
    return size * count;
}

std::size_t Http::Line::on_body(char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<Line*>(self)->receive({data, size * count});
}

std::size_t Http::Line::receive(std::string_view piece) {
    long status = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    if (request_->sink && status >= 200 && status < 300) {
        outcome_ = request_->sink(response_, piece);
        return outcome_ ? piece.size() : 0;
    }
    if (response_.body.size() + piece.size() > kMostKeptBody) {
        outcome_ = fail(Code::invalid, "read answer of ", peer_, ": it is larger than ",
                        std::to_string(kMostKeptBody), " bytes");
        return 0;
    }
    response_.body.append(piece);
    return piece.size();
}

std::size_t Http::Line::on_read(char* data, std::size_t size, std::size_t count, void* self) {
    Line& line = *static_cast<Line*>(self);
    pollfd ready[2] = {{line.request_->source_fd, POLLIN, 0}, {line.call_->cancel_fd(), POLLIN, 0}};
    ::poll(ready, line.call_->cancel_fd() >= 0 ? 2 : 1, -1);
    line.outcome_ = line.check_call();
    if (!line.outcome_) return CURL_READFUNC_ABORT;
    const std::uint64_t left = line.request_->source_bytes - line.sent_;
    const ssize_t got =
        ::read(line.request_->source_fd, data, std::min<std::uint64_t>(size * count, left));
    if (got < 0 || (got == 0 && left > 0)) {
        line.outcome_ =
            got < 0 ? os_error("read blob") : fail(Code::invalid, "read blob: it ends early");
        return CURL_READFUNC_ABORT;
    }
    line.sent_ += static_cast<std::uint64_t>(got);
    if (line.request_->on_sent) line.request_->on_sent(line.sent_);
    return static_cast<std::size_t>(got);
}

// --- Http
// ------------------------------------------------------------------------------------------

Proxies Proxies::of_environment() {
    const auto value = [](const char* name) {
        const char* text = ::secure_getenv(name);
        return std::string(text == nullptr ? "" : text);
    };
    return {value("HTTP_PROXY"), value("HTTPS_PROXY"), value("NO_PROXY")};
}

Http::Http(Proxies proxies) : proxies_(std::move(proxies)), shared_(std::make_unique<Shared>()) {}

Http::~Http() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    ending_changed_.notify_all();
    if (closer_.joinable()) closer_.join();
    idle_.clear();
}

Result<std::unique_ptr<Http>> Http::create(Proxies proxies) {
    static const CURLcode started =
        ::curl_global_init(CURL_GLOBAL_DEFAULT);  // once; thread-safe from 7.84 on
    if (started != CURLE_OK)
        return fail(Code::internal, "start libcurl: ", ::curl_easy_strerror(started));
    std::unique_ptr<Http> http(new Http(std::move(proxies)));
    CURLSH* share = ::curl_share_init();
    if (share == nullptr) return fail(Code::internal, "start libcurl: out of memory");
    http->shared_->share = share;
    ::curl_share_setopt(share, CURLSHOPT_LOCKFUNC, &Shared::lock);
    ::curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, &Shared::unlock);
    ::curl_share_setopt(share, CURLSHOPT_USERDATA, http->shared_.get());
    ::curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    ::curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return http;
}

Result<Response> Http::send(const sdk::Call& call, const Request& request, HttpProblem* problem) {
    std::unique_ptr<Line> line = take_line(peer_of(request.url));
    Result<Response> response = line->send(call, request, problem);
    give_back(std::move(line));
    return response;
}

std::unique_ptr<Http::Line> Http::take_line(const std::string& peer) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(idle_.rbegin(), idle_.rend(),
                                    [&](const auto& line) { return line->peer() == peer; });
    if (found == idle_.rend()) return std::make_unique<Line>(peer, shared_->share, proxies_);
    std::unique_ptr<Line> line = std::move(*found);
    idle_.erase(std::next(found).base());
    return line;
}

void Http::give_back(std::unique_ptr<Line> line) {
    std::unique_ptr<Line> oldest;  // closed outside the lock: TLS says goodbye
    std::thread done;
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(line));
    last_use_ = std::chrono::steady_clock::now();
    if (!closing_) {
        closing_ = true;
        done = std::move(closer_);
        if (done.joinable()) done.join();  // it has ended, or is about to without the lock
        closer_ = std::thread([this] { close_idle(); });
    }
    if (idle_.size() <= kMostIdleLines) return;
    oldest = std::move(idle_.front());
    idle_.erase(idle_.begin());
}

void Http::close_idle() {
    std::vector<std::unique_ptr<Line>> hung_up;
    std::unique_lock lock(mutex_);
    while (!ending_ && std::chrono::steady_clock::now() < last_use_ + kIdle)
        ending_changed_.wait_until(lock, last_use_ + kIdle, [this] { return ending_; });
    hung_up.swap(idle_);
    closing_ = false;
    lock.unlock();
    hung_up.clear();
}

}  // namespace davit::oci

// SPDX-License-Identifier: Apache-2.0
#include "drivers/registry/oci/oci_driver.hpp"

#include "drivers/registry/oci/sink.hpp"
#include "drivers/registry/oci/upload.hpp"
#include "sdk/base/digest.hpp"
#include "sdk/base/json.hpp"
#include "sdk/plugin/caller.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <optional>

namespace davit::oci {
namespace {

using sdk::Call;
using sdk::sized;
using sdk::str;
using sdk::text;

constexpr std::uint64_t kProgressBytes = 256 * 1024;  // between two words about a download
constexpr int kMostPages = 1000;       // of tags: a registry that never ends would keep us for ever
constexpr std::size_t kMostTag = 128;  // OCI distribution specification, "Pulling manifests"

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

// Only what is harmless in an address goes into one.
Result<void> require_repository(const std::string& name) {
    const auto allowed = [](char c) {
        return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-' || c == '/';
    };
    if (name.empty() || name.size() > 255 || !is_lower_or_digit(name.front()) ||
        !is_lower_or_digit(name.back()) || !std::all_of(name.begin(), name.end(), allowed) ||
        name.find("..") != std::string::npos || name.find("//") != std::string::npos)
        return fail(Code::invalid, "read repository name: ", name, " is not one");
    return {};
}

bool is_digest(const std::string& reference) { return reference.find(':') != std::string::npos; }

Result<void> require_reference(const std::string& reference) {
    if (is_digest(reference))
        return Digest::parse(reference)
                   ? Result<void>()
                   : fail(Code::invalid, "read digest: ", reference, " is not one");
    const auto allowed = [](char c) { return is_word(c) || c == '.' || c == '-'; };
    if (reference.empty() || reference.size() > kMostTag || !is_word(reference.front()) ||
        !std::all_of(reference.begin(), reference.end(), allowed))
        return fail(Code::invalid, "read tag: ", reference, " is not one");
    return {};
}

std::string full_name(const davit_repository& repository) {
    return text(repository.host) + "/" + text(repository.name);
}

std::string named(const davit_repository& repository, const std::string& reference) {
    return full_name(repository) + (is_digest(reference) ? "@" : ":") + reference;
}

std::string media_type_of(const Response& response) {
    const std::string* type = response.find("content-type");
    if (type == nullptr) return {};
    std::string plain = type->substr(0, type->find(';'));
    while (plain.ends_with(' ')) plain.pop_back();
    return plain;
}

bool is_manifest(std::string_view media_type) {
    return media_type == "application/vnd.oci.image.manifest.v1+json" ||
           media_type == "application/vnd.oci.image.index.v1+json" ||
           media_type == "application/vnd.docker.distribution.manifest.v2+json" ||
           media_type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

// A repository that may not be read and one that does not exist look alike to those without a right
// to know.
Error pull_refusal(const Response& response, const davit_repository& repository,
                   const std::string& what) {
    Error error = refusal(response, what);
    if (error.code != Code::denied) return error;
    return fail(Code::denied, what, ": pull access denied for ", text(repository.name),
                ", the repository does not exist or needs a login");
}

// --- fetch
// -----------------------------------------------------------------------------------------

// The part of a blob that is asked for, and what of an answer belongs to it.
class Download {
public:
    Download(const Call& call, const davit_registry_fetch& request, Sink& sink)
        : call_(call), sink_(sink), start_(request.offset), length_(request.length) {}

    // "bytes=100-199"; empty: everything.
    std::string range() const {
        if (position() == 0 && length_ == 0) return {};
        return "bytes=" + std::to_string(position()) + "-" +
               (length_ == 0 ? "" : std::to_string(start_ + length_ - 1));
    }
    bool complete() const { return length_ != 0 && sink_.written() == length_; }

    // Called for each piece; the first of an answer says where it starts.
    Result<void> take(const Request::Head& head, std::string_view piece) {
        if (!begun_) TRY(begin(head));
        begun_ = true;
        const std::uint64_t dropped = std::min<std::uint64_t>(skip_, piece.size());
        skip_ -= dropped;
        piece.remove_prefix(dropped);
        if (length_ != 0) piece = piece.substr(0, length_ - sink_.written());
        TRY(sink_.write(call_, piece));
        if (sink_.written() - told_ < kProgressBytes) return {};
        told_ = sink_.written();
        call_.progress("download", start_ + told_, total_);
        return {};
    }
    void start_again() { begun_ = false; }

private:
    std::uint64_t position() const { return start_ + sink_.written(); }

    // A server without ranges answers 200 with the whole: what is already there is left out.
    Result<void> begin(const Request::Head& head) {
        if (const std::string* length = head.find("content-length"))
            std::from_chars(length->data(), length->data() + length->size(), total_);
        if (head.status != 206) {
            skip_ = position();
            return {};
        }
        skip_ = 0;
        total_ += position();
        const std::string* range = head.find("content-range");
        const std::string expected = "bytes " + std::to_string(position()) + "-";
        if (range == nullptr || !range->starts_with(expected))
            return fail(Code::unavailable, "read blob: the registry sent another range");
        return {};
    }

    const Call& call_;
    Sink& sink_;
    std::uint64_t start_, length_;
    std::uint64_t skip_ = 0, told_ = 0, total_ = 0;
    bool begun_ = false;
};

// --- answers
// ---------------------------------------------------------------------------------------

// </v2/name/tags/list?n=…&last=…>; rel="next"
std::string next_page(const Response& response) {
    const std::string* link = response.find("link");
    if (link == nullptr || link->find("rel=\"next\"") == std::string::npos) return {};
    const std::size_t start = link->find('<'), end = link->find('>');
    if (start == std::string::npos || end == std::string::npos || end < start) return {};
    return link->substr(start + 1, end - start - 1);
}

}  // namespace

OciDriver::OciDriver(sdk::Host host, Config config, std::unique_ptr<Http> http)
    : host_(host),
      http_(std::move(http)),
      hosts_(std::move(config), *http_),
      tokens_(*http_, hosts_) {}

Result<std::unique_ptr<OciDriver>> OciDriver::open(const Call&, const davit_open& request) {
    Config config = TRY(Config::parse(sdk::view(request.config)));
    auto http = TRY(Http::create(config.proxies));
    return std::unique_ptr<OciDriver>(
        new OciDriver(sdk::Host(request.host), std::move(config), std::move(http)));
}

// --- who we are
// ------------------------------------------------------------------------------------

Result<Credentials> OciDriver::credentials(const davit_repository& repository,
                                           const Peer& peer) const {
    if (!peer.is_mirror) {  // what came with the request is for the registry, not for its mirrors
        Credentials given = TRY(parse_credentials(sdk::view(repository.auth)));
        if (!given.empty()) return given;
    }
    return stored_credentials(peer.credential);
}

Result<Credentials> OciDriver::stored_credentials(const std::string& name) const {
    Credentials found;
    const auto* secrets = host_.get<davit_host_secrets>(DAVIT_HOST_SECRETS);
    if (secrets == nullptr || !DAVIT_CAN(secrets, find)) return found;
    auto request = sized<davit_secret_request>();
    request.kind = str("registry");
    request.name = str(name);
    sdk::Caller caller;
    caller.begin(sdk::Caller::sink_of<davit_secret>([&](const davit_secret& secret) {
        found = {text(secret.username), text(secret.password), text(secret.identity_token),
                 text(secret.registry_token)};
    }));
    const Result<void> asked = caller.finish(secrets->find(host_.raw(), caller.raw(), &request));
    if (!asked && asked.error().code != Code::not_found)
        return Error(asked.error()).context("find credentials for ", name);
    return found;
}

Result<Session> OciDriver::origin(const Call& call, const davit_repository& repository,
                                  const std::string& actions, const std::string& also) {
    const std::string name = text(repository.name);
    std::vector<std::string> scopes;
    if (!name.empty()) {
        TRY(require_repository(name));
        scopes.push_back("repository:" + name + ":" + actions);
    }
    if (!also.empty()) scopes.push_back("repository:" + also + ":pull");
    Peer peer = TRY(hosts_.origin(call, text(repository.host)));
    Credentials who = TRY(credentials(repository, peer));
    return Session(network(), call, std::move(peer), {std::move(who), std::move(scopes)});
}

Result<void> OciDriver::from_any(const Call& call, const davit_repository& repository,
                                 const std::function<Result<void>(Session&)>& ask,
                                 const std::function<bool()>& may_go_on) {
    const std::string name = text(repository.name);
    TRY(require_repository(name));
    for (const Peer& mirror : hosts_.mirrors(text(repository.host))) {
        Session session(network(), call, mirror,
                        {TRY(credentials(repository, mirror)), {"repository:" + name + ":pull"}});
        const Result<void> asked = ask(session);
        if (asked || asked.error().code == Code::cancelled || asked.error().code == Code::invalid)
            return asked;
        if (may_go_on && !may_go_on()) return asked;
        call.log(DAVIT_LOG_INFO,
                 "mirror " + mirror.authority + " does not help: " + asked.error().what);
    }
    Session session = TRY(origin(call, repository, "pull"));
    return ask(session);
}

// --- pull
// ------------------------------------------------------------------------------------------

Result<void> OciDriver::resolve(const Call& call, const davit_registry_resolve& request) {
    const std::string reference = text(request.reference);
    TRY(require_reference(reference));
    const std::string what = "resolve " + named(request.repository, reference);
    std::string accept;
    for (std::uint64_t i = 0; i < request.accept_count; ++i)
        accept += (i == 0 ? "" : ", ") + text(request.accept[i]);
    return from_any(call, request.repository, [&](Session& session) -> Result<void> {
        Request get;
        get.url = session.address(text(request.repository.name), "manifests/" + reference);
        if (!accept.empty()) get.headers = {{"Accept", accept}};
        const Response response = TRY(session.send(get).context(what));
        if (response.status != 200) return pull_refusal(response, request.repository, what);
        const std::string digest = Digest::of(response.body).text();
        if (is_digest(reference) && digest != reference)
            return fail(Code::corrupt, what, ": the registry sent ", digest);
        const std::string media_type = media_type_of(response);
        auto descriptor = sized<davit_descriptor>();
        descriptor.media_type = str(media_type);
        descriptor.digest = str(digest);
        descriptor.bytes = response.body.size();
        descriptor.content = str(response.body);
        descriptor.artifact_type = str("");
        return call.emit(descriptor);
    });
}

Result<void> OciDriver::fetch(const Call& call, const davit_registry_fetch& request,
                              davit_registry_fetched& out) {
    const std::string digest = text(request.digest), media_type = text(request.media_type);
    TRY(require_reference(digest));
    const std::string what = "fetch " + full_name(request.repository) + "@" + digest;
    Sink sink = TRY(Sink::open(request.sink_fd));
    Download download(call, request, sink);
    const auto get_it = [&](Session& session) -> Result<void> {
        Request get;
        get.url = session.address(text(request.repository.name),
                                  (is_manifest(media_type) ? "manifests/" : "blobs/") + digest);
        if (is_manifest(media_type)) get.headers.push_back({"Accept", media_type});
        if (const std::string range = download.range(); !range.empty())
            get.headers.push_back({"Range", range});
        get.sink = [&](const Request::Head& head, std::string_view piece) {
            return download.take(head, piece);
        };
        download.start_again();
        const Response response = TRY(session.send(get).context(what));
        if (response.status == 416)
            return fail(Code::invalid, what, ": it has no byte ", std::to_string(request.offset));
        if (response.status != 200 && response.status != 206)
            return pull_refusal(response, request.repository, what);
        return {};
    };
    const Result<void> fetched =
        from_any(call, request.repository, get_it, [&] { return sink.written() == 0; });
    out.bytes = sink.written();
    return fetched;
}

Result<void> OciDriver::tags(const Call& call, const davit_registry_list& request) {
    const std::string what = "list tags of " + full_name(request.repository);
    Session session = TRY(origin(call, request.repository, "pull"));
    Request get;
    get.url = session.address(text(request.repository.name), "tags/list?n=1000");
    for (int page = 0; page < kMostPages; ++page) {
        const Response response = TRY(session.send(get).context(what));
        if (response.status != 200) return pull_refusal(response, request.repository, what);
        const auto object = TRY(json::parse_object(response.body, "tags"));
        for (const std::string& name : TRY(json::get_strings(object, "tags"))) {
            auto tag = sized<davit_registry_tag>();
            tag.tag = str(name);
            TRY(call.emit(tag));
        }
        const std::string next = next_page(response);
        if (next.empty()) return {};
        get.url = TRY(session.resolve_location(next));
    }
    return fail(Code::invalid, what, ": the list does not end");
}

// Registries older than the specification's 1.1 keep the list under a tag made of the digest.
Result<void> OciDriver::referrers(const Call& call, const davit_registry_list& request) {
    const std::string digest = text(request.digest);
    TRY(require_reference(digest));
    const std::string what = "list referrers of " + full_name(request.repository) + "@" + digest;
    Session session = TRY(origin(call, request.repository, "pull"));
    std::string fallback = digest;
    std::replace(fallback.begin(), fallback.end(), ':', '-');
    for (const std::string& path : {"referrers/" + digest, "manifests/" + fallback}) {
        Request get;
        get.url = session.address(text(request.repository.name), path);
        get.headers = {{"Accept", "application/vnd.oci.image.index.v1+json"}};
        const Response response = TRY(session.send(get).context(what));
        if (response.status == 200) return emit_referrers(call, request, response.body);
        if (response.status != 404 && response.status != 400)
            return pull_refusal(response, request.repository, what);
    }
    return {};  // nothing refers to it
}

Result<void> OciDriver::emit_referrers(const Call& call, const davit_registry_list& request,
                                       const std::string& index) const {
    const auto object = TRY(json::parse_object(index, "referrers"));
    const auto* manifests = TRY(json::get_array(object, "manifests"));
    if (manifests == nullptr) return {};
    for (const auto& entry : *manifests) {
        if (!entry.is_object()) continue;
        const auto& member = entry.get_object();
        const std::string media_type = TRY(json::get_string(member, "mediaType", ""));
        const std::string digest = TRY(json::get_string(member, "digest", ""));
        const std::string artifact_type = TRY(json::get_string(member, "artifactType", ""));
        if (request.artifact_type.length != 0 && artifact_type != sdk::view(request.artifact_type))
            continue;
        auto descriptor = sized<davit_descriptor>();
        descriptor.media_type = str(media_type);
        descriptor.digest = str(digest);
        descriptor.bytes = static_cast<std::uint64_t>(
            std::max<std::int64_t>(0, TRY(json::get_int(member, "size", 0))));
        descriptor.content = str("");
        descriptor.artifact_type = str(artifact_type);
        TRY(call.emit(descriptor));
    }
    return {};
}

// --- push
// ------------------------------------------------------------------------------------------

Result<davit_registry_pushed> OciDriver::push_blob(const Call& call,
                                                   const davit_registry_push_blob& request) {
    Blob blob{.repository = text(request.repository.name),
              .digest = text(request.digest),
              .bytes = request.bytes,
              .source_fd = request.source_fd,
              .mount_from = text(request.mount_from),
              .what = "push " + full_name(request.repository)};
    TRY(require_reference(blob.digest));
    if (!blob.mount_from.empty()) TRY(require_repository(blob.mount_from));
    Session session = TRY(origin(call, request.repository, "pull,push", blob.mount_from));
    auto out = sized<davit_registry_pushed>();
    out.existed = TRY(oci::push_blob(session, blob).context(blob.what)) ? 1 : 0;
    return out;
}

Result<void> OciDriver::push_manifest(const Call& call,
                                      const davit_registry_push_manifest& request) {
    const std::string reference = text(request.reference);
    TRY(require_reference(reference));
    const std::string what = "push " + named(request.repository, reference);
    Session session = TRY(origin(call, request.repository, "pull,push"));
    Request put;
    put.method = "PUT";
    put.url = session.address(text(request.repository.name), "manifests/" + reference);
    put.headers = {{"Content-Type", text(request.media_type)}};
    put.body = text(request.content);
    const Response response = TRY(session.send(put).context(what));
    if (response.status != 201 && response.status != 200) return refusal(response, what);
    return {};
}

Result<void> OciDriver::remove(const Call& call, const davit_registry_list& request) {
    const std::string digest = text(request.digest);
    TRY(require_reference(digest));
    const std::string what = "remove " + full_name(request.repository) + "@" + digest;
    Session session = TRY(origin(call, request.repository, "pull,delete"));
    Request erase;
    erase.method = "DELETE";
    erase.url = session.address(text(request.repository.name), "manifests/" + digest);
    const Response response = TRY(session.send(erase).context(what));
    if (response.status != 202 && response.status != 200) return refusal(response, what);
    return {};
}

// --- login
// -----------------------------------------------------------------------------------------

Result<void> OciDriver::login(const Call& call, const davit_registry_login& request) {
    const std::string what = "log in to " + text(request.repository.host);
    Peer peer = TRY(hosts_.origin(call, text(request.repository.host)));
    const Credentials who = TRY(credentials(request.repository, peer));
    Request get;
    get.url = peer.base + "/v2/";
    get.trust = peer.trust;
    const Response first = TRY(http_->send(call, get).context(what));
    std::string identity_token;
    const std::vector<Challenge> challenges = parse_challenges(first);
    if (first.status == 401 && !challenges.empty()) {
        if (who.empty()) return fail(Code::denied, what, ": credentials are needed");
        const Challenge& challenge = challenges.front();
        if (challenge.is_bearer) {
            const Tokens::Grant grant = TRY(tokens_.log_in(call, challenge, who).context(what));
            identity_token = grant.identity_token;
            get.headers = {{"Authorization", "Bearer " + grant.token}};
        } else {
            get.headers = {{"Authorization", "Basic " + base64(who.username + ":" + who.password)}};
        }
        const Response second = TRY(http_->send(call, get).context(what));
        if (second.status != 200) return refusal(second, what);
    } else if (first.status != 200) {
        return refusal(first, what);
    }
    auto record = sized<davit_registry_logged_in>();
    record.identity_token = str(identity_token);
    return call.emit(record);
}

}  // namespace davit::oci

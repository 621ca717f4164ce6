// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/registry_bench.hpp"

#include "sdk/base/digest.hpp"
#include "sdk/base/file.hpp"
#include "sdk/contract/expectation.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace davit::sdk::contract {
namespace {

constexpr std::size_t kMostText = 64u << 20;  // bytes of a blob that a case reads whole

Result<Fd> memory_file(const std::string& content) {
    Fd file(::memfd_create("blob", MFD_CLOEXEC));
    if (!file) return os_error("make blob");
    TRY(write_all(file.get(), content));
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return os_error("rewind blob");
    return file;
}

Document document_of(const davit_descriptor& descriptor) {
    return {text(descriptor.media_type), text(descriptor.digest), text(descriptor.content),
            descriptor.bytes};
}

}  // namespace

Result<std::unique_ptr<RegistryBench>> RegistryBench::open(const RegistrySubject& subject,
                                                           std::string registry,
                                                           const davit_host* host) {
    const davit_driver* driver = subject.driver();
    if (driver == nullptr) return fail(Code::not_found, "load ", subject.name, ": no driver");
    std::unique_ptr<RegistryBench> bench(new RegistryBench);
    bench->registry_ = std::move(registry);
    bench->config_ = subject.config;
    bench->host_ = plain_host();
    const Fd state(::memfd_create("state", MFD_CLOEXEC));  // registry drivers keep nothing
    auto request = sized<davit_open>();
    request.state_fd = state.get();
    request.host = host != nullptr ? host : bench->host_.get();
    request.instance = str(bench->name_);
    request.config = str(bench->config_);
    request.scope = str(bench->scope_);
    auto opened = sized<davit_opened>();
    Caller caller;
    caller.begin(nullptr);
    TRY(caller.finish(driver->open(caller.raw(), &request, &opened)));
    bench->instance_ = opened.instance;
    bench->table_ = static_cast<const davit_registry*>(
        opened.instance->get(opened.instance, str(DAVIT_REGISTRY)));
    if (bench->table_ == nullptr)
        return fail(Code::unsupported, "get ", DAVIT_REGISTRY, ": not offered");
    return bench;
}

RegistryBench::~RegistryBench() {
    if (instance_ == nullptr) return;
    const Caller caller;
    instance_->close(instance_, caller.raw());
}

davit_repository RegistryBench::where() const {
    return {str(registry_), str(repository), str(auth)};
}

Result<Document> RegistryBench::resolve(const std::string& reference) const {
    static const davit_str kAccept[] = {str("application/vnd.oci.image.index.v1+json"),
                                        str("application/vnd.oci.image.manifest.v1+json")};
    auto request = sized<davit_registry_resolve>();
    request.repository = where();
    request.reference = str(reference);
    request.accept = kAccept;
    request.accept_count = 2;
    std::vector<Document> found;
    TRY(Caller().list<davit_descriptor>(
        table_->resolve, instance_, request,
        [&](const davit_descriptor& one) { found.push_back(document_of(one)); }));
    if (found.size() != 1)
        return fail(Code::internal, "resolve: ", std::to_string(found.size()), " records");
    return found.front();
}

Fetched RegistryBench::fetch(const std::string& digest, int sink, Range range,
                             std::shared_ptr<const Cancel> cancel,
                             const std::string& media_type) const {
    auto request = sized<davit_registry_fetch>();
    request.repository = where();
    request.digest = str(digest);
    request.media_type = str(media_type);
    request.sink_fd = sink;
    request.offset = range.offset;
    request.length = range.length;
    auto out = sized<davit_registry_fetched>();
    Fetched fetched;
    fetched.status = Caller(std::move(cancel)).ask_into(table_->fetch, instance_, request, out);
    fetched.bytes = out.bytes;
    return fetched;
}

Result<std::string> RegistryBench::fetch_text(const std::string& digest, Range range) const {
    const Fd file = TRY(memory_file(""));
    const Fetched fetched = fetch(digest, file.get(), range);
    if (!fetched.status) return fetched.status.error();
    ::lseek(file.get(), 0, SEEK_SET);
    std::string content = TRY(read_all(file.get(), kMostText));
    if (content.size() != fetched.bytes)
        return fail(Code::internal, "fetch: it miscounts what it wrote");
    return content;
}

Result<bool> RegistryBench::push(const std::string& content, const std::string& digest,
                                 const std::string& mount_from) const {
    const Fd file = TRY(memory_file(content));
    auto request = sized<davit_registry_push_blob>();
    request.repository = where();
    request.digest = str(digest);
    request.bytes = content.size();
    request.source_fd = file.get();
    request.mount_from = str(mount_from);
    return TRY(Caller().ask(table_->push_blob, instance_, request)).existed != 0;
}

Result<bool> RegistryBench::ask_for(const std::string& digest, std::uint64_t bytes,
                                    const std::string& mount_from) const {
    auto request = sized<davit_registry_push_blob>();
    request.repository = where();
    request.digest = str(digest);
    request.bytes = bytes;
    request.source_fd = -1;
    request.mount_from = str(mount_from);
    return TRY(Caller().ask(table_->push_blob, instance_, request)).existed != 0;
}

Result<void> RegistryBench::push_manifest(const std::string& reference,
                                          const std::string& media_type,
                                          const std::string& content) const {
    auto request = sized<davit_registry_push_manifest>();
    request.repository = where();
    request.reference = str(reference);
    request.media_type = str(media_type);
    request.content = str(content);
    return Caller().tell(table_->push_manifest, instance_, request);
}

Result<std::vector<std::string>> RegistryBench::tags() const {
    auto request = sized<davit_registry_list>();
    request.repository = where();
    std::vector<std::string> found;
    TRY(Caller().list<davit_registry_tag>(
        table_->tags, instance_, request,
        [&](const davit_registry_tag& tag) { found.push_back(text(tag.tag)); }));
    return found;
}

Result<std::vector<Document>> RegistryBench::referrers(const std::string& digest) const {
    auto request = sized<davit_registry_list>();
    request.repository = where();
    request.digest = str(digest);
    std::vector<Document> found;
    TRY(Caller().list<davit_descriptor>(
        table_->referrers, instance_, request,
        [&](const davit_descriptor& one) { found.push_back(document_of(one)); }));
    return found;
}

Result<void> RegistryBench::remove(const std::string& digest) const {
    auto request = sized<davit_registry_list>();
    request.repository = where();
    request.digest = str(digest);
    return Caller().tell(table_->remove, instance_, request);
}

Result<std::string> RegistryBench::login() const {
    auto request = sized<davit_registry_login>();
    request.repository = where();
    request.repository.name = str("");
    std::vector<std::string> tokens;
    TRY(Caller().list<davit_registry_logged_in>(table_->login, instance_, request,
                                                [&](const davit_registry_logged_in& answer) {
                                                    tokens.push_back(text(answer.identity_token));
                                                }));
    if (tokens.size() != 1)
        return fail(Code::internal, "login: ", std::to_string(tokens.size()), " records");
    return tokens.front();
}

Result<Document> RegistryBench::push_image(const std::string& tag,
                                           const std::string& config) const {
    const std::string type = "application/vnd.oci.image.manifest.v1+json";
    const std::string digest = Digest::of(config).text();
    TRY(push(config, digest));
    const std::string manifest =
        R"({"schemaVersion":2,"mediaType":")" + type +
        R"(","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" +
        digest + R"(","size":)" + std::to_string(config.size()) + R"(},"layers":[]})";
    TRY(push_manifest(tag, type, manifest));
    return Document{type, Digest::of(manifest).text(), manifest, manifest.size()};
}

}  // namespace davit::sdk::contract

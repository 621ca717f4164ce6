// SPDX-License-Identifier: Apache-2.0
#include "drivers/registry/oci/upload.hpp"

namespace davit::oci {
namespace {

Result<bool> has_blob(Session& session, const Blob& blob) {
    Request request;
    request.method = "HEAD";
    request.url = session.address(blob.repository, "blobs/" + blob.digest);
    const Response response = TRY(session.send(request));
    if (response.status == 200) return true;
    if (response.status == 404) return false;
    return refusal(response, blob.what);
}

std::string with_query(const std::string& url, const std::string& query) {
    return url + (url.find('?') == std::string::npos ? "?" : "&") + query;
}

Result<std::string> location_of(const Session& session, const Response& response,
                                const Blob& blob) {
    const std::string* location = response.find("location");
    if (location == nullptr)
        return fail(Code::unavailable, blob.what, ": the registry names no place to upload to");
    return session.resolve_location(*location);
}

// Where to upload; empty when the registry took the blob from the other repository.
Result<std::string> begin(Session& session, const Blob& blob) {
    Request request;
    request.method = "POST";
    request.url = session.address(blob.repository, "blobs/uploads/");
    if (!blob.mount_from.empty())
        request.url += "?mount=" + blob.digest + "&from=" + blob.mount_from;
    const Response response = TRY(session.send(request));
    if (response.status == 201) return std::string();
    if (response.status != 202) return refusal(response, blob.what);
    return location_of(session, response, blob);
}

// Without anything to send: an upload that is begun all the same is taken back. A registry that
// does not know how forgets it by itself.
Result<bool> only_mount(Session& session, const Blob& blob) {
    const auto missing = [&] {
        return fail(Code::not_found, blob.what, ": the registry has no ", blob.digest);
    };
    if (blob.mount_from.empty()) return missing();
    Request erase;
    erase.method = "DELETE";
    erase.url = TRY(begin(session, blob));
    if (erase.url.empty()) return true;
    TRY(session.send(erase));
    return missing();
}

}  // namespace

Result<bool> push_blob(Session& session, const Blob& blob) {
    if (TRY(has_blob(session, blob))) return true;
    if (blob.source_fd < 0) return only_mount(session, blob);
    const std::string place = TRY(begin(session, blob));
    if (place.empty()) return true;

    Request patch;
    patch.method = "PATCH";
    patch.url = place;
    patch.headers = {{"Content-Type", "application/octet-stream"}};
    patch.source_fd = blob.source_fd;
    patch.source_bytes = blob.bytes;
    patch.on_sent = [&](std::uint64_t sent) {
        session.call().progress("upload", sent, blob.bytes);
    };
    const Response patched = TRY(session.send(patch));
    if (patched.status != 202 && patched.status != 204) return refusal(patched, blob.what);

    Request put;
    put.method = "PUT";
    put.url = with_query(TRY(location_of(session, patched, blob)), "digest=" + blob.digest);
    const Response done = TRY(session.send(put));
    if (done.status != 201) return refusal(done, blob.what);
    return false;
}

}  // namespace davit::oci

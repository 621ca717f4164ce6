// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/digest.hpp"

#include <openssl/evp.h>
#include <cstdlib>

namespace davit {

namespace {

constexpr std::string_view kPrefix = "sha256:";

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
    const auto quoted =
        std::string(text.substr(0, 80));  // a hostile document may hold megabytes here
    if (text.starts_with("sha512:") || text.starts_with("blake3:"))
        return fail(Code::unsupported, "parse digest ", quoted, ": only sha256 is supported");
    if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + 2 * kBytes)
        return fail(Code::invalid, "parse digest ", quoted, ": expected sha256: and 64 hex digits");
    text.remove_prefix(kPrefix.size());
    Bytes bytes{};
    for (std::size_t i = 0; i < kBytes; ++i) {
        const int high = hex_value(text[2 * i]);
        const int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return fail(Code::invalid, "parse digest ", quoted,
                        ": expected lower-case hex digits after sha256:");
        bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return Digest(bytes);
}

Digest Digest::of(std::string_view content) {
    Bytes bytes{};
    // Fails only without the default provider, and then nothing in this process can be trusted.
    if (EVP_Digest(content.data(), content.size(), bytes.data(), nullptr, EVP_sha256(), nullptr) !=
        1)
        std::abort();
    return Digest(bytes);
}

std::string Digest::hex() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * kBytes);
    for (const std::uint8_t byte : bytes_) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

struct Sha256::Context {
    EVP_MD_CTX* handle = EVP_MD_CTX_new();
    ~Context() { EVP_MD_CTX_free(handle); }
};

Sha256::Sha256(std::unique_ptr<Context> context) : context_(std::move(context)) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

Result<Sha256> Sha256::create() {
    auto context = std::make_unique<Context>();
    if (context->handle == nullptr ||
        EVP_DigestInit_ex(context->handle, EVP_sha256(), nullptr) != 1)
        return fail(Code::internal, "start sha256: the crypto library offers none");
    return Sha256(std::move(context));
}

// The library's update and final fail only on a context without a digest, which `create` excludes.
void Sha256::add(std::span<const std::byte> bytes) {
    if (EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size()) != 1) std::abort();
}

Digest Sha256::finish() {
    Digest::Bytes bytes{};
    if (EVP_DigestFinal_ex(context_->handle, bytes.data(), nullptr) != 1 ||
        EVP_DigestInit_ex(context_->handle, nullptr, nullptr) != 1)
        std::abort();
    return Digest::from_bytes(bytes);
}

}  // namespace davit

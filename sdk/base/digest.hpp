// SPDX-License-Identifier: Apache-2.0
// SHA-256 digests as images name them ("sha256:" and 64 lower-case hex digits). Digest is a value;
// Sha256 belongs to one thread at a time. Used by core, by davit-unpack and by registry drivers.
#pragma once

#include "sdk/base/result.hpp"

#include <array>
#include <compare>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace davit {

// Always a valid digest: there is no empty one, so one that was parsed is safe in file names and
// addresses.
class Digest {
public:
    static constexpr std::size_t kBytes = 32;
    using Bytes = std::array<std::uint8_t, kBytes>;

    // Accepts exactly "sha256:" and 64 lower-case hex digits. Errors: invalid; unsupported for
    // another algorithm of the OCI image specification (sha512, blake3).
    static Result<Digest> parse(std::string_view text);
    static Digest of(std::string_view content);
    static Digest from_bytes(const Bytes& bytes) { return Digest(bytes); }

    std::string text() const { return "sha256:" + hex(); }
    std::string hex() const;                                   // 64 digits
    std::string brief() const { return hex().substr(0, 12); }  // as `docker pull` names layers
    const Bytes& bytes() const { return bytes_; }
    auto operator<=>(const Digest&) const = default;

private:
    explicit Digest(const Bytes& bytes) : bytes_(bytes) {}
    Bytes bytes_;
};

// Hashes a stream piece by piece. Reads no file and asks for no memory after `create`.
class Sha256 {
public:
    static Result<Sha256> create();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    ~Sha256();

    void add(std::span<const std::byte> bytes);
    void add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }
    Digest finish();  // of everything added since `create` or the last `finish`

private:
    struct Context;
    explicit Sha256(std::unique_ptr<Context> context);
    std::unique_ptr<Context> context_;
};

}  // namespace davit

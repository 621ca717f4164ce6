// SPDX-License-Identifier: Apache-2.0
// Every limit of davit-unpack, with its reason (rule R-40).
#pragma once

#include <cstddef>
#include <cstdint>

namespace davit::unpack {

inline constexpr std::size_t kNameMax =
    4095;  // PATH_MAX less its NUL: nobody could open a longer one
inline constexpr std::size_t kDepthMax =
    256;  // the deepest real trees (nested node_modules) stay below 100
inline constexpr std::uint64_t kEntriesMax =
    4000000;  // the largest images known hold about one million files
inline constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 40;  // 1 TiB of tar in one layer
inline constexpr std::size_t kXattrsMax = 256;  // of one entry; a file system block holds fewer

// Deflate cannot compress better than 1 032:1, so every gzip layer passes; a zstd one that claims
// more is a bomb.
inline constexpr std::uint64_t kRatioMax = 1100;
inline constexpr std::uint64_t kRatioFrom = std::uint64_t{1} << 30;  // below 1 GiB no ratio hurts

// Memory is bounded by these, not by the archive. zstd's window is the largest single piece.
inline constexpr int kZstdWindowLog =
    27;  // 128 MiB: what RFC 8878 and other engines let a decoder refuse beyond
inline constexpr std::uint64_t kInflaterMemory = std::uint64_t{512}
                                                 << 20;  // address space, libraries included
inline constexpr std::uint64_t kParserMemory = std::uint64_t{1}
                                               << 30;  // 4 M entries remembered, and libarchive
inline constexpr std::uint64_t kProcessorSeconds = 4 * 3600;  // 1 TiB at 100 MB/s is 3 hours
inline constexpr std::uint64_t kDescriptors =
    4096;  // removal below 2 048 nested directories, and the cache

inline constexpr std::size_t kStreamBytes = std::size_t{1}
                                            << 20;  // pipe and buffers: what fits into the L2 cache
inline constexpr std::size_t kInputBytes = std::size_t{256} << 10;  // compressed side
inline constexpr std::size_t kDirectoriesKept = 256;                // open directories of the cache
inline constexpr std::size_t kPackBlock = std::size_t{256} << 10;   // read and written at once
inline constexpr unsigned kPackDepthMax = 2000;       // a descriptor each; PATH_MAX allows no more
inline constexpr std::size_t kXattrListMax = 65536;   // the kernel's XATTR_LIST_MAX
inline constexpr std::size_t kXattrValueMax = 65536;  // the kernel's XATTR_SIZE_MAX
inline constexpr std::uint64_t kProgressBytes = std::uint64_t{16}
                                                << 20;  // between two progress messages

}  // namespace davit::unpack

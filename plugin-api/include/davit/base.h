/* SPDX-License-Identifier: Apache-2.0
 * What every header of the driver ABI shares: strings, status codes, the size rule, and the call that travels with
 * every operation. C11 and C++20; 64-bit little endian only. Structs marked "frozen" never change; all others begin
 * with `size` and grow at their end (docs/driver-guide/abi.md).
 */
#ifndef DAVIT_BASE_H
#define DAVIT_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_ABI_MAJOR 0u
#define DAVIT_ABI_MINOR 1u

/* Whether the struct behind `pointer`, as its maker sized it, holds `member`. Reading past that is forbidden. */
#define DAVIT_HAS(pointer, member) \
    ((pointer)->size >= (uint32_t)(offsetof(__typeof__(*(pointer)), member) + sizeof((pointer)->member)))
/* Whether the table behind `pointer` offers the operation `member`. */
#define DAVIT_CAN(pointer, member) (DAVIT_HAS(pointer, member) && (pointer)->member != NULL)

/* UTF-8 text: `length` bytes at `data`, and a NUL after them. Borrowed until the call returns. Frozen. */
typedef struct davit_str {
    const char *data;
    uint64_t length;
} davit_str;

/* A name and its value. Frozen. */
typedef struct davit_kv {
    davit_str key;
    davit_str value;
} davit_kv;

/* `count` ids from `container` on appear as ids from `host` on (user_namespaces(7)). Frozen. */
typedef struct davit_idmap {
    uint32_t container;
    uint32_t host;
    uint32_t count;
    uint32_t is_group; /* 0: user ids, 1: group ids */
} davit_idmap;

/* How an operation ended. The list is closed. */
typedef int32_t davit_status;
#define DAVIT_OK 0
#define DAVIT_INVALID 1      /* the request makes no sense; asking again will not help */
#define DAVIT_NOT_FOUND 2
#define DAVIT_EXISTS 3
#define DAVIT_BUSY 4         /* in use now; later it may work */
#define DAVIT_CONFLICT 5     /* the object's state forbids it */
#define DAVIT_DENIED 6
#define DAVIT_NO_SPACE 7
#define DAVIT_UNSUPPORTED 8  /* this driver or this host cannot do it */
#define DAVIT_UNAVAILABLE 9  /* a peer or the driver is away; later it may work */
#define DAVIT_CANCELLED 10
#define DAVIT_DEADLINE 11
#define DAVIT_CORRUPT 12     /* stored or received data is damaged */
#define DAVIT_INTERNAL 13

#define DAVIT_LOG_DEBUG 0
#define DAVIT_LOG_INFO 1
#define DAVIT_LOG_WARNING 2
#define DAVIT_LOG_ERROR 3

/* Travels with every operation; made by the host, borrowed until the operation returns, used on its thread only
 * (`cancelled` and `cancel_fd` on any thread until then). The functions never call back into the driver. */
typedef struct davit_call davit_call;
struct davit_call {
    uint32_t size;
    int32_t cancel_fd;       /* readable once the host wants the operation to stop; -1: never. Owned by the host */
    uint64_t deadline;       /* CLOCK_MONOTONIC in nanoseconds after which nobody waits any more; 0: none */
    davit_str id;            /* idempotency id: the same id means the same request, sent again */
    davit_str trace;         /* span id for logs; may be empty */
    void *host;              /* the host's own */

    /* 1 once the host wants the operation to stop, else 0. Answer with DAVIT_CANCELLED.                     [any] */
    int32_t (*cancelled)(const davit_call *call);

    /* Says how far a stage of the work is. `done` and `total` in the stage's unit; `total` 0: unknown.      [any] */
    void (*progress)(const davit_call *call, davit_str stage, uint64_t done, uint64_t total);

    /* One line in the engine's log. `fields` are `count` pairs. Copied before return.                       [any] */
    void (*log)(const davit_call *call, int32_t level, davit_str text, const davit_kv *fields, uint64_t count);

    /* Records why the operation fails and returns `code`, so that `return call->fail(…)` is the whole error path.
     * `text`: "verb object: cause". `os_errno`: 0 when no system call is the cause. Copied before return.   [any] */
    davit_status (*fail)(const davit_call *call, davit_status code, int32_t os_errno, davit_str text);

    /* Hands over one record of a list. `record` is the struct that the operation's comment names, its first member
     * the size. Copied before return. Not OK: stop and return that status.                                  [any] */
    davit_status (*emit)(const davit_call *call, const void *record);
};

#ifdef __cplusplus
}
#endif
#endif

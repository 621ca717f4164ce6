/* SPDX-License-Identifier: Apache-2.0
 * Draft. Log drivers: "davit.log/1". They receive what a container wrote in batches, from the engine's own file and
 * with a cursor; no driver ever holds a container's pipe.
 */
#ifndef DAVIT_LOG_H
#define DAVIT_LOG_H

#include "davit/module.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_LOG "davit.log/1"

/* One line, or a part of one. Frozen. */
typedef struct davit_log_record {
    int64_t time_ns;          /* CLOCK_REALTIME */
    uint32_t stream;          /* 1: stdout, 2: stderr */
    uint32_t partial;         /* 1: the line goes on in the next record */
    davit_str line;           /* without its newline */
} davit_log_record;

typedef struct davit_log_open {
    uint32_t size;
    uint32_t padding;
    davit_str container;
    davit_str options;        /* JSON object, checked against the manifest's schema */
} davit_log_open;

typedef struct davit_log_batch {
    uint32_t size;
    uint32_t padding;
    davit_str container;
    const davit_log_record *records;
    uint64_t record_count;
    uint64_t cursor;          /* where the batch ends; kept by the driver with the batch */
} davit_log_batch;

/* Emitted by `open`: where to go on. */
typedef struct davit_log_position {
    uint32_t size;
    uint32_t padding;
    uint64_t cursor;          /* 0: nothing was written yet */
} davit_log_position;

typedef struct davit_log_table {
    uint32_t size;
    uint32_t padding;
    /* Errors: UNAVAILABLE; INVALID option.                                                               [keyed] */
    davit_status (*open)(davit_instance *self, const davit_call *call, const davit_log_open *req);
    /* Takes the whole batch or none of it. Errors: UNAVAILABLE (it will come again).                     [keyed] */
    davit_status (*write)(davit_instance *self, const davit_call *call, const davit_log_batch *req);
    /* The container is gone. Unknown is OK.                                                              [keyed] */
    davit_status (*close)(davit_instance *self, const davit_call *call, const davit_log_open *req);
} davit_log_table;

#ifdef __cplusplus
}
#endif
#endif

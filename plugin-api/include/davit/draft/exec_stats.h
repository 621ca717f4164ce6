/* SPDX-License-Identifier: Apache-2.0
 * Draft. "davit.exec.stats/1": what a container uses of the host, as far as the driver can tell.
 */
#ifndef DAVIT_EXEC_STATS_H
#define DAVIT_EXEC_STATS_H

#include "davit/exec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_EXEC_STATS "davit.exec.stats/1"

/* One figure, by name; what a driver does not know it leaves out. Times in nanoseconds, sizes in bytes.
 *   cgroup.version                            1 or 2: whose names memory.stat.… are
 *   cpu.total cpu.user cpu.system             time used since the start
 *   cpu.each.<n>                              of it, on processor n
 *   cpu.periods cpu.throttled_periods cpu.throttled_time
 *   memory.usage memory.max_usage memory.limit memory.failures
 *   memory.stat.<name>                        the kernel's own names
 *   pids.current pids.limit                   no limit: left out
 *   io.bytes.<operation> io.operations.<operation>   of the device major:minor
 */
typedef struct davit_exec_figure {
    uint32_t size;
    uint32_t padding;
    davit_str name;
    uint64_t value;
    uint32_t major;
    uint32_t minor;
} davit_exec_figure;

typedef struct davit_exec_stats {
    uint32_t size;
    uint32_t padding;

    /* Emits a davit_exec_figure for each figure. Errors: NOT_FOUND; CONFLICT when it has ended.            [any] */
    davit_status (*stats)(davit_instance *self, const davit_call *call, const davit_exec_key *req);
} davit_exec_stats;

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0
 * Draft. "davit.exec.pause/1": stop and continue every process of a container.
 */
#ifndef DAVIT_EXEC_PAUSE_H
#define DAVIT_EXEC_PAUSE_H

#include "davit/exec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_EXEC_PAUSE "davit.exec.pause/1"

typedef struct davit_exec_pause {
    uint32_t size;
    uint32_t padding;

    /* Stops every process of the container; stopped already is OK. Errors: NOT_FOUND; CONFLICT when it has
     * ended.                                                                                             [keyed] */
    davit_status (*pause)(davit_instance *self, const davit_call *call, const davit_exec_key *req);

    /* Lets them go on; running already is OK. Errors: NOT_FOUND; CONFLICT when it has ended.             [keyed] */
    davit_status (*resume)(davit_instance *self, const davit_call *call, const davit_exec_key *req);
} davit_exec_pause;

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0
 * A storage driver in plain C against the headers alone, as a vendor might write one: the proof
 * that nothing of C++ is needed. It keeps the names of layers in memory and has no files, so
 * `mount` is UNSUPPORTED.
 */
#include "davit/storage.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STR(literal) ((davit_str){(literal), sizeof(literal) - 1})
#define LAYER_MAX 64

struct layer {
    char key[DAVIT_STORAGE_KEY_MAX + 1];
    char parent[DAVIT_STORAGE_KEY_MAX + 1];
    uint32_t state; /* 0: free */
};

struct instance {
    davit_instance head; /* first: the host's pointer is ours */
    const davit_host* host;
    uint64_t limit;
    pthread_mutex_t lock;
    struct layer layers[LAYER_MAX];
};

static struct instance* of(davit_instance* self) { return (struct instance*)self; }

static int same(davit_str text, const char* other) {
    return text.length == strlen(other) && memcmp(text.data, other, text.length) == 0;
}

/* The two rules of growth: what the host did not send is zero, what it sent beyond our knowledge
 * must be zero. */
static davit_status receive(const davit_call* call, const void* req, void* known, uint32_t size) {
    uint32_t sent;
    memcpy(&sent, req, sizeof sent);
    memset(known, 0, size);
    memcpy(known, req, sent < size ? sent : size);
    for (uint32_t i = size; i < sent; i++)
        if (((const unsigned char*)req)[i] != 0)
            return call->fail(call, DAVIT_UNSUPPORTED, 0,
                              STR("read request: newer than this driver"));
    return DAVIT_OK;
}

static struct layer* find(struct instance* self, davit_str key) {
    for (int i = 0; i < LAYER_MAX; i++)
        if (self->layers[i].state != 0 && same(key, self->layers[i].key)) return &self->layers[i];
    return NULL;
}

static void keep(char* place, davit_str text) {
    memcpy(place, text.data, text.length);
    place[text.length] = '\0';
}

static davit_status prepare_locked(struct instance* self, const davit_call* call,
                                   const davit_storage_prepare* req, davit_storage_prepared* out) {
    if (req->key.length == 0 || req->key.length > DAVIT_STORAGE_KEY_MAX ||
        req->parent.length > DAVIT_STORAGE_KEY_MAX)
        return call->fail(call, DAVIT_INVALID, 0, STR("prepare layer: no such key is possible"));
    if (req->limit_bytes != 0 || req->limit_files != 0)
        return call->fail(call, DAVIT_UNSUPPORTED, 0, STR("prepare layer: no limits here"));
    if (req->parent.length != 0 && find(self, req->parent) == NULL)
        return call->fail(call, DAVIT_NOT_FOUND, 0, STR("prepare layer: no such parent"));
    out->view = DAVIT_STORAGE_MERGED;
    out->existed = find(self, req->key) != NULL;
    if (out->existed) return DAVIT_OK;
    for (uint64_t i = 0; i < self->limit; i++) {
        struct layer* layer = &self->layers[i];
        if (layer->state != 0) continue;
        keep(layer->key, req->key);
        keep(layer->parent, req->parent);
        layer->state = DAVIT_STORAGE_PREPARED;
        return DAVIT_OK;
    }
    return call->fail(call, DAVIT_NO_SPACE, 0, STR("prepare layer: all places are taken"));
}

static davit_status prepare(davit_instance* base, const davit_call* call,
                            const davit_storage_prepare* req, davit_storage_prepared* out) {
    davit_storage_prepare known;
    davit_storage_prepared result = {sizeof result, 0, 0, 0};
    davit_status status = receive(call, req, &known, sizeof known);
    if (status != DAVIT_OK) return status;
    struct instance* self = of(base);
    pthread_mutex_lock(&self->lock);
    status = prepare_locked(self, call, &known, &result);
    pthread_mutex_unlock(&self->lock);
    if (status == DAVIT_OK) {
        const uint32_t size = out->size;
        result.size = size;
        memcpy(out, &result, size < sizeof result ? size : sizeof result);
    }
    return status;
}

static davit_status mount(davit_instance* self, const davit_call* call,
                          const davit_storage_mount* req, davit_storage_mounted* out) {
    (void)self, (void)req, (void)out;
    return call->fail(call, DAVIT_UNSUPPORTED, 0, STR("mount layer: there are no files here"));
}

static davit_status remove_layer(davit_instance* base, const davit_call* call,
                                 const davit_storage_key* req) {
    struct instance* self = of(base);
    (void)call;
    pthread_mutex_lock(&self->lock);
    struct layer* layer = find(self, req->key);
    if (layer != NULL) layer->state = 0;
    pthread_mutex_unlock(&self->lock);
    return DAVIT_OK;
}

static davit_status list(davit_instance* base, const davit_call* call) {
    struct instance* self = of(base);
    davit_status status = DAVIT_OK;
    pthread_mutex_lock(&self->lock);
    for (int i = 0; i < LAYER_MAX && status == DAVIT_OK; i++) {
        struct layer* layer = &self->layers[i];
        if (layer->state == 0) continue;
        const davit_storage_layer record = {sizeof record,
                                            layer->state,
                                            {layer->key, strlen(layer->key)},
                                            {layer->parent, strlen(layer->parent)}};
        status = call->emit(call, &record);
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

static davit_status sync_layers(davit_instance* self, const davit_call* call) {
    (void)self, (void)call;
    return DAVIT_OK;
}

/* Operations that are not there are null: the host sees it by DAVIT_CAN. */
static const davit_storage storage = {.size = sizeof(davit_storage),
                                      .prepare = prepare,
                                      .mount = mount,
                                      .remove = remove_layer,
                                      .list = list,
                                      .sync = sync_layers};
static const davit_ability rebase = {sizeof(davit_ability), 0};

static const void* get(davit_instance* self, davit_str id) {
    (void)self;
    if (same(id, DAVIT_STORAGE)) return &storage;
    if (same(id, DAVIT_STORAGE_REBASE)) return &rebase;
    return NULL;
}

static void close_instance(davit_instance* base, const davit_call* call) {
    struct instance* self = of(base);
    (void)call;
    self->host->log(self->host, DAVIT_LOG_INFO, STR("closed"), NULL, 0);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

/* The engine has checked the configuration and filled in the defaults, so looking for the words is
 * enough here. */
static davit_status open_instance(const davit_call* call, const davit_open* req,
                                  davit_opened* out) {
    if (strstr(req->config.data, "\"mood\":\"refuse\"") != NULL)
        return call->fail(call, DAVIT_UNSUPPORTED, 0, STR("open plain-c: not in the mood"));
    if (strstr(req->config.data, "\"mood\":\"silent\"") != NULL) return DAVIT_BUSY;
    const char* layers = strstr(req->config.data, "\"layers\":");
    if (layers == NULL)
        return call->fail(call, DAVIT_INVALID, 0, STR("open plain-c: layers is missing"));
    struct instance* self = calloc(1, sizeof *self);
    if (self == NULL)
        return call->fail(call, DAVIT_INTERNAL, 0, STR("open plain-c: out of memory"));
    self->head.size = sizeof self->head;
    self->head.get = get;
    self->head.close = close_instance;
    self->host = req->host;
    self->limit = strtoull(layers + strlen("\"layers\":"), NULL, 10);
    pthread_mutex_init(&self->lock, NULL);
    const davit_kv fields[] = {{STR("instance"), req->instance}, {STR("scope"), req->scope}};
    req->host->log(req->host, DAVIT_LOG_INFO, STR("opened"), fields, 2);
    out->instance = &self->head;
    return DAVIT_OK;
}

static davit_status probe(const davit_call* call, const davit_open* req) {
    (void)req;
    const davit_probed found[] = {
        {sizeof(davit_probed), 1, STR(DAVIT_STORAGE_REBASE), STR("")},
        {sizeof(davit_probed), 0, STR(DAVIT_STORAGE_QUOTA), STR("no: there is nothing to count")}};
    davit_status status = call->emit(call, &found[0]);
    return status == DAVIT_OK ? call->emit(call, &found[1]) : status;
}

static const davit_driver driver = {.size = sizeof(davit_driver),
                                    .state_version = 1,
                                    .state_version_oldest = 1,
                                    .kind = {"storage", 7},
                                    .name = {"plain-c", 7},
                                    .open = open_instance,
                                    .probe = probe};
static const davit_driver* const drivers[] = {&driver};
static const davit_module module = {
    .size = sizeof(davit_module),
    .built_minor = DAVIT_ABI_MINOR,
    .required_minor = 0,
    .driver_count = 1,
    .drivers = drivers,
    .version = {DAVIT_MODULE_VERSION, sizeof(DAVIT_MODULE_VERSION) - 1}};

const davit_module* davit_module_v0(void);
__attribute__((visibility("default"))) const davit_module* davit_module_v0(void) { return &module; }

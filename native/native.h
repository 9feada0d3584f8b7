/* What the parts of the addon share. Each part puts its functions on the exports object from its own hb_init_*. */
#ifndef HUSHBOX_NATIVE_H
#define HUSHBOX_NATIVE_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <sys/types.h>

/* Throws a JavaScript Error whose `code` is the errno's name and whose message is "what: strerror". Returns NULL. */
napi_value hb_throw_errno(napi_env env, const char *what, int err);
/* Throws a JavaScript TypeError. Returns NULL. */
napi_value hb_throw_type(napi_env env, const char *what);
/* Puts a function on an object. */
void hb_export(napi_env env, napi_value object, const char *name, napi_callback callback);

/* True where a value is a Uint8Array: its memory and how many bytes. */
int hb_bytes(napi_env env, napi_value value, void **data, size_t *length);
/* Asks the kernel, unless the request is empty. Bytes of the next datagram, 0 where there is none, or the negative errno. Nothing here waits. */
ssize_t hb_netlink_talk(int fd, const void *request, size_t bytes, void *answer, size_t room);

void hb_init_ring(napi_env env, napi_value exports);
void hb_init_system(napi_env env, napi_value exports);
void hb_init_offload(napi_env env, napi_value exports);
void hb_init_netlink(napi_env env, napi_value exports);
void hb_init_keeper(napi_env env, napi_value exports);

#endif

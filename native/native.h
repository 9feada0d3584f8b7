/* What the parts of the addon share. Each part puts its functions on the exports object from its own hb_init_*. */
#ifndef HUSHBOX_NATIVE_H
#define HUSHBOX_NATIVE_H

#define NAPI_VERSION 8
#include <node_api.h>

/* Throws a JavaScript Error whose `code` is the errno's name and whose message is "what: strerror". Returns NULL. */
napi_value hb_throw_errno(napi_env env, const char *what, int err);
/* Throws a JavaScript TypeError. Returns NULL. */
napi_value hb_throw_type(napi_env env, const char *what);
/* Puts a function on an object. */
void hb_export(napi_env env, napi_value object, const char *name, napi_callback callback);

void hb_init_ring(napi_env env, napi_value exports);
void hb_init_system(napi_env env, napi_value exports);
void hb_init_offload(napi_env env, napi_value exports);
void hb_init_netlink(napi_env env, napi_value exports);
void hb_init_keeper(napi_env env, napi_value exports);

#endif

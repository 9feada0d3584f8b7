/* The addon's door. Context-aware: it may be loaded in any number of threads. */
#include "native.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

napi_value hb_throw_errno(napi_env env, const char *what, int err) {
  char message[256];
  const char *name = strerrorname_np(err);
  snprintf(message, sizeof message, "%s: %s", what, strerror(err));
  napi_throw_error(env, name ? name : "EUNKNOWN", message);
  return NULL;
}

napi_value hb_throw_type(napi_env env, const char *what) {
  napi_throw_type_error(env, "EINVAL", what);
  return NULL;
}

void hb_export(napi_env env, napi_value object, const char *name, napi_callback callback) {
  napi_value function;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function) == napi_ok)
    napi_set_named_property(env, object, name, function);
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  hb_init_ring(env, exports);
  hb_init_system(env, exports);
  hb_init_offload(env, exports);
  hb_init_netlink(env, exports);
  hb_init_keeper(env, exports);
  return exports;
}

__attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1(void) { return NAPI_VERSION; }

// Interface facts and offload features by ioctl, in the network namespace of the process. Sysfs would show another
// namespace's interfaces to a process that entered its own without a fresh mount of /sys, and ethtool may be absent.
#include "native.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// States of a feature, as offloadRead reports them and src/nic/offload.ts reads them.
enum { ACTIVE = 1, REQUESTED = 2, AVAILABLE = 4, FIXED = 8 };

static napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

static napi_value text(napi_env env, const char *value) {
  napi_value result;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result);
  return result;
}

// Failures come back as the negative errno, so that TypeScript writes the message.
static napi_value failure(napi_env env, int error) { return number(env, -error); }

static int open_control(void) { return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); }

// Copies the interface name of argument 0 into the request. A name that is too long cannot exist.
static int name_argument(napi_env env, napi_value value, struct ifreq *request) {
  char name[IFNAMSIZ + 1];
  size_t length = 0;
  memset(request, 0, sizeof *request);
  if (napi_get_value_string_utf8(env, value, name, sizeof name, &length) != napi_ok) return EINVAL;
  if (length == 0 || length >= IFNAMSIZ) return ENODEV;
  memcpy(request->ifr_name, name, length);
  return 0;
}

static int ethtool(int control, const struct ifreq *named, void *command) {
  struct ifreq request = *named;
  request.ifr_data = command;
  int result = ioctl(control, SIOCETHTOOL, &request);
  return result < 0 ? -errno : result;
}

// The kernel's names of the feature bits, `*count` of them, each ETH_GSTRING_LEN bytes; NULL with `*error` set.
static struct ethtool_gstrings *feature_names(int control, const struct ifreq *named, uint32_t *count, int *error) {
  struct {
    struct ethtool_sset_info info;
    uint32_t count;
  } set;
  memset(&set, 0, sizeof set);
  set.info.cmd = ETHTOOL_GSSET_INFO;
  set.info.sset_mask = 1ULL << ETH_SS_FEATURES;
  int result = ethtool(control, named, &set);
  if (result < 0 || set.info.sset_mask == 0 || set.count == 0 || set.count > 4096) {
    *error = result < 0 ? -result : EOPNOTSUPP;
    return NULL;
  }
  struct ethtool_gstrings *names = calloc(1, sizeof *names + (size_t)set.count * ETH_GSTRING_LEN);
  if (names == NULL) {
    *error = ENOMEM;
    return NULL;
  }
  names->cmd = ETHTOOL_GSTRINGS;
  names->string_set = ETH_SS_FEATURES;
  names->len = set.count;
  result = ethtool(control, named, names);
  if (result < 0) {
    *error = -result;
    free(names);
    return NULL;
  }
  *count = set.count;
  return names;
}

static void name_at(const struct ethtool_gstrings *names, uint32_t i, char out[ETH_GSTRING_LEN + 1]) {
  memcpy(out, names->data + (size_t)i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
  out[ETH_GSTRING_LEN] = 0;
}

// interfaceNames(): string[] | -errno
static napi_value interface_names(napi_env env, napi_callback_info info) {
  (void)info;
  struct if_nameindex *list = if_nameindex();
  if (list == NULL) return failure(env, errno);
  napi_value result;
  napi_create_array(env, &result);
  for (uint32_t i = 0; list[i].if_index != 0; i++) napi_set_element(env, result, i, text(env, list[i].if_name));
  if_freenameindex(list);
  return result;
}

// interfaceFacts(name): {index, mtu, type, up, running, mac} | -errno
static napi_value interface_facts(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  struct ifreq request;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  int error = name_argument(env, argument, &request);
  if (error != 0) return failure(env, error);
  int control = open_control();
  if (control < 0) return failure(env, errno);

  int index = 0, mtu = 0;
  short flags = 0;
  struct sockaddr hardware;
  memset(&hardware, 0, sizeof hardware);
  if (ioctl(control, SIOCGIFINDEX, &request) < 0) error = errno;
  index = request.ifr_ifindex;
  if (error == 0 && ioctl(control, SIOCGIFMTU, &request) < 0) error = errno;
  mtu = request.ifr_mtu;
  if (error == 0 && ioctl(control, SIOCGIFFLAGS, &request) < 0) error = errno;
  flags = request.ifr_flags;
  if (error == 0 && ioctl(control, SIOCGIFHWADDR, &request) < 0) error = errno;
  hardware = request.ifr_hwaddr;
  close(control);
  if (error != 0) return failure(env, error);

  const uint8_t *mac = (const uint8_t *)hardware.sa_data;
  char written[18];
  snprintf(written, sizeof written, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  napi_value result, up, running;
  napi_create_object(env, &result);
  napi_get_boolean(env, (flags & IFF_UP) != 0, &up);
  napi_get_boolean(env, (flags & IFF_RUNNING) != 0, &running);
  napi_set_named_property(env, result, "index", number(env, index));
  napi_set_named_property(env, result, "mtu", number(env, mtu));
  napi_set_named_property(env, result, "type", number(env, hardware.sa_family));
  napi_set_named_property(env, result, "up", up);
  napi_set_named_property(env, result, "running", running);
  napi_set_named_property(env, result, "mac", text(env, written));
  return result;
}

// offloadRead(name): {feature: ACTIVE | REQUESTED | AVAILABLE | FIXED} | -errno
static napi_value offload_read(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t arguments = 1;
  struct ifreq named;
  napi_get_cb_info(env, info, &arguments, &argument, NULL, NULL);
  int error = name_argument(env, argument, &named);
  if (error != 0) return failure(env, error);
  int control = open_control();
  if (control < 0) return failure(env, errno);

  uint32_t count = 0;
  struct ethtool_gfeatures *state = NULL;
  struct ethtool_gstrings *names = feature_names(control, &named, &count, &error);
  if (names != NULL) {
    uint32_t blocks = (count + 31) / 32;
    state = calloc(1, sizeof *state + blocks * sizeof state->features[0]);
    if (state == NULL) {
      error = ENOMEM;
    } else {
      state->cmd = ETHTOOL_GFEATURES;
      state->size = blocks;
      int result = ethtool(control, &named, state);
      if (result < 0) error = -result;
    }
  }
  close(control);

  napi_value result = NULL;
  if (error == 0) {
    napi_create_object(env, &result);
    for (uint32_t i = 0; i < count; i++) {
      char name[ETH_GSTRING_LEN + 1];
      name_at(names, i, name);
      if (name[0] == 0) continue;
      const struct ethtool_get_features_block *block = &state->features[i / 32];
      uint32_t bit = 1U << (i % 32);
      int flags = (block->active & bit ? ACTIVE : 0) | (block->requested & bit ? REQUESTED : 0) |
                  (block->available & bit ? AVAILABLE : 0) | (block->never_changed & bit ? FIXED : 0);
      napi_set_named_property(env, result, name, number(env, flags));
    }
  }
  free(state);
  free(names);
  return error == 0 ? result : failure(env, error);
}

// True where `wanted` is one of the strings of the JavaScript array.
static int listed(napi_env env, napi_value array, uint32_t length, const char *wanted) {
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    char name[ETH_GSTRING_LEN + 1];
    if (napi_get_element(env, array, i, &element) != napi_ok) continue;
    if (napi_get_value_string_utf8(env, element, name, sizeof name, NULL) != napi_ok) continue;
    if (strcmp(name, wanted) == 0) return 1;
  }
  return 0;
}

// offloadSet(name, features: string[], on: boolean): 0 or the kernel's ETHTOOL_F_* bits | -errno. One request for all of them.
static napi_value offload_set(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t given = 3;
  struct ifreq named;
  uint32_t length = 0;
  bool on = false;
  napi_get_cb_info(env, info, &given, arguments, NULL, NULL);
  int error = name_argument(env, arguments[0], &named);
  if (error != 0) return failure(env, error);
  if (napi_get_array_length(env, arguments[1], &length) != napi_ok) return failure(env, EINVAL);
  if (napi_get_value_bool(env, arguments[2], &on) != napi_ok) return failure(env, EINVAL);
  int control = open_control();
  if (control < 0) return failure(env, errno);

  uint32_t count = 0;
  int result = 0;
  struct ethtool_gstrings *names = feature_names(control, &named, &count, &error);
  if (names != NULL) {
    uint32_t blocks = (count + 31) / 32;
    struct ethtool_sfeatures *wanted = calloc(1, sizeof *wanted + blocks * sizeof wanted->features[0]);
    if (wanted == NULL) {
      error = ENOMEM;
    } else {
      wanted->cmd = ETHTOOL_SFEATURES;
      wanted->size = blocks;
      for (uint32_t i = 0; i < count; i++) {
        char name[ETH_GSTRING_LEN + 1];
        name_at(names, i, name);
        if (name[0] == 0 || !listed(env, arguments[1], length, name)) continue;
        wanted->features[i / 32].valid |= 1U << (i % 32);
        if (on) wanted->features[i / 32].requested |= 1U << (i % 32);
      }
      result = ethtool(control, &named, wanted);
      if (result < 0) error = -result;
      free(wanted);
    }
    free(names);
  }
  close(control);
  return error == 0 ? number(env, result) : failure(env, error);
}

void hb_init_offload(napi_env env, napi_value exports) {
  hb_export(env, exports, "interfaceNames", interface_names);
  hb_export(env, exports, "interfaceFacts", interface_facts);
  hb_export(env, exports, "offloadRead", offload_read);
  hb_export(env, exports, "offloadSet", offload_set);
}

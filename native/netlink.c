/* Netlink sockets: bytes out, bytes back. What they mean is TypeScript's business (src/nic/netlink.ts). netlink(7). */
#include "native.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

/* netlinkOpen(protocol, groups): a descriptor that hears these groups too, a bit each. What it owns in the kernel goes when it is closed, however its process ends. */
static napi_value netlink_open(napi_env env, napi_callback_info info) {
  size_t argc = 2;
  napi_value argv[2], result;
  int32_t protocol;
  uint32_t groups;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (argc < 2 || napi_get_value_int32(env, argv[0], &protocol) != napi_ok || napi_get_value_uint32(env, argv[1], &groups) != napi_ok)
    return hb_throw_type(env, "netlinkOpen(protocol, groups) takes two numbers");
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) return hb_throw_errno(env, "socket(AF_NETLINK)", errno);
  struct sockaddr_nl me = {.nl_family = AF_NETLINK, .nl_groups = groups};
  int bytes = 1 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes); /* a dump of many entries; the default does for most */
  if (bind(fd, (struct sockaddr *)&me, sizeof me) < 0) {
    int error = errno;
    close(fd);
    return hb_throw_errno(env, "bind(AF_NETLINK)", error);
  }
  napi_create_int32(env, fd, &result);
  return result;
}

int hb_bytes(napi_env env, napi_value value, void **data, size_t *length) {
  napi_typedarray_type type;
  return napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok && type == napi_uint8_array;
}

ssize_t hb_netlink_talk(int fd, const void *request, size_t bytes, void *answer, size_t room) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  while (bytes > 0 && sendto(fd, request, bytes, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
    if (errno != EINTR) return -errno;
  ssize_t n;
  do n = recv(fd, answer, room, MSG_DONTWAIT | MSG_TRUNC);
  while (n < 0 && errno == EINTR);
  if (n < 0) return errno == EAGAIN ? 0 : -errno;
  return n > (ssize_t)room ? -EMSGSIZE : n;
}

/*
 * netlinkTalk(fd, request, answer): bytes of the next datagram in answer; 0 where there is none. An empty request only listens. The kernel answers
 * while it takes the request, so nothing here waits.
 */
static napi_value netlink_talk(napi_env env, napi_callback_info info) {
  size_t argc = 3, asked, room;
  napi_value argv[3], result;
  int32_t fd;
  void *request, *answer;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (argc < 3 || napi_get_value_int32(env, argv[0], &fd) != napi_ok || !hb_bytes(env, argv[1], &request, &asked) ||
      !hb_bytes(env, argv[2], &answer, &room))
    return hb_throw_type(env, "netlinkTalk(fd, Uint8Array, Uint8Array)");
  ssize_t n = hb_netlink_talk(fd, request, asked, answer, room);
  if (n < 0) return hb_throw_errno(env, "talking to netlink", (int)-n);
  napi_create_int32(env, (int32_t)n, &result);
  return result;
}

/* netlinkClose(fd). */
static napi_value netlink_close(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1];
  int32_t fd;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (argc < 1 || napi_get_value_int32(env, argv[0], &fd) != napi_ok)
    return hb_throw_type(env, "netlinkClose(fd) takes a number");
  close(fd);
  return NULL;
}

void hb_init_netlink(napi_env env, napi_value exports) {
  hb_export(env, exports, "netlinkOpen", netlink_open);
  hb_export(env, exports, "netlinkTalk", netlink_talk);
  hb_export(env, exports, "netlinkClose", netlink_close);
}

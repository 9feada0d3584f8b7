/* What Node cannot say to the system itself: systemd's notification socket, an eventfd, the thread's priority. */
#include "native.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* notify(text): boolean. Sends text to $NOTIFY_SOCKET (sd_notify(3)); false where there is none or nobody listens. */
static napi_value notify(napi_env env, napi_callback_info info) {
  size_t argc = 1, length = 0;
  napi_value argv[1], result;
  char text[1024];
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (argc < 1 || napi_get_value_string_utf8(env, argv[0], text, sizeof text, &length) != napi_ok)
    return hb_throw_type(env, "notify(text) takes a string");
  const char *path = getenv("NOTIFY_SOCKET");
  int sent = 0;
  if (path && (path[0] == '/' || path[0] == '@') && path[1]) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n < sizeof to.sun_path) {
      memcpy(to.sun_path, path, n);
      if (path[0] == '@') to.sun_path[0] = 0; /* abstract socket */
      int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      if (fd >= 0) {
        socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
        sent = sendto(fd, text, length, MSG_NOSIGNAL, (struct sockaddr *)&to, size) == (ssize_t)length;
        close(fd);
      }
    }
  }
  napi_get_boolean(env, sent, &result);
  return result;
}

/* eventOpen(): number. A descriptor that wakes a waiting ring, also from another thread. */
static napi_value event_open(napi_env env, napi_callback_info info) {
  (void)info;
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) return hb_throw_errno(env, "eventfd", errno);
  napi_value result;
  napi_create_int32(env, fd, &result);
  return result;
}

static int int_argument(napi_env env, napi_callback_info info, int *value) {
  size_t argc = 1;
  napi_value argv[1];
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  return argc == 1 && napi_get_value_int32(env, argv[0], value) == napi_ok;
}

/* eventWake(fd). */
static napi_value event_wake(napi_env env, napi_callback_info info) {
  int fd;
  if (!int_argument(env, info, &fd)) return hb_throw_type(env, "eventWake(fd) takes a number");
  uint64_t one = 1;
  if (write(fd, &one, sizeof one) < 0 && errno != EAGAIN) return hb_throw_errno(env, "eventfd write", errno);
  return NULL;
}

/* eventClose(fd). */
static napi_value event_close(napi_env env, napi_callback_info info) {
  int fd;
  if (!int_argument(env, info, &fd)) return hb_throw_type(env, "eventClose(fd) takes a number");
  close(fd);
  return NULL;
}

/* threadPriority(n): makes the calling thread SCHED_FIFO at n (1 to 99), or leaves the scheduler alone at 0; timers fire without the usual 50 µs of slack. */
static napi_value thread_priority(napi_env env, napi_callback_info info) {
  int n;
  if (!int_argument(env, info, &n)) return hb_throw_type(env, "threadPriority(n) takes a number");
  prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
  if (n > 0) {
    struct sched_param p = {.sched_priority = n};
    if (sched_setscheduler(0, SCHED_FIFO, &p) < 0) return hb_throw_errno(env, "sched_setscheduler(SCHED_FIFO)", errno);
  }
  return NULL;
}

/* threadName(text): what `top -H` and /proc call the calling thread; 15 bytes of it (PR_SET_NAME). */
static napi_value thread_name(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1];
  char name[16];
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (argc < 1 || napi_get_value_string_utf8(env, argv[0], name, sizeof name, NULL) != napi_ok)
    return hb_throw_type(env, "threadName(text) takes a string");
  prctl(PR_SET_NAME, name, 0, 0, 0);
  return NULL;
}

void hb_init_system(napi_env env, napi_value exports) {
  hb_export(env, exports, "notify", notify);
  hb_export(env, exports, "eventOpen", event_open);
  hb_export(env, exports, "eventWake", event_wake);
  hb_export(env, exports, "eventClose", event_close);
  hb_export(env, exports, "threadPriority", thread_priority);
  hb_export(env, exports, "threadName", thread_name);
}

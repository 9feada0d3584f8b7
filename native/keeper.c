/*
 * A netlink socket in a thread with a table of descriptors of its own. What such a socket owns goes when its last descriptor does; the descriptors of
 * a killed process are closed by its last thread, after all its memory was given back, which takes a Node process many milliseconds. This thread has
 * little to give back, and closes its own at once.
 * It also sends, each time that the loop of packets says that it lives, what keeps the socket's table in force: so no packet waits for the kernel's
 * lock on its rules. What stood still for too long is not kept: the loop has to know.
 */
#include "native.h"

#include <errno.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CLOSE_RANGE_UNSHARE_FLAG 2u
#define MOST_KEEPERS 16
#define KEEP_BYTES 4096
#define STACK_BYTES (256 << 10)

struct keeper {
  pthread_mutex_t lock;
  pthread_cond_t asked, answered;
  int protocol, open_error, opened;
  int ending;
  /* One question at a time; the asker waits. */
  int question;
  const void *request;
  size_t request_bytes;
  void *answer;
  size_t answer_room;
  ssize_t result;
  /* What is sent at a beat, and when it last was (CLOCK_MONOTONIC, microseconds). */
  int beat;
  uint8_t keep[KEEP_BYTES];
  size_t keep_bytes;
  double *kept_at;
  double sure;
  napi_ref memory;
};

static struct keeper *keepers[MOST_KEEPERS];
static pthread_mutex_t keepers_lock = PTHREAD_MUTEX_INITIALIZER;

static double now_micros(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Sends what keeps the table; true where no answer is an error. */
static int keep(int fd, struct keeper *k) {
  uint8_t answer[8192];
  int good = 1;
  size_t bytes = k->keep_bytes;
  for (ssize_t n; (n = hb_netlink_talk(fd, k->keep, bytes, answer, sizeof answer)) != 0; bytes = 0) {
    if (n < 0) return 0;
    for (struct nlmsghdr *h = (struct nlmsghdr *)answer; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
      if (h->nlmsg_type == NLMSG_ERROR && ((struct nlmsgerr *)NLMSG_DATA(h))->error != 0) good = 0;
  }
  return good;
}

static void *work(void *data) {
  struct keeper *k = data;
  prctl(PR_SET_NAME, "hushbox-keeper", 0, 0, 0);
  /* Closes this thread's copies of all descriptors. Where the system forbids it (seccomp) the table is shared, and goes a little later. */
  syscall(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE_FLAG);
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, k->protocol);
  struct sockaddr_nl me = {.nl_family = AF_NETLINK};
  if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof me) < 0) k->open_error = errno;
  pthread_mutex_lock(&k->lock);
  k->opened = 1;
  pthread_cond_signal(&k->answered);
  while (!k->ending) {
    if (k->question) {
      k->result = hb_netlink_talk(fd, k->request, k->request_bytes, k->answer, k->answer_room);
      k->question = 0;
      pthread_cond_signal(&k->answered);
    } else if (k->beat) {
      k->beat = 0;
      double now = now_micros();
      if (k->keep_bytes > 0 && now - *k->kept_at <= k->sure && keep(fd, k)) *k->kept_at = now;
    } else
      pthread_cond_wait(&k->asked, &k->lock);
  }
  pthread_mutex_unlock(&k->lock);
  pthread_cond_destroy(&k->asked);
  pthread_cond_destroy(&k->answered);
  pthread_mutex_destroy(&k->lock);
  free(k);
  if (fd >= 0) close(fd);
  return NULL;
}

/* The thread frees what it has by itself: a socket of nf_tables takes 14 ms to close. */
static void release(struct keeper *k) {
  pthread_mutex_lock(&k->lock);
  k->ending = 1;
  pthread_cond_signal(&k->asked);
  pthread_mutex_unlock(&k->lock);
}

/* The thread of JavaScript ended without closing it. */
static void abandoned(void *data) {
  pthread_mutex_lock(&keepers_lock);
  for (int i = 0; i < MOST_KEEPERS; i++)
    if (keepers[i] == data) keepers[i] = NULL;
  pthread_mutex_unlock(&keepers_lock);
  release(data);
}

/* keeperOpen(protocol): a number, to be used as a descriptor with the two functions below. */
static napi_value keeper_open(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1], result;
  int32_t protocol;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (argc < 1 || napi_get_value_int32(env, argv[0], &protocol) != napi_ok)
    return hb_throw_type(env, "keeperOpen(protocol) takes a number");
  struct keeper *k = calloc(1, sizeof *k);
  if (!k) return hb_throw_errno(env, "keeperOpen", ENOMEM);
  k->protocol = protocol;
  pthread_mutex_init(&k->lock, NULL);
  pthread_cond_init(&k->asked, NULL);
  pthread_cond_init(&k->answered, NULL);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  /* Signals are for Node's own threads. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, work, k);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error) {
    free(k);
    return hb_throw_errno(env, "pthread_create", error);
  }
  pthread_mutex_lock(&k->lock);
  while (!k->opened) pthread_cond_wait(&k->answered, &k->lock);
  error = k->open_error;
  pthread_mutex_unlock(&k->lock);
  int place = -1;
  pthread_mutex_lock(&keepers_lock);
  for (int i = 0; i < MOST_KEEPERS && place < 0 && !error; i++)
    if (!keepers[i]) keepers[place = i] = k;
  pthread_mutex_unlock(&keepers_lock);
  if (place < 0) {
    release(k);
    return hb_throw_errno(env, "socket(AF_NETLINK)", error ? error : EMFILE);
  }
  napi_add_env_cleanup_hook(env, abandoned, k);
  napi_create_int32(env, place, &result);
  return result;
}

static struct keeper *keeper_of(napi_env env, napi_value value) {
  int32_t place;
  if (napi_get_value_int32(env, value, &place) != napi_ok || place < 0 || place >= MOST_KEEPERS) return NULL;
  pthread_mutex_lock(&keepers_lock);
  struct keeper *k = keepers[place];
  pthread_mutex_unlock(&keepers_lock);
  return k;
}

/* keeperTalk(keeper, request, answer): as netlinkTalk, by the keeper's thread. */
static napi_value keeper_talk(napi_env env, napi_callback_info info) {
  size_t argc = 3, asked, room;
  napi_value argv[3], result;
  void *request, *answer;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  struct keeper *k = argc < 3 ? NULL : keeper_of(env, argv[0]);
  if (!k || !hb_bytes(env, argv[1], &request, &asked) || !hb_bytes(env, argv[2], &answer, &room))
    return hb_throw_type(env, "keeperTalk(keeper, Uint8Array, Uint8Array)");
  pthread_mutex_lock(&k->lock);
  k->request = request, k->request_bytes = asked, k->answer = answer, k->answer_room = room;
  k->question = 1;
  pthread_cond_signal(&k->asked);
  while (k->question) pthread_cond_wait(&k->answered, &k->lock);
  ssize_t n = k->result;
  pthread_mutex_unlock(&k->lock);
  if (n < 0) return hb_throw_errno(env, "talking to netlink", (int)-n);
  napi_create_int32(env, (int32_t)n, &result);
  return result;
}

/*
 * keeperKeep(keeper, request, keptAt, sure): from now on each beat sends the request, and where all of it was taken sets keptAt[0] (Float64Array) to
 * when it was sent. One that comes more than `sure` microseconds after the last sends nothing.
 */
static napi_value keeper_keep(napi_env env, napi_callback_info info) {
  size_t argc = 4, length, places;
  napi_value argv[4];
  napi_typedarray_type type;
  void *request, *memory;
  double sure;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  struct keeper *k = argc < 4 ? NULL : keeper_of(env, argv[0]);
  if (!k || !hb_bytes(env, argv[1], &request, &length) || length > KEEP_BYTES ||
      napi_get_typedarray_info(env, argv[2], &type, &places, &memory, NULL, NULL) != napi_ok || type != napi_float64_array || places < 1 ||
      napi_get_value_double(env, argv[3], &sure) != napi_ok)
    return hb_throw_type(env, "keeperKeep(keeper, Uint8Array of at most 4096, Float64Array, number)");
  if (k->memory) napi_delete_reference(env, k->memory);
  napi_create_reference(env, argv[2], 1, &k->memory);
  pthread_mutex_lock(&k->lock);
  memcpy(k->keep, request, length);
  k->keep_bytes = length;
  k->kept_at = memory;
  k->sure = sure;
  pthread_mutex_unlock(&k->lock);
  return NULL;
}

/* keeperBeat(keeper): the loop lives. Waits for nothing but the keeper's own lock. */
static napi_value keeper_beat(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1];
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  struct keeper *k = argc < 1 ? NULL : keeper_of(env, argv[0]);
  /* Busy with the beat before: then this one changes nothing. */
  if (k && pthread_mutex_trylock(&k->lock) == 0) {
    k->beat = 1;
    pthread_cond_signal(&k->asked);
    pthread_mutex_unlock(&k->lock);
  }
  return NULL;
}

/* keeperClose(keeper). */
static napi_value keeper_close(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1];
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  struct keeper *k = argc < 1 ? NULL : keeper_of(env, argv[0]);
  if (!k) return NULL;
  napi_ref memory = k->memory;
  napi_remove_env_cleanup_hook(env, abandoned, k);
  abandoned(k);
  if (memory) napi_delete_reference(env, memory);
  return NULL;
}

void hb_init_keeper(napi_env env, napi_value exports) {
  hb_export(env, exports, "keeperOpen", keeper_open);
  hb_export(env, exports, "keeperTalk", keeper_talk);
  hb_export(env, exports, "keeperKeep", keeper_keep);
  hb_export(env, exports, "keeperBeat", keeper_beat);
  hb_export(env, exports, "keeperClose", keeper_close);
}

/*
 * The packet ring: both cards of the box behind one call a turn.
 *
 *   kernel --TPACKET_V2 ring--> gather() --copy--> pool slot --> JavaScript decides --> flush() --sendmmsg--> kernel
 *
 * JavaScript owns the pool, its stack of free slots, and the control block below; the addon only keeps pointers to them.
 * Frames are copied out of the kernel's ring at once: a held ring slot makes poll() return for ever, and a copy of 1400 B costs
 * some 30 ns. A card without link headers gets and gives IP packets; in the pool they carry an Ethernet header, so that nobody else needs to
 * know. Whoever takes a slot from the stack gives it back: gather() takes, flush() returns what it has sent.
 * packet(7), Documentation/networking/packet_mmap.rst.
 */
#include "native.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <math.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define RX_BATCH 256
#define TX_BATCH 1024
#define MAX_PAD 4096
#define FRAME_BYTES 2048
#define BLOCK_BYTES 65536 /* a multiple of the page size on every machine, 16 KiB pages of a Pi 5 too */
_Static_assert(BLOCK_BYTES % 65536 == 0 && BLOCK_BYTES % FRAME_BYTES == 0, "the kernel takes whole pages of whole frames");
#define MAX_FILTER 256
#define TICK_NS 250000000L

enum { STATE_GONE = 0, STATE_DOWN = 1, STATE_UP = 2 };
enum { FLAG_PARTIAL_CHECKSUM = 1 };

struct port_control {
  double received, dropped, sent, refused, downs;
  int32_t state, rx_count, tx_count, mtu;
  int32_t tx_slot[TX_BATCH], tx_length[TX_BATCH], tx_pad[TX_BATCH];
  int32_t rx_slot[RX_BATCH], rx_length[RX_BATCH], rx_wire[RX_BATCH], rx_flags[RX_BATCH];
  double rx_at[RX_BATCH];
};

/* Times in microseconds; now, until and rx_at on CLOCK_MONOTONIC, wall is what to add for CLOCK_REALTIME. */
struct control {
  double now, until, spin, wall;
  double woken; /* 1 where this turn's wait was ended through the wake descriptor */
  struct port_control port[2];
  uint8_t bare_header[12]; /* destination and source of packets that came without a link header */
};

struct port {
  char name[IFNAMSIZ];
  int index;
  int rx, tx;
  int bare; /* packets without a link header (ARPHRD_NONE: tun, WireGuard): in the pool they have an Ethernet header all the same */
  uint8_t *ring;
  size_t ring_bytes;
  unsigned frames, next;
  struct sock_filter filter[MAX_FILTER];
  int filter_length;
};

struct engine {
  uint8_t *slots;
  int32_t *free; /* free[0] is the count */
  size_t slot_bytes;
  struct control *control;
  int wake;
  int ready; /* epoll of wake, tick and both receive sockets: a fraction of what ppoll of the four costs in a wait for each packet */
  int tick; /* wakes an endless wait four times a second: cheaper than a timeout of each wait, which is a timer to set and to cancel */
  struct port port[2];
  napi_ref keep[3];
  uint8_t zeros[MAX_PAD];
};

static double micros_of(const struct timespec *t) { return (double)t->tv_sec * 1e6 + (double)t->tv_nsec / 1e3; }

static double monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return micros_of(&t);
}

/* Reads the clock, and once a millisecond the other one too; wall is their difference. */
static double read_clocks(struct control *c) {
  struct timespec m, r;
  clock_gettime(CLOCK_MONOTONIC, &m);
  double before = c->now;
  c->now = micros_of(&m);
  if (c->wall == 0 || (uint64_t)(before / 1e3) != (uint64_t)(c->now / 1e3)) {
    clock_gettime(CLOCK_REALTIME, &r);
    c->wall = ((double)r.tv_sec - (double)m.tv_sec) * 1e6 + ((double)r.tv_nsec - (double)m.tv_nsec) / 1e3;
  }
  return c->now;
}

/* ---- opening and closing a port ---- */

static void close_port(struct port *p) {
  if (p->ring) munmap(p->ring, p->ring_bytes);
  if (p->rx >= 0) close(p->rx);
  if (p->tx >= 0) close(p->tx);
  p->ring = NULL;
  p->rx = p->tx = -1;
}

static int apply_filter(struct port *p) {
  if (p->filter_length == 0) return 0;
  struct sock_fprog program = {.len = (unsigned short)p->filter_length, .filter = p->filter};
  return setsockopt(p->rx, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int bind_to(int fd, int index, int protocol) {
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol), .sll_ifindex = index};
  return bind(fd, (struct sockaddr *)&to, sizeof to);
}

static int read_interface(struct port *p, struct port_control *c) {
  struct ifreq request = {0};
  memcpy(request.ifr_name, p->name, sizeof p->name);
  if (ioctl(p->tx, SIOCGIFFLAGS, &request) < 0) return STATE_GONE;
  int state = (request.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING) ? STATE_UP : STATE_DOWN;
  if (ioctl(p->tx, SIOCGIFMTU, &request) == 0) c->mtu = request.ifr_mtu;
  if (ioctl(p->tx, SIOCGIFHWADDR, &request) == 0) p->bare = request.ifr_hwaddr.sa_family == ARPHRD_NONE;
  return state;
}

/* Opens name with `frames` ring slots. On failure everything is closed again, *what says the step, and errno is returned. */
static int open_port(struct port *p, struct port_control *c, const char **what) {
  int one = 1, version = TPACKET_V2, error;
  p->next = 0;
  *what = "if_nametoindex";
  p->index = (int)if_nametoindex(p->name);
  if (p->index == 0) return errno;
  *what = "socket(AF_PACKET)";
  /* Protocol 0 until bound: a socket of ETH_P_ALL would hear every interface first. */
  p->rx = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  p->tx = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (p->rx < 0 || p->tx < 0) goto failed;
  *what = "PACKET_IGNORE_OUTGOING"; /* else the box hears what it sends */
  if (setsockopt(p->rx, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) < 0) goto failed;
  *what = "PACKET_VERSION";
  if (setsockopt(p->rx, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0) goto failed;
  *what = "SO_ATTACH_FILTER";
  if (apply_filter(p) < 0) goto failed;
  struct tpacket_req request = {.tp_block_size = BLOCK_BYTES, .tp_frame_size = FRAME_BYTES};
  request.tp_block_nr = (p->frames * FRAME_BYTES + BLOCK_BYTES - 1) / BLOCK_BYTES;
  request.tp_frame_nr = request.tp_block_nr * (BLOCK_BYTES / FRAME_BYTES);
  p->frames = request.tp_frame_nr;
  p->ring_bytes = (size_t)request.tp_block_nr * BLOCK_BYTES;
  *what = "PACKET_RX_RING";
  if (setsockopt(p->rx, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) < 0) goto failed;
  *what = "mmap of the ring";
  void *map = mmap(NULL, p->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, p->rx, 0);
  if (map == MAP_FAILED) goto failed;
  p->ring = map;
  *what = "PACKET_ADD_MEMBERSHIP";
  struct packet_mreq promiscuous = {.mr_ifindex = p->index, .mr_type = PACKET_MR_PROMISC};
  if (setsockopt(p->rx, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) < 0) goto failed;
  *what = "SO_SNDBUF";
  int bytes = 4 << 20; /* SO_SNDBUFFORCE needs CAP_NET_ADMIN, which we have */
  if (setsockopt(p->tx, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0 &&
      setsockopt(p->tx, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) < 0)
    goto failed;
  *what = "bind";
  if (bind_to(p->tx, p->index, 0) < 0 || bind_to(p->rx, p->index, ETH_P_ALL) < 0) goto failed;
  c->state = read_interface(p, c);
  return 0;
failed:
  error = errno;
  close_port(p);
  return error;
}

/* A closed descriptor leaves the epoll by itself. */
static void watch(struct engine *e, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(e->ready, EPOLL_CTL_ADD, fd, &event);
}

/* ---- a turn: flush, gather, wait ---- */

/* Hands the waiting frames to the kernel; what was sent or refused goes back to the free stack, what did not fit stays for the next turn. */
static void flush(struct engine *e, int which) {
  struct port *p = &e->port[which];
  struct port_control *c = &e->control->port[which];
  int total = c->tx_count, done = 0;
  if (total == 0) return;
  struct mmsghdr messages[64];
  struct iovec parts[64][2];
  while (done < total) {
    int n = total - done < 64 ? total - done : 64, sent;
    for (int i = 0; i < n; i++) {
      int k = done + i;
      size_t skip = p->bare ? ETH_HLEN : 0;
      parts[i][0] = (struct iovec){e->slots + (size_t)c->tx_slot[k] * e->slot_bytes + skip, (size_t)c->tx_length[k] - skip};
      parts[i][1] = (struct iovec){e->zeros, (size_t)c->tx_pad[k]};
      messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = parts[i], .msg_iovlen = c->tx_pad[k] > 0 ? 2 : 1}};
    }
    if (p->tx < 0)
      sent = -1;
    else if (n == 1 && c->tx_pad[done] <= 0) /* half the cost of a batch of one */
      sent = send(p->tx, parts[0][0].iov_base, parts[0][0].iov_len, MSG_DONTWAIT) < 0 ? -1 : 1;
    else
      sent = sendmmsg(p->tx, messages, (unsigned)n, MSG_DONTWAIT);
    if (sent > 0) {
      done += sent;
      c->sent += sent;
      continue;
    }
    if (p->tx >= 0 && errno == EINTR) continue;
    if (p->tx >= 0 && errno == EAGAIN) break; /* the socket's buffer is full: try again next turn, in order */
    if (p->tx < 0 || errno == ENETDOWN || errno == ENXIO || errno == ENODEV) {
      c->refused += total - done; /* down or gone: these frames have nowhere to go */
      done = total;
    } else {
      c->refused += 1; /* EMSGSIZE: longer than the MTU; ENOBUFS: the queueing discipline dropped it */
      done += 1;
    }
  }
  int32_t n = e->free[0];
  for (int i = 0; i < done; i++) e->free[++n] = c->tx_slot[i];
  e->free[0] = n;
  int left = total - done;
  if (left > 0) {
    memmove(c->tx_slot, c->tx_slot + done, (size_t)left * sizeof(int32_t));
    memmove(c->tx_length, c->tx_length + done, (size_t)left * sizeof(int32_t));
    memmove(c->tx_pad, c->tx_pad + done, (size_t)left * sizeof(int32_t));
  }
  c->tx_count = left;
}

static struct tpacket2_hdr *ring_header(struct port *p) { return (struct tpacket2_hdr *)(p->ring + (size_t)p->next * FRAME_BYTES); }

static int waiting(struct port *p) {
  return p->ring && (__atomic_load_n(&ring_header(p)->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER);
}

/* Copies what has arrived into pool slots, until the batch or the pool is exhausted. Returns how many. */
static int gather(struct engine *e, int which) {
  struct port *p = &e->port[which];
  struct port_control *c = &e->control->port[which];
  double now = e->control->now, wall = e->control->wall;
  int n = 0;
  while (n < RX_BATCH && e->free[0] > 0 && waiting(p)) {
    struct tpacket2_hdr *h = ring_header(p);
    const uint8_t *from = (const uint8_t *)h + h->tp_mac;
    size_t length = h->tp_snaplen, wire = h->tp_len;
    int32_t slot = e->free[e->free[0]--];
    uint8_t *to = e->slots + (size_t)slot * e->slot_bytes;
    /* The kernel takes the outermost 802.1Q tag out of the frame and hands it over beside it: put it back. */
    int tagged = (h->tp_status & TP_STATUS_VLAN_VALID) && length >= 12;
    if (tagged) {
      uint16_t tpid = (h->tp_status & TP_STATUS_VLAN_TPID_VALID) ? h->tp_vlan_tpid : ETH_P_8021Q;
      if (length > e->slot_bytes - 4) length = e->slot_bytes - 4;
      memcpy(to, from, 12);
      to[12] = (uint8_t)(tpid >> 8), to[13] = (uint8_t)tpid;
      to[14] = (uint8_t)(h->tp_vlan_tci >> 8), to[15] = (uint8_t)h->tp_vlan_tci;
      memcpy(to + 16, from + 12, length - 12);
      length += 4, wire += 4;
    } else if (p->bare) {
      if (length > e->slot_bytes - ETH_HLEN) length = e->slot_bytes - ETH_HLEN;
      uint16_t type = htons(length > 0 && from[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP);
      memcpy(to, e->control->bare_header, 12);
      memcpy(to + 12, &type, 2);
      memcpy(to + ETH_HLEN, from, length);
      length += ETH_HLEN, wire += ETH_HLEN;
    } else {
      if (length > e->slot_bytes) length = e->slot_bytes;
      memcpy(to, from, length);
    }
    double at = (double)h->tp_sec * 1e6 + (double)h->tp_nsec / 1e3 - wall;
    c->rx_slot[n] = slot;
    c->rx_length[n] = (int32_t)length;
    c->rx_wire[n] = (int32_t)wire;
    c->rx_flags[n] = (h->tp_status & TP_STATUS_CSUMNOTREADY) ? FLAG_PARTIAL_CHECKSUM : 0;
    /* A step of the wall clock between stamp and now must not move an arrival out of the present. */
    c->rx_at[n] = at > now || at < now - 1e6 ? now : at;
    __atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    if (++p->next == p->frames) p->next = 0;
    n++;
  }
  c->rx_count = n;
  c->received += n;
  return n;
}

static void drain(int fd) {
  uint64_t ignored;
  while (read(fd, &ignored, sizeof ignored) > 0) {
  }
}

/* A card that was up and is no more went down, whoever notices it first. */
static void set_state(struct port_control *c, int state) {
  if (c->state == STATE_UP && state != STATE_UP) c->downs += 1;
  c->state = state;
}

static void heard(struct engine *e, int fd) {
  drain(fd);
  if (fd == e->wake) e->control->woken = 1;
}

/* An error (interface down) keeps the descriptor readable until it is asked for. */
static void failed(struct engine *e, int fd) {
  int error;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  for (int k = 0; k < 2; k++)
    if (e->port[k].rx == fd || e->port[k].tx == fd) set_state(&e->control->port[k], STATE_DOWN);
}

/* The sleep for when frames wait for room to be sent, a card is down, or no slot is free. NULL has no end. Returns 0 when the time is over. */
static int sleep_unusual(struct engine *e, const struct timespec *t) {
  struct control *c = e->control;
  struct pollfd fds[6];
  int n = 0;
  fds[n++] = (struct pollfd){.fd = e->wake, .events = POLLIN};
  fds[n++] = (struct pollfd){.fd = e->tick, .events = POLLIN};
  for (int i = 0; i < 2; i++) {
    struct port *p = &e->port[i];
    if (p->rx >= 0 && e->free[0] > 0 && c->port[i].state == STATE_UP) fds[n++] = (struct pollfd){.fd = p->rx, .events = POLLIN};
    if (p->tx >= 0 && c->port[i].tx_count > 0) fds[n++] = (struct pollfd){.fd = p->tx, .events = POLLOUT};
  }
  int ready = ppoll(fds, (nfds_t)n, t, NULL);
  for (int i = 0; ready > 0 && i < n; i++) {
    if (i < 2 && (fds[i].revents & POLLIN)) heard(e, fds[i].fd);
    if (i >= 2 && (fds[i].revents & (POLLERR | POLLHUP))) failed(e, fds[i].fd);
  }
  return ready;
}

/* The usual sleep: both cards up, room for frames, nothing left to send. The same, for less. */
static int sleep_usual(struct engine *e, const struct timespec *t) {
  struct epoll_event events[4];
  int n = epoll_pwait2(e->ready, events, 4, t, NULL);
  if (n < 0 && errno == ENOSYS) return sleep_unusual(e, t); /* before Linux 5.11 */
  for (int i = 0; i < n; i++) {
    int fd = events[i].data.fd;
    if (fd == e->wake || fd == e->tick)
      heard(e, fd);
    else if (events[i].events & (EPOLLERR | EPOLLHUP))
      failed(e, fd);
  }
  return n;
}

/* Sleeps until a frame, a wake, a tick or `until`, whichever is first; the last `spin` µs before `until` it spins, which is what makes a delayed release punctual. */
static void wait_until(struct engine *e, double until) {
  struct control *c = e->control;
  int room = e->free[0] > 0, usual = room;
  for (int i = 0; i < 2; i++) usual = usual && c->port[i].state == STATE_UP && c->port[i].tx_count == 0;
  int endless = until == INFINITY;
  double sleep = until - c->spin - c->now;
  if (sleep > 0) {
    struct timespec t = {0, 0};
    if (!endless) {
      t.tv_sec = (time_t)(sleep / 1e6);
      t.tv_nsec = (long)((sleep - (double)t.tv_sec * 1e6) * 1e3);
    }
    /* Something is ready; or a signal came: waking early is harmless, and an endless wait has no end to spin towards. */
    if ((usual ? sleep_usual : sleep_unusual)(e, endless ? NULL : &t) != 0) return;
  }
  while (monotonic() < until)
    if (room && (waiting(&e->port[0]) || waiting(&e->port[1]))) return;
}

static struct engine *engine_of(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv) {
  void *e = NULL;
  napi_get_cb_info(env, info, argc, argv, NULL, NULL);
  if (*argc < 1 || napi_get_value_external(env, argv[0], &e) != napi_ok) {
    hb_throw_type(env, "the first argument is a ring");
    return NULL;
  }
  return e;
}

/* ringTurn(ring): flushes, gathers and, if nothing came, waits until control.until and gathers again. */
static napi_value ring_turn(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1];
  struct engine *e = engine_of(env, info, &argc, argv);
  if (!e) return NULL;
  e->control->woken = 0;
  flush(e, 0);
  flush(e, 1);
  struct control *c = e->control;
  /* The clock is read only for what needs it: at a turn for each packet it is read once. */
  int idle = e->free[0] == 0 || (!waiting(&e->port[0]) && !waiting(&e->port[1]));
  if (!idle || c->until != INFINITY) read_clocks(c);
  if (idle && c->until > c->now) {
    wait_until(e, c->until);
    read_clocks(c);
  }
  gather(e, 0);
  gather(e, 1);
  return NULL;
}

/* ringFlush(ring): hands the waiting frames to the kernel now instead of at the next turn, and reads the clock after that. */
static napi_value ring_flush(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1];
  struct engine *e = engine_of(env, info, &argc, argv);
  if (!e) return NULL;
  flush(e, 0);
  flush(e, 1);
  read_clocks(e->control);
  return NULL;
}

/* ---- the slow path ---- */

/* ringCheck(ring): looks at both interfaces: drop counters, up or down, and one that went away and came back is opened anew. */
static napi_value ring_check(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1];
  struct engine *e = engine_of(env, info, &argc, argv);
  if (!e) return NULL;
  for (int i = 0; i < 2; i++) {
    struct port *p = &e->port[i];
    struct port_control *c = &e->control->port[i];
    if (p->name[0] == 0) continue;
    struct tpacket_stats stats;
    socklen_t size = sizeof stats;
    if (p->rx >= 0 && getsockopt(p->rx, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) c->dropped += stats.tp_drops;
    int index = (int)if_nametoindex(p->name);
    if (index != p->index || p->rx < 0) {
      const char *what;
      close_port(p);
      set_state(c, STATE_GONE);
      p->index = 0;
      if (index != 0 && open_port(p, c, &what) == 0) watch(e, p->rx); /* fails while it is still being set up: the next check tries again */
    } else {
      set_state(c, read_interface(p, c));
    }
  }
  return NULL;
}

static int read_filter(napi_env env, napi_value value, struct port *p) {
  napi_typedarray_type type;
  size_t length;
  void *data;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok || type != napi_uint8_array ||
      length % sizeof(struct sock_filter) != 0 || length > sizeof p->filter)
    return 0;
  memcpy(p->filter, data, length);
  p->filter_length = (int)(length / sizeof(struct sock_filter));
  return 1;
}

/* ringFilter(ring, port, program): puts another classic BPF program (8 bytes an instruction) before a port's ring, without a gap. */
static napi_value ring_filter(napi_env env, napi_callback_info info) {
  size_t argc = 3;
  napi_value argv[3];
  int32_t which;
  struct engine *e = engine_of(env, info, &argc, argv);
  if (!e) return NULL;
  if (argc < 3 || napi_get_value_int32(env, argv[1], &which) != napi_ok || which < 0 || which > 1 ||
      !read_filter(env, argv[2], &e->port[which]))
    return hb_throw_type(env, "ringFilter(ring, 0|1, Uint8Array)");
  if (e->port[which].rx >= 0 && apply_filter(&e->port[which]) < 0) return hb_throw_errno(env, "SO_ATTACH_FILTER", errno);
  return NULL;
}

/*
 * ringDiscard(ring): gives back unread what came up to now: somebody else has carried it. Returns how many frames. The kernel's own stamps are
 * compared, since the ones of frames that waited for long are not told on.
 */
static napi_value ring_discard(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1], result;
  struct engine *e = engine_of(env, info, &argc, argv);
  if (!e) return NULL;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  double frames = 0;
  for (int i = 0; i < 2; i++) {
    struct port *p = &e->port[i];
    for (unsigned n = 0; n < p->frames && waiting(p); n++) {
      struct tpacket2_hdr *h = ring_header(p);
      if (h->tp_sec > (uint64_t)now.tv_sec || (h->tp_sec == (uint64_t)now.tv_sec && h->tp_nsec > (uint64_t)now.tv_nsec)) break;
      __atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
      if (++p->next == p->frames) p->next = 0;
      frames += 1;
    }
  }
  napi_create_double(env, frames, &result);
  return result;
}

static void destroy(struct engine *e) {
  if (e->tick >= 0) close(e->tick);
  if (e->ready >= 0) close(e->ready);
  e->tick = e->ready = -1;
  close_port(&e->port[0]);
  close_port(&e->port[1]);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  struct engine *e = data;
  destroy(e);
  for (int i = 0; i < 3; i++)
    if (e->keep[i]) napi_delete_reference(env, e->keep[i]);
  free(e);
}

/* ringClose(ring): hands the waiting frames to the kernel, closes the sockets and unmaps the rings. Harmless twice; a turn after it does nothing. */
static napi_value ring_close(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1];
  struct engine *e = engine_of(env, info, &argc, argv);
  if (e) {
    flush(e, 0);
    flush(e, 1);
    destroy(e);
    e->port[0].name[0] = e->port[1].name[0] = 0; /* a check opens nothing again */
  }
  return NULL;
}

static void *buffer(napi_env env, napi_value value, size_t at_least) {
  void *data = NULL;
  size_t length = 0;
  if (napi_get_arraybuffer_info(env, value, &data, &length) != napi_ok || length < at_least) return NULL;
  return data;
}

/* ringOpen(slots, slotBytes, free, control, wakeFd): ring. The buffers stay alive as long as the ring. */
static napi_value ring_open(napi_env env, napi_callback_info info) {
  size_t argc = 5;
  napi_value argv[5], result;
  int32_t slot_bytes, wake;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (argc < 5 || napi_get_value_int32(env, argv[1], &slot_bytes) != napi_ok || slot_bytes < 64 ||
      napi_get_value_int32(env, argv[4], &wake) != napi_ok)
    return hb_throw_type(env, "ringOpen(slots, slotBytes, free, control, wakeFd)");
  struct engine *e = calloc(1, sizeof *e);
  if (!e) return hb_throw_errno(env, "ringOpen", ENOMEM);
  e->slots = buffer(env, argv[0], (size_t)slot_bytes);
  e->free = buffer(env, argv[2], 2 * sizeof(int32_t));
  e->control = buffer(env, argv[3], sizeof(struct control));
  e->slot_bytes = (size_t)slot_bytes;
  e->wake = wake;
  e->tick = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  e->ready = epoll_create1(EPOLL_CLOEXEC);
  struct itimerspec every = {{0, TICK_NS}, {0, TICK_NS}};
  if (e->tick >= 0) timerfd_settime(e->tick, 0, &every, NULL);
  for (int i = 0; i < 2; i++) e->port[i].rx = e->port[i].tx = -1;
  if (e->tick < 0 || e->ready < 0) {
    int error = errno;
    destroy(e);
    free(e);
    return hb_throw_errno(env, "opening a timer and an epoll", error);
  }
  watch(e, e->wake);
  watch(e, e->tick);
  if (!e->slots || !e->free || !e->control) {
    destroy(e);
    free(e);
    return hb_throw_type(env, "ringOpen: a buffer is missing or too small");
  }
  napi_create_reference(env, argv[0], 1, &e->keep[0]);
  napi_create_reference(env, argv[2], 1, &e->keep[1]);
  napi_create_reference(env, argv[3], 1, &e->keep[2]);
  if (napi_create_external(env, e, finalize, NULL, &result) != napi_ok) return NULL;
  read_clocks(e->control);
  return result;
}

/* ringPort(ring, 0|1, name, slots, filter): opens a card. Throws with the errno's name as code: ENODEV, EPERM, ENOMEM, … */
static napi_value ring_port(napi_env env, napi_callback_info info) {
  size_t argc = 5, length;
  napi_value argv[5];
  int32_t which, frames;
  char name[IFNAMSIZ + 1];
  const char *what = "";
  struct engine *e = engine_of(env, info, &argc, argv);
  if (!e) return NULL;
  if (argc < 5 || napi_get_value_int32(env, argv[1], &which) != napi_ok || which < 0 || which > 1 ||
      napi_get_value_string_utf8(env, argv[2], name, sizeof name, &length) != napi_ok || length == 0 || length >= IFNAMSIZ ||
      napi_get_value_int32(env, argv[3], &frames) != napi_ok || frames < 32 || frames > 1 << 16)
    return hb_throw_type(env, "ringPort(ring, 0|1, interface name, slots, filter)");
  struct port *p = &e->port[which];
  if (!read_filter(env, argv[4], p)) return hb_throw_type(env, "ringPort: the filter is a Uint8Array of 8-byte instructions");
  close_port(p);
  memset(p->name, 0, sizeof p->name);
  memcpy(p->name, name, length);
  p->frames = (unsigned)frames;
  int error = open_port(p, &e->control->port[which], &what);
  if (error) return hb_throw_errno(env, what, error);
  watch(e, p->rx);
  return NULL;
}

static void number(napi_env env, napi_value object, const char *name, size_t value) {
  napi_value n;
  napi_create_double(env, (double)value, &n);
  napi_set_named_property(env, object, name, n);
}

#define AT(field) number(env, layout, #field, offsetof(struct control, field))
#define PORT_AT(field) number(env, layout, #field, offsetof(struct port_control, field))

void hb_init_ring(napi_env env, napi_value exports) {
  hb_export(env, exports, "ringOpen", ring_open);
  hb_export(env, exports, "ringPort", ring_port);
  hb_export(env, exports, "ringFilter", ring_filter);
  hb_export(env, exports, "ringTurn", ring_turn);
  hb_export(env, exports, "ringFlush", ring_flush);
  hb_export(env, exports, "ringCheck", ring_check);
  hb_export(env, exports, "ringDiscard", ring_discard);
  hb_export(env, exports, "ringClose", ring_close);
  /* Byte offsets of the control block, so that nobody counts them twice. */
  napi_value layout;
  napi_create_object(env, &layout);
  number(env, layout, "bytes", sizeof(struct control));
  number(env, layout, "portBytes", sizeof(struct port_control));
  number(env, layout, "rxBatch", RX_BATCH);
  number(env, layout, "txBatch", TX_BATCH);
  number(env, layout, "maxPad", MAX_PAD);
  AT(now), AT(until), AT(spin), AT(wall), AT(woken), AT(port), AT(bare_header);
  PORT_AT(received), PORT_AT(dropped), PORT_AT(sent), PORT_AT(refused), PORT_AT(downs);
  PORT_AT(state), PORT_AT(rx_count), PORT_AT(tx_count), PORT_AT(mtu);
  PORT_AT(tx_slot), PORT_AT(tx_length), PORT_AT(tx_pad);
  PORT_AT(rx_slot), PORT_AT(rx_length), PORT_AT(rx_wire), PORT_AT(rx_flags), PORT_AT(rx_at);
  napi_set_named_property(env, exports, "layout", layout);
}

// Receives what generator sent.
//   sink INTERFACE count       counts frames and looks at none: costs next to nothing at a million a second
//   sink INTERFACE latency     also latency (kernel receive stamp minus the stamp in the frame), loss, duplicates, reordering
// Prints "ready", runs until its standard input ends, waits until nothing comes for 50 ms, prints one JSON object.
#include "frame.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, QUIET_MS = 50, LONGEST_QUIET_MS = 3000, SAMPLES = 4 << 20, HEAD_BYTES = 64, CONTROL_BYTES = 128 };

static int64_t *samples;
static uint8_t *seen;
static uint64_t received, duplicates, reordered, beyond, highest;

static void fail(const char *doing) {
  fprintf(stderr, "sink: %s: %s\n", doing, strerror(errno));
  exit(1);
}

// Only the generator's frames: decoys and whatever else passes are not counted.
static void attach_filter(int in, uint32_t keep) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 8),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, IP_AT),    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x4500, 0, 6),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, UDP_AT + 2), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DESTINATION_PORT, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, MARK_AT),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK, 0, 2),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP_AT + 9), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, 0),                 BPF_STMT(BPF_RET | BPF_K, keep),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  if (setsockopt(in, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) fail("attaching the filter");
}

static int open_socket(const char *name, int counting) {
  int in = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (in < 0) fail("opening a packet socket");
  attach_filter(in, counting ? 1 : HEAD_BYTES);
  int on = 1;
  // Counting never reads: the receive buffer is full at once, and every further frame is counted as dropped by the kernel.
  int buffer = counting ? 1 : 64 << 20;
  if (setsockopt(in, SOL_SOCKET, counting ? SO_RCVBUF : SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0) fail("setting the buffer");
  if (!counting && setsockopt(in, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0) fail("asking for stamps");
  unsigned index = if_nametoindex(name);
  if (index == 0) fail(name);
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)index};
  if (bind(in, (struct sockaddr *)&address, sizeof address) < 0) fail("binding");
  return in;
}

static struct tpacket_stats statistics(int in) {
  struct tpacket_stats counted = {0};
  socklen_t length = sizeof counted;
  if (getsockopt(in, SOL_PACKET, PACKET_STATISTICS, &counted, &length) < 0) fail("reading statistics");
  return counted;
}

static int standard_input_ended(int wait_ms) {
  struct pollfd polled = {.fd = 0, .events = POLLIN};
  char byte[64];
  if (poll(&polled, 1, wait_ms) <= 0) return 0;
  return read(0, byte, sizeof byte) <= 0;
}

static void note(const uint8_t *frame, int64_t stamp) {
  uint64_t sequence = get(frame + SEQUENCE_AT, 8);
  if (sequence >= SAMPLES) {
    beyond++;
    return;
  }
  if (seen[sequence / 8] & 1 << sequence % 8) {
    duplicates++;
    return;
  }
  seen[sequence / 8] |= (uint8_t)(1 << sequence % 8);
  if (received > 0 && sequence < highest) reordered++;
  if (sequence > highest) highest = sequence;
  samples[received++] = stamp - (int64_t)get(frame + STAMP_AT, 8);
}

// Takes all that is there; returns how many.
static int drain(int in) {
  static uint8_t heads[BATCH][HEAD_BYTES];
  static _Alignas(struct cmsghdr) uint8_t controls[BATCH][CONTROL_BYTES];
  struct iovec parts[BATCH];
  struct mmsghdr messages[BATCH];
  int total = 0;
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      parts[i] = (struct iovec){.iov_base = heads[i], .iov_len = HEAD_BYTES};
      messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1, .msg_control = controls[i],
                                                 .msg_controllen = CONTROL_BYTES}};
    }
    int count = recvmmsg(in, messages, BATCH, MSG_DONTWAIT, NULL);
    if (count <= 0) return total;
    total += count;
    for (int i = 0; i < count; i++) {
      if (messages[i].msg_len < SMALLEST_FRAME) continue;
      for (struct cmsghdr *c = CMSG_FIRSTHDR(&messages[i].msg_hdr); c != NULL; c = CMSG_NXTHDR(&messages[i].msg_hdr, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
        struct timespec at;
        memcpy(&at, CMSG_DATA(c), sizeof at);
        note(heads[i], (int64_t)at.tv_sec * 1000000000 + at.tv_nsec);
      }
    }
  }
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static double quantile_us(double q) {
  if (received == 0) return 0;
  uint64_t at = (uint64_t)(q * (double)(received - 1) + 0.5);
  return (double)samples[at] / 1e3;
}

static int count_frames(int in) {
  uint64_t total = 0;
  puts("ready");
  fflush(stdout);
  while (!standard_input_ended(100)) total += statistics(in).tp_packets;
  for (int quiet = 0, waited = 0; quiet < QUIET_MS && waited < LONGEST_QUIET_MS; quiet += 10, waited += 10) {
    usleep(10000);
    unsigned more = statistics(in).tp_packets;
    total += more;
    if (more > 0) quiet = 0;
  }
  printf("{\"received\":%llu}\n", (unsigned long long)total);
  return 0;
}

static int measure_latency(int in) {
  samples = malloc(SAMPLES * sizeof *samples);
  seen = calloc(SAMPLES / 8, 1);
  if (samples == NULL || seen == NULL) fail("allocating");
  // Touched now, so that no page fault falls into the measurement.
  memset(samples, 1, SAMPLES * sizeof *samples);
  puts("ready");
  fflush(stdout);
  // Looks in every 2 ms instead of waking for each frame: the kernel has stamped them, and a waking sink would disturb the box.
  while (!standard_input_ended(2)) drain(in);
  for (int quiet = 0, waited = 0; quiet < QUIET_MS && waited < LONGEST_QUIET_MS; quiet += 10, waited += 10) {
    usleep(10000);
    if (drain(in) > 0) quiet = 0;
  }
  qsort(samples, received, sizeof *samples, ascending);
  printf("{\"received\":%llu,\"duplicates\":%llu,\"reordered\":%llu,\"beyond\":%llu,\"dropped\":%u,"
         "\"min\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}\n",
         (unsigned long long)received, (unsigned long long)duplicates, (unsigned long long)reordered, (unsigned long long)beyond,
         statistics(in).tp_drops, quantile_us(0), quantile_us(0.5), quantile_us(0.99), quantile_us(0.999), quantile_us(1));
  free(samples);
  free(seen);
  return 0;
}

int main(int count, char **arguments) {
  if (count != 3 || (strcmp(arguments[2], "count") != 0 && strcmp(arguments[2], "latency") != 0)) {
    fprintf(stderr, "usage: sink INTERFACE count|latency\n");
    return 2;
  }
  int counting = strcmp(arguments[2], "count") == 0;
  int in = open_socket(arguments[1], counting);
  int status = counting ? count_frames(in) : measure_latency(in);
  close(in);
  return status;
}

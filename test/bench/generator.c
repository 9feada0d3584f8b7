// Sends the device's UDP traffic at a given rate for a bounded time.
//   generator INTERFACE SOURCE_MAC DESTINATION_MAC SOURCE_IP DESTINATION_IP FRAME_BYTES PACKETS_PER_SECOND MILLISECONDS even|poisson
// PACKETS_PER_SECOND 0 sends as fast as it can; poisson draws the gaps from an exponential distribution. Prints one JSON object.
#include "frame.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <math.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 32, SPIN_ABOVE = 20000, LONGEST_MS = 3600000, BEHIND_NS = 2000000 };

static uint8_t frames[BATCH][LARGEST_FRAME];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

static void fail(const char *doing) {
  fprintf(stderr, "generator: %s: %s\n", doing, strerror(errno));
  exit(1);
}

static void usage(const char *what) {
  fprintf(stderr, "generator: bad %s; usage: generator INTERFACE SOURCE_MAC DESTINATION_MAC SOURCE_IP DESTINATION_IP "
                  "FRAME_BYTES PACKETS_PER_SECOND MILLISECONDS even|poisson\n", what);
  exit(2);
}

static long number(const char *text, long lowest, long highest, const char *what) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == 0 || *end != 0 || value < lowest || value > highest) usage(what);
  return value;
}

static void mac(const char *text, uint8_t out[6]) {
  unsigned b[6];
  if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", b, b + 1, b + 2, b + 3, b + 4, b + 5) != 6) usage("MAC address");
  for (int i = 0; i < 6; i++) out[i] = (uint8_t)b[i];
}

static uint32_t sum16(const uint8_t *at, int bytes, uint32_t sum) {
  for (int i = 0; i + 1 < bytes; i += 2) sum += (uint32_t)at[i] << 8 | at[i + 1];
  return bytes & 1 ? sum + ((uint32_t)at[bytes - 1] << 8) : sum;
}

static uint16_t folded(uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

// The frame without sequence number, stamp and UDP checksum; returns the sum of what the checksum covers so far.
static uint32_t build(uint8_t *frame, int length, char **arguments) {
  memset(frame, 0, (size_t)length);
  mac(arguments[3], frame);
  mac(arguments[2], frame + 6);
  put(frame + 12, ETHERTYPE_IP, 2);
  uint8_t *ip = frame + IP_AT, *udp = frame + UDP_AT;
  int udp_length = length - UDP_AT;
  put(ip, 0x4500, 2);
  put(ip + 2, (uint64_t)(length - IP_AT), 2);
  put(ip + 6, 0x4000, 2);
  ip[8] = 64;
  ip[9] = IPPROTO_UDP;
  if (inet_pton(AF_INET, arguments[4], ip + 12) != 1) usage("source address");
  if (inet_pton(AF_INET, arguments[5], ip + 16) != 1) usage("destination address");
  put(ip + 10, folded(sum16(ip, 20, 0)), 2);
  put(udp, 40123, 2);
  put(udp + 2, DESTINATION_PORT, 2);
  put(udp + 4, (uint64_t)udp_length, 2);
  put(frame + MARK_AT, MARK, 4);
  for (int i = SMALLEST_FRAME; i < length; i++) frame[i] = (uint8_t)(i * 167 + 13);
  return sum16(ip + 12, 8, 0) + IPPROTO_UDP + (uint32_t)udp_length + sum16(udp, udp_length, 0);
}

static void stamp(uint8_t *frame, uint64_t sequence, uint32_t constant) {
  put(frame + SEQUENCE_AT, sequence, 8);
  put(frame + STAMP_AT, clock_ns(CLOCK_REALTIME), 8);
  uint16_t checksum = folded(sum16(frame + SEQUENCE_AT, 16, constant));
  put(frame + UDP_AT + 6, checksum == 0 ? 0xffff : checksum, 2);
}

// xorshift64*: the same gaps in every run.
static double exponential(void) {
  static uint64_t state = 0x9e3779b97f4a7c15u;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return -log(((double)(state * 0x2545f4914f6cdd1du >> 11) + 1) / 9007199254740993.0);
}

int main(int count, char **arguments) {
  if (count != 10) usage("number of arguments");
  int length = (int)number(arguments[6], SMALLEST_FRAME, LARGEST_FRAME, "frame size");
  long rate = number(arguments[7], 0, 100000000, "rate");
  int poisson = strcmp(arguments[9], "poisson") == 0;
  if (!poisson && strcmp(arguments[9], "even") != 0) usage("distribution");
  uint64_t duration = (uint64_t)number(arguments[8], 1, LONGEST_MS, "duration") * 1000000u;

  uint32_t constant = 0;
  for (int i = 0; i < BATCH; i++) {
    constant = build(frames[i], length, arguments);
    parts[i] = (struct iovec){.iov_base = frames[i], .iov_len = (size_t)length};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  int out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (out < 0) fail("opening a packet socket");
  int on = 1;
  if (setsockopt(out, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0) fail("bypassing the queue discipline");
  unsigned index = if_nametoindex(arguments[1]);
  if (index == 0) fail(arguments[1]);
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)index};
  if (bind(out, (struct sockaddr *)&address, sizeof address) < 0) fail("binding");
  prctl(PR_SET_TIMERSLACK, 1UL);

  uint64_t ran_before, waited_before, ran, waited;
  read_schedstat(&ran_before, &waited_before);
  uint64_t sequence = 0, refused = 0, skipped = 0;
  const uint64_t start = clock_ns(CLOCK_MONOTONIC), end = start + duration;
  const double gap = rate > 0 ? 1e9 / (double)rate : 0;
  double due = (double)start;
  uint64_t now = start;
  while (now < end) {
    int batch = BATCH;
    if (rate > 0) {
      if ((double)now < due) {
        if (rate <= SPIN_ABOVE) {
          struct timespec until = {.tv_sec = (time_t)(due / 1e9), .tv_nsec = (long)(due - (double)(time_t)(due / 1e9) * 1e9)};
          clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        }
        now = clock_ns(CLOCK_MONOTONIC);
        if ((double)now < due) continue;
      }
      // After a pause of this process the missed frames are not sent in one burst: that would measure the pause, not the box.
      if ((double)now - due > BEHIND_NS) {
        double missed = ((double)now - due) / gap;
        skipped += (uint64_t)missed;
        due += (double)(uint64_t)missed * gap;
      }
      double pending = poisson ? 1 : ((double)now - due) / gap + 1;
      batch = pending < BATCH ? (int)pending : BATCH;
    }
    for (int i = 0; i < batch; i++) stamp(frames[i], sequence + (uint64_t)i, constant);
    int done = sendmmsg(out, messages, (unsigned)batch, 0);
    if (done <= 0) {
      if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) fail("sending");
      refused++;
      done = 0;
    }
    sequence += (uint64_t)done;
    due += done * gap * (poisson ? exponential() : 1);
    now = clock_ns(CLOCK_MONOTONIC);
  }
  double seconds = (double)(now - start) / 1e9;
  read_schedstat(&ran, &waited);
  printf("{\"sent\":%llu,\"refused\":%llu,\"skipped\":%llu,\"seconds\":%.6f,\"ran\":%.6f,\"waited\":%.6f}\n",
         (unsigned long long)sequence, (unsigned long long)refused, (unsigned long long)skipped, seconds,
         (double)(ran - ran_before) / 1e9, (double)(waited - waited_before) / 1e9);
  close(out);
  return 0;
}

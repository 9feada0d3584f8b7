// What generator and sink agree on: an Ethernet frame without tags, IPv4 without options, UDP, and at its payload's start
// a mark, a sequence number and the moment of sending (CLOCK_REALTIME, ns), all in network order.
#ifndef HUSHBOX_BENCH_FRAME_H
#define HUSHBOX_BENCH_FRAME_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum {
  ETHERNET_BYTES = 14,
  IP_AT = ETHERNET_BYTES,
  UDP_AT = IP_AT + 20,
  MARK_AT = UDP_AT + 8,
  SEQUENCE_AT = MARK_AT + 4,
  STAMP_AT = SEQUENCE_AT + 8,
  SMALLEST_FRAME = STAMP_AT + 8,
  LARGEST_FRAME = 1514,
  DESTINATION_PORT = 4433,
};
#define MARK 0x48584231u

static inline uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void put(uint8_t *at, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; i--, value >>= 8) at[i] = (uint8_t)value;
}

static inline uint64_t get(const uint8_t *at, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; i++) value = value << 8 | at[i];
  return value;
}

// Nanoseconds this process ran and waited for a CPU: the runner throws away runs in which the wait was long.
static inline void read_schedstat(uint64_t *ran, uint64_t *waited) {
  unsigned long long a = 0, b = 0;
  FILE *file = fopen("/proc/self/schedstat", "re");
  if (file != NULL) {
    if (fscanf(file, "%llu %llu", &a, &b) != 2) a = b = 0;
    fclose(file);
  }
  *ran = a;
  *waited = b;
}

#endif

// The usual libpcap program for an inline box, as the yardstick: captures on two interfaces and sends each frame on the other.
//   forwarder INSIDE OUTSIDE      runs until SIGTERM or SIGINT, then prints {"forwarded":n,"refused":n,"dropped":n}
#include <pcap/pcap.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

enum { SNAPLEN = 2048, BUFFER_BYTES = 4 << 20, BATCH = 256 };

static volatile sig_atomic_t stopped;
static unsigned long long forwarded, refused;

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

static pcap_t *open_side(const char *name) {
  char error[PCAP_ERRBUF_SIZE];
  pcap_t *side = pcap_create(name, error);
  if (side == NULL) {
    fprintf(stderr, "forwarder: %s: %s\n", name, error);
    exit(1);
  }
  pcap_set_snaplen(side, SNAPLEN);
  pcap_set_promisc(side, 1);
  pcap_set_timeout(side, 1);
  pcap_set_immediate_mode(side, 1);
  pcap_set_buffer_size(side, BUFFER_BYTES);
  if (pcap_activate(side) < 0 || pcap_setdirection(side, PCAP_D_IN) < 0 || pcap_setnonblock(side, 1, error) < 0) {
    fprintf(stderr, "forwarder: %s: %s\n", name, pcap_geterr(side));
    exit(1);
  }
  return side;
}

static void forward(u_char *other, const struct pcap_pkthdr *header, const u_char *bytes) {
  if (pcap_sendpacket((pcap_t *)(void *)other, bytes, (int)header->caplen) == 0)
    forwarded++;
  else
    refused++;
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: forwarder INSIDE OUTSIDE\n");
    return 2;
  }
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  prctl(PR_SET_PDEATHSIG, SIGTERM); /* a bench that was killed leaves no forwarder behind */

  pcap_t *sides[2] = {open_side(arguments[1]), open_side(arguments[2])};
  struct pollfd polled[2];
  for (int i = 0; i < 2; i++) polled[i] = (struct pollfd){.fd = pcap_get_selectable_fd(sides[i]), .events = POLLIN};
  puts("ready");
  fflush(stdout);

  while (!stopped) {
    if (poll(polled, 2, 1000) <= 0) continue;
    for (int i = 0; i < 2; i++) {
      if (polled[i].revents == 0) continue;
      if (pcap_dispatch(sides[i], BATCH, forward, (u_char *)sides[1 - i]) < 0) {
        fprintf(stderr, "forwarder: %s\n", pcap_geterr(sides[i]));
        return 1;
      }
    }
  }

  unsigned long long dropped = 0;
  for (int i = 0; i < 2; i++) {
    struct pcap_stat statistics;
    if (pcap_stats(sides[i], &statistics) == 0) dropped += statistics.ps_drop;
    pcap_close(sides[i]);
  }
  printf("{\"forwarded\":%llu,\"refused\":%llu,\"dropped\":%llu}\n", forwarded, refused, dropped);
  return 0;
}

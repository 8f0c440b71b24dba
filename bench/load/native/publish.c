/*
 * Acknowledged publishing: CONNECTIONS publishers, each with IN_FLIGHT messages that wait for their PubAck.
 * PORT SECONDS TOTAL CONNECTIONS IN_FLIGHT STREAMS KEYS SUBJECT BYTES: ends after SECONDS or TOTAL messages, whichever is given
 * (0: not). A message goes to SUBJECT.<stream>.<key>: the stream by connection, the key by turns.
 */
#include "wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char INBOX[] = "_INBOX.bench.";
#define MAX_CONNECTIONS 256
#define MAX_IN_FLIGHT 4096

/* `width` digits at `to`. */
static void number(char *to, int width, unsigned value) {
  for (int i = width - 1; i >= 0; i--, value /= 10) to[i] = (char)('0' + value % 10);
}

static void check_ack(const struct frame *frame) {
  static const char begin[] = "{\"stream\":";
  if (frame->header_len > 0 || frame->body_len < sizeof begin || memcmp(frame->body, begin, sizeof begin - 1))
    die("not a PubAck: %.*s", (int)frame->body_len, frame->body);
}

int run_publish(char **args) {
  int port = atoi(args[0]), connections = atoi(args[3]), in_flight = atoi(args[4]), streams = atoi(args[5]);
  uint64_t length_ns = (uint64_t)(atof(args[1]) * 1e9), total = strtoull(args[2], NULL, 10);
  unsigned keys = (unsigned)atoi(args[6]);
  int bytes = atoi(args[8]);
  static struct wire wires[MAX_CONNECTIONS];
  static uint64_t sent_ns[MAX_CONNECTIONS][MAX_IN_FLIGHT];
  static char heads[MAX_CONNECTIONS][256];
  if (connections > MAX_CONNECTIONS || in_flight > MAX_IN_FLIGHT) die("too many connections or messages in flight");
  if (length_ns == 0) length_ns = UINT64_MAX;
  if (total == 0) total = UINT64_MAX;
  char *payload = malloc((size_t)bytes + 2);
  if (!payload) die("no memory");
  memset(payload, 'x', (size_t)bytes);
  memcpy(payload + bytes, "\r\n", 2);
  int key_at = 0, slot_at = 0, head_len = 0;
  for (int c = 0; c < connections; c++) {
    wire_open(&wires[c], port);
    wire_print(&wires[c], "SUB %s%06d.* 1\r\n", INBOX, c);
    wire_flush(&wires[c]);
    key_at = snprintf(heads[c], 256, "PUB %s.%03d.", args[7], c % streams);
    slot_at = key_at + snprintf(heads[c] + key_at, 256 - (size_t)key_at, "%07d %s%06d.", 0, INBOX, c);
    head_len = slot_at + snprintf(heads[c] + slot_at, 256 - (size_t)slot_at, "%06d %d\r\n", 0, bytes);
  }
  size_t inbox_len = sizeof INBOX - 1 + 7;
  uint64_t start = now_ns(), now = start, sent = 0, acked = 0;
  for (int first = 1;; first = 0) {
    for (int c = 0; c < connections; c++) {
      struct frame frame;
      int fresh = 0;
      while (first ? fresh < in_flight : wire_next(&wires[c], &frame)) {
        int slot = fresh++;
        if (!first) {
          check_ack(&frame);
          slot = atoi(frame.subject + inbox_len);
          latency_add(now - sent_ns[c][slot]);
          acked++;
        }
        if (sent >= total || now - start >= length_ns) {
          if (first) break;
          continue;
        }
        number(heads[c] + key_at, 7, keys ? (unsigned)(sent % keys) : 0);
        number(heads[c] + slot_at, 6, (unsigned)slot);
        wire_put(&wires[c], heads[c], (size_t)head_len);
        wire_put(&wires[c], payload, (size_t)bytes + 2);
        sent_ns[c][slot] = now;
        sent++;
      }
      wire_flush(&wires[c]);
    }
    if (acked == sent) break;
    char readable[MAX_CONNECTIONS];
    wire_wait(wires, connections, readable);
    now = now_ns();
    for (int c = 0; c < connections; c++)
      if (readable[c] && !wire_read(&wires[c])) die("the server closed a connection");
  }
  print_sample(acked, now - start);
  return 0;
}

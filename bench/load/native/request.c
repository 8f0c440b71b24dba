/*
 * Requests with a window: so many in flight on one connection, each with an inbox of its own, as clients do it.
 * PORT SECONDS IN_FLIGHT SUBJECT KEYS SERVICE: with KEYS > 0 the subject gets a number below it, another each time;
 * with SERVICE 1 a second connection subscribes to the subject and answers.
 */
#include "wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char INBOX[] = "_INBOX.bench.";
#define MAX_IN_FLIGHT 4096

static void answer(struct wire *responder) {
  struct frame frame;
  char reply[128];
  while (wire_next(responder, &frame)) {
    if (frame.reply_len == 0 || frame.reply_len >= sizeof reply) die("a request without an inbox");
    memcpy(reply, frame.reply, frame.reply_len);
    reply[frame.reply_len] = 0;
    wire_publish(responder, reply, "", 'y');
  }
  wire_flush(responder);
}

int run_request(char **args) {
  int port = atoi(args[0]), in_flight = atoi(args[2]), keys = atoi(args[4]), service = atoi(args[5]);
  const char *name = args[3];
  uint64_t length_ns = (uint64_t)(atof(args[1]) * 1e9), sent = 0, got = 0;
  static uint64_t sent_ns[MAX_IN_FLIGHT];
  struct wire wires[2];
  if (in_flight > MAX_IN_FLIGHT) die("%d in flight are too many", in_flight);
  wire_open(&wires[0], port);
  wire_print(&wires[0], "SUB %s* 1\r\n", INBOX);
  if (service) {
    wire_open(&wires[1], port);
    wire_print(&wires[1], "SUB %s 1\r\nPING\r\n", name);
    wire_flush(&wires[1]);
    /* The PONG to this second connection's PING comes after its subscription. */
    for (char readable = 0; !readable;) wire_wait(&wires[1], 1, &readable);
    answer(&wires[1]);
  }
  uint64_t start = now_ns(), now = start;
  uint32_t random = 12345;
  for (int slot = 0;; slot = -1) {
    /* First all of them, then whoever was answered. */
    struct frame frame;
    while (slot >= 0 ? slot < in_flight : wire_next(&wires[0], &frame)) {
      int place = slot;
      if (slot < 0) {
        place = atoi(frame.subject + sizeof INBOX - 1);
        size_t bytes = frame.body_len - frame.header_len;
        if (bytes != PAYLOAD_BYTES || frame.body[frame.header_len] != frame.body[frame.body_len - 1])
          die("an answer of %d bytes: %.*s", (int)bytes, (int)frame.body_len, frame.body);
        got++;
        latency_add(now - sent_ns[place]);
        if (now - start >= length_ns) continue;
      } else {
        slot++;
      }
      char subject[160], reply[64];
      random = random * 1664525u + 1013904223u;
      if (keys > 0) snprintf(subject, sizeof subject, "%s.%07u", name, (unsigned)(((uint64_t)random * (unsigned)keys) >> 32));
      else snprintf(subject, sizeof subject, "%s", name);
      snprintf(reply, sizeof reply, "%s%06d", INBOX, place);
      if (keys > 0) wire_print(&wires[0], "PUB %s %s 0\r\n\r\n", subject, reply);
      else wire_publish(&wires[0], subject, reply, 'x');
      sent_ns[place] = now;
      sent++;
    }
    wire_flush(&wires[0]);
    if (got == sent) break;
    char readable[2] = {0, 0};
    wire_wait(wires, 1 + service, readable);
    now = now_ns();
    for (int i = 0; i <= service; i++)
      if (readable[i] && !wire_read(&wires[i])) die("the server closed a connection");
    if (service) answer(&wires[1]);
  }
  print_sample(got, now - start);
  return 0;
}

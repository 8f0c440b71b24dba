/*
 * A server that does no work, for the ceiling of this generator: MODE is service (a request goes to the other connection and
 * its answer back), ack (every message with a reply gets a PubAck), answer (it gets a payload), or consume (a consumer that
 * never waits). Prints its port; ends with its alarm or when it is killed.
 */
#include "wire.h"
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CLIENTS 128
/* Unsent bytes beyond which a consumer that pushes waits. */
#define PUSH_BYTES (256u * 1024)

static struct wire wires[MAX_CLIENTS];
static uint64_t delivered[MAX_CLIENTS], wanted[MAX_CLIENTS];
static int count;
static int responder = -1;

static void deliver(int c) {
  char frame[512];
  struct wire *wire = &wires[c];
  while (delivered[c] < wanted[c] && wire->out_to - wire->out_from < PUSH_BYTES) {
    unsigned long long sequence = ++delivered[c];
    int head = snprintf(frame, 256, "MSG bench.000.0000000 2 $JS.ACK.S.c.1.%llu.%llu.1700000000000000000.123456 %d\r\n",
                        sequence, sequence, PAYLOAD_BYTES);
    memset(frame + head, 'x', PAYLOAD_BYTES);
    memcpy(frame + head + PAYLOAD_BYTES, "\r\n", 2);
    wire_put(wire, frame, (size_t)head + PAYLOAD_BYTES + 2);
  }
}

static void message(int to, const char *subject, size_t subject_len, const char *reply, size_t reply_len, const char *body, int bytes) {
  wire_print(&wires[to], "MSG %.*s 1 %.*s%s%d\r\n%.*s\r\n", (int)subject_len, subject, (int)reply_len, reply,
             reply_len ? " " : "", bytes, bytes, body);
}

static void serve(int c, const char *mode) {
  static const char json[] = "{\"stream\":\"BENCH\", \"seq\":12345}";
  struct frame frame;
  while (wire_next(&wires[c], &frame)) {
    if (frame.verb == 'S' && memcmp(frame.subject, "_INBOX", 6)) responder = c;
    if (frame.verb != 'P') continue;
    if (!strcmp(mode, "service")) {
      int to = frame.reply_len ? responder : 1 - responder;
      message(to, frame.subject, frame.subject_len, frame.reply, frame.reply_len, frame.body, (int)frame.body_len);
    } else if (frame.reply_len == 0) {
      continue;
    } else if (!strcmp(mode, "answer")) {
      char body[PAYLOAD_BYTES];
      memset(body, 'x', sizeof body);
      message(c, frame.reply, frame.reply_len, "", 0, body, PAYLOAD_BYTES);
    } else if (!memcmp(frame.reply, "_INBOX.deliver", 14)) {
      wanted[c] += (uint64_t)atoi(frame.body + 9);
    } else {
      message(c, frame.reply, frame.reply_len, "", 0, json, (int)sizeof json - 1);
      if (!memcmp(frame.reply, "_INBOX.create", 13)) {
        /* Whoever does not name a durable one has it pushed. */
        for (size_t at = 0; at + 15 < frame.body_len; at++)
          if (!memcmp(frame.body + at, "deliver_subject", 15)) wanted[c] = UINT64_MAX;
      }
    }
  }
  deliver(c);
  wire_flush(&wires[c]);
  if (responder >= 0) wire_flush(&wires[!strcmp(mode, "service") ? 1 - c : c]);
}

int run_sink(char **args) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, MAX_CLIENTS)) die("cannot listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    struct pollfd polls[MAX_CLIENTS + 1];
    for (int i = 0; i <= count; i++) {
      polls[i].fd = i < count ? wires[i].fd : listener;
      polls[i].events = (short)(POLLIN | (i < count && wire_unsent(&wires[i]) ? POLLOUT : 0));
    }
    int listening = count;
    poll(polls, (nfds_t)count + 1, -1);
    for (int i = 0; i < listening; i++) {
      if (polls[i].revents == 0) continue;
      if ((polls[i].revents & ~POLLOUT) && !wire_read(&wires[i])) {
        /* A new measurement begins with all connections closed. */
        close(wires[i].fd);
        free(wires[i].in);
        free(wires[i].out);
        wires[i].fd = -1;
        wanted[i] = delivered[i] = 0;
        continue;
      }
      serve(i, args[0]);
    }
    int open = 0;
    for (int i = 0; i < count; i++) open += wires[i].fd >= 0;
    if (open == 0) {
      count = 0;
      responder = -1;
    }
    if (polls[listening].revents == 0) continue;
    if (count == MAX_CLIENTS) die("too many clients");
    wire_adopt(&wires[count], accept(listener, NULL, NULL));
    wanted[count] = delivered[count] = 0;
    wire_print(&wires[count], "INFO {\"server_id\":\"sink\",\"version\":\"0\",\"max_payload\":1048576}\r\n");
    wire_flush(&wires[count++]);
  }
}

/*
 * Takes a consumer's messages, in order and whole: the consumer's own sequence must count up by one.
 * PORT SECONDS TOTAL BATCH ACK CREATE BODY [NEXT]: creates the consumer by the request CREATE with BODY, then takes TOTAL messages,
 * or as many as come in SECONDS (0: no such bound). BATCH > 0 pulls by requests to NEXT, two on the way at a time, else the
 * consumer pushes to _INBOX.deliver. With ACK 1 each message is acknowledged. The time runs from CREATE to the last message.
 */
#include "wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS 2

/* Token 6 of $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>. */
static uint64_t consumer_sequence(const struct frame *frame) {
  int dots = 0;
  uint64_t value = 0;
  for (size_t i = 0; i < frame->reply_len; i++) {
    if (frame->reply[i] == '.') dots++;
    else if (dots == 6) value = value * 10 + (uint64_t)(frame->reply[i] - '0');
    else if (dots > 6) break;
  }
  return value;
}

/* Status frames: flow control is answered, idle heartbeats pass, anything else ends a pull that should not end. */
static void status(struct wire *wire, const struct frame *frame) {
  static const char stalled[] = "Nats-Consumer-Stalled: ";
  char text[512];
  size_t length = frame->header_len < sizeof text - 1 ? frame->header_len : sizeof text - 1;
  memcpy(text, frame->body, length);
  text[length] = 0;
  if (strncmp(text, "NATS/1.0 100", 12)) die("the consumer says %s", text);
  char *reply = strstr(text, stalled);
  if (frame->reply_len > 0) wire_print(wire, "PUB %.*s 0\r\n\r\n", (int)frame->reply_len, frame->reply);
  else if (reply) wire_print(wire, "PUB %.*s 0\r\n\r\n", (int)strcspn(reply + sizeof stalled - 1, "\r"), reply + sizeof stalled - 1);
}

static int has_error(const struct frame *frame) {
  static const char error[] = "\"error\":{";
  for (size_t at = 0; at + sizeof error <= frame->body_len; at++)
    if (!memcmp(frame->body + at, error, sizeof error - 1)) return 1;
  return 0;
}

int run_consume(char **args) {
  int batch = atoi(args[3]), acks = atoi(args[4]), created = 0, over = 0;
  uint64_t length_ns = (uint64_t)(atof(args[1]) * 1e9), total = strtoull(args[2], NULL, 10);
  uint64_t got = 0, requested = 0, asked_ns[REQUESTS] = {0};
  struct wire wire;
  struct frame frame;
  char readable;
  if (length_ns == 0) length_ns = UINT64_MAX;
  wire_open(&wire, atoi(args[0]));
  wire_print(&wire, "SUB _INBOX.create 1\r\nSUB _INBOX.deliver 2\r\n");
  uint64_t start = now_ns(), now = start;
  wire_print(&wire, "PUB %s _INBOX.create %d\r\n%s\r\n", args[5], (int)strlen(args[6]), args[6]);
  while (!over || wire_unsent(&wire)) {
    wire_flush(&wire);
    wire_wait(&wire, 1, &readable);
    if (readable && !wire_read(&wire)) die("the server closed the connection");
    now = now_ns();
    while (!over && wire_next(&wire, &frame)) {
      if (frame.subject_len == 13 && !memcmp(frame.subject, "_INBOX.create", 13)) {
        if (frame.header_len > 0 || has_error(&frame)) die("not created: %.*s", (int)frame.body_len, frame.body);
        created = 1;
        continue;
      }
      if (frame.header_len > 0 && frame.body_len == frame.header_len) {
        status(&wire, &frame);
        continue;
      }
      if (frame.body_len - frame.header_len != PAYLOAD_BYTES || frame.body[frame.body_len - 1] != 'x')
        die("a message of %d bytes that nobody published", (int)frame.body_len);
      if (consumer_sequence(&frame) != ++got) die("message %llu is %.*s", (unsigned long long)got, (int)frame.reply_len, frame.reply);
      if (acks) {
        wire_put(&wire, "PUB ", 4);
        wire_put(&wire, frame.reply, frame.reply_len);
        wire_put(&wire, " 0\r\n\r\n", 6);
      }
      if (batch && got % (unsigned)batch == 0) latency_add(now - asked_ns[(got / (unsigned)batch - 1) % REQUESTS]);
      over = got >= total || (now - start >= length_ns && (!batch || got % (unsigned)batch == 0));
    }
    while (batch && created && !over && requested < total && requested < (got / (unsigned)batch + REQUESTS) * (unsigned)batch) {
      wire_print(&wire, "PUB %s _INBOX.deliver %d\r\n{\"batch\":%d}\r\n", args[7], 10 + snprintf(NULL, 0, "%d", batch), batch);
      asked_ns[(requested / (unsigned)batch) % REQUESTS] = now;
      requested += (unsigned)batch;
    }
  }
  if (acks) { /* The server has taken in every ack when it answers. */
    wire_put(&wire, "PING\r\n", 6);
    for (int pong = 0; !pong;) {
      wire_flush(&wire);
      wire_wait(&wire, 1, &readable);
      if (readable && !wire_read(&wire)) die("the server closed the connection");
      wire.in[wire.in_to] = 0;
      for (char *at = wire.in + wire.in_from; at < wire.in + wire.in_to && !pong; at++) pong = !strncmp(at, "PONG\r\n", 6);
      if (wire.in_to > wire.in_from + 16) wire.in_from = wire.in_to - 16;
    }
    now = now_ns();
  }
  print_sample(got, now - start);
  return 0;
}

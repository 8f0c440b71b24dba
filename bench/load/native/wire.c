/* Connections: buffers, frames, and nothing that waits for the server without a bound (main.c sets an alarm). */
#include "wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (512 * 1024)
#define MAX_WIRES 256

void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void wire_adopt(struct wire *wire, int fd) {
  int one = 1;
  memset(wire, 0, sizeof *wire);
  wire->fd = fd;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  wire->in_size = wire->out_size = BUFFER_BYTES;
  wire->in = malloc(BUFFER_BYTES);
  wire->out = malloc(BUFFER_BYTES);
  if (!wire->in || !wire->out) die("no memory");
}

void wire_open(struct wire *wire, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
    die("cannot connect to port %d: %s", port, strerror(errno));
  wire_adopt(wire, fd);
  wire_print(wire, "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"protocol\":0}\r\n"
                   "PING\r\n");
  for (;;) {
    char readable = 0;
    wire_flush(wire);
    wire_wait(wire, 1, &readable);
    if (!readable) continue;
    if (!wire_read(wire)) die("the server closed the connection at its start");
    wire->in[wire->in_to] = 0;
    char *pong = strstr(wire->in + wire->in_from, "PONG\r\n");
    if (!pong) continue;
    wire->in_from = (size_t)(pong - wire->in) + 6;
    return;
  }
}

int wire_read(struct wire *wire) {
  if (wire->in_from > 0) {
    memmove(wire->in, wire->in + wire->in_from, wire->in_to - wire->in_from);
    wire->in_to -= wire->in_from;
    wire->in_from = 0;
  }
  /* One byte stays free for a zero. */
  size_t room = wire->in_size - wire->in_to - 1;
  if (room == 0) die("a frame is larger than the buffer");
  ssize_t got = recv(wire->fd, wire->in + wire->in_to, room, 0);
  if (got > 0) wire->in_to += (size_t)got;
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static size_t digits(const char *text, size_t length) {
  size_t value = 0;
  for (size_t i = 0; i < length; i++) value = value * 10 + (size_t)(text[i] - '0');
  return value;
}

/* SUBJECT [SID] [REPLY] [HEADERS] SIZE: the words between the verb and the end of the line. */
static void read_words(struct frame *frame, const char *line, size_t length, int has_sid, int has_headers, size_t *size) {
  const char *words[6];
  size_t lengths[6];
  int count = 0;
  for (size_t at = 0; at < length && count < 6;) {
    size_t from = at;
    while (at < length && line[at] != ' ') at++;
    words[count] = line + from;
    lengths[count++] = at - from;
    at++;
  }
  int least = 2 + has_sid + has_headers;
  if (count < least) die("a line without its words: %.*s", (int)length, line);
  frame->subject = words[0];
  frame->subject_len = lengths[0];
  if (count > least) {
    frame->reply = words[1 + has_sid];
    frame->reply_len = lengths[1 + has_sid];
  }
  if (has_headers) frame->header_len = digits(words[count - 2], lengths[count - 2]);
  *size = digits(words[count - 1], lengths[count - 1]);
}

int wire_next(struct wire *wire, struct frame *frame) {
  while (wire->in_from < wire->in_to) {
    char *line = wire->in + wire->in_from;
    size_t have = wire->in_to - wire->in_from;
    char *end = memchr(line, '\n', have);
    if (!end) return 0;
    size_t length = (size_t)(end - line) - 1, whole = length + 2, size = 0;
    memset(frame, 0, sizeof *frame);
    if (!strncmp(line, "PING", 4)) {
      wire_put(wire, "PONG\r\n", 6);
    } else if (!strncmp(line, "-ERR", 4)) {
      die("the server says %.*s", (int)length, line);
    } else if (!strncmp(line, "SUB ", 4)) {
      frame->verb = 'S';
      read_words(frame, line + 4, length - 4, 0, 0, &size);
    } else if (!strncmp(line, "MSG ", 4) || !strncmp(line, "HMSG ", 5) || !strncmp(line, "PUB ", 4)) {
      int headers = line[0] == 'H', message = line[0] != 'P';
      size_t verb = headers ? 5 : 4;
      frame->verb = message ? 'M' : 'P';
      read_words(frame, line + verb, length - verb, message, headers, &size);
      whole += size + 2;
      if (have < whole) return 0;
      frame->body = end + 1;
      frame->body_len = size;
      if (frame->body[size] != '\r') die("a payload that does not end where it should");
    }
    wire->in_from += whole;
    if (frame->verb) return 1;
  }
  return 0;
}

void wire_put(struct wire *wire, const void *bytes, size_t length) {
  if (wire->out_to + length > wire->out_size) {
    memmove(wire->out, wire->out + wire->out_from, wire->out_to - wire->out_from);
    wire->out_to -= wire->out_from;
    wire->out_from = 0;
    while (wire->out_to + length > wire->out_size) wire->out_size *= 2;
    if (!(wire->out = realloc(wire->out, wire->out_size))) die("no memory");
  }
  memcpy(wire->out + wire->out_to, bytes, length);
  wire->out_to += length;
}

void wire_print(struct wire *wire, const char *format, ...) {
  char line[4096];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (length < 0 || length >= (int)sizeof line) die("a line that is too long");
  wire_put(wire, line, (size_t)length);
}

void wire_publish(struct wire *wire, const char *subject, const char *reply, char fill) {
  char frame[512];
  int head = snprintf(frame, 256, "PUB %s %s %d\r\n", subject, reply, PAYLOAD_BYTES);
  memset(frame + head, fill, PAYLOAD_BYTES);
  memcpy(frame + head + PAYLOAD_BYTES, "\r\n", 2);
  wire_put(wire, frame, (size_t)head + PAYLOAD_BYTES + 2);
}

void wire_flush(struct wire *wire) {
  if (!wire_unsent(wire)) return;
  ssize_t sent = send(wire->fd, wire->out + wire->out_from, wire->out_to - wire->out_from, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) die("the connection broke: %s", strerror(errno));
  if (sent > 0) wire->out_from += (size_t)sent;
  if (wire->out_from == wire->out_to) wire->out_from = wire->out_to = 0;
}

int wire_unsent(const struct wire *wire) { return wire->out_to > wire->out_from; }

void wire_wait(struct wire *wires, int count, char *readable) {
  struct pollfd polls[MAX_WIRES];
  for (int i = 0; i < count; i++) {
    polls[i].fd = wires[i].fd;
    polls[i].events = (short)(POLLIN | (wire_unsent(&wires[i]) ? POLLOUT : 0));
    polls[i].revents = 0;
  }
  if (poll(polls, (nfds_t)count, 100) < 0 && errno != EINTR) die("poll: %s", strerror(errno));
  for (int i = 0; i < count; i++) {
    readable[i] = (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    if (polls[i].revents & POLLOUT) wire_flush(&wires[i]);
  }
}

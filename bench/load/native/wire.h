/* One raw connection to a server that speaks the NATS protocol, and what every load has in common. */
#ifndef WIRE_H
#define WIRE_H
#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_BYTES 128

struct wire {
  int fd;
  char *in;
  size_t in_from, in_to, in_size;
  char *out;
  size_t out_from, out_to, out_size;
};

/* One frame that has arrived whole; the texts lie in the connection's buffer until the next wire_read. */
struct frame {
  char verb; /* 'M' for MSG and HMSG, 'P' for PUB, 'S' for SUB */
  const char *subject, *reply, *body;
  size_t subject_len, reply_len, header_len, body_len; /* the body begins with the headers */
};

/* Ends the program with a sentence: nothing that was measured until then counts. */
void die(const char *format, ...);
uint64_t now_ns(void);

/* Connects, introduces itself and waits for the server's PONG. */
void wire_open(struct wire *wire, int port);
/* For a socket that exists. */
void wire_adopt(struct wire *wire, int fd);
/* Takes what has arrived; false when the other side has closed. */
int wire_read(struct wire *wire);
/* The next whole frame; answers PING, passes over PONG and INFO, dies of -ERR. False when there is none yet. */
int wire_next(struct wire *wire, struct frame *frame);
/* Gathers bytes; wire_flush sends them, as many as the socket takes. */
void wire_put(struct wire *wire, const void *bytes, size_t length);
void wire_print(struct wire *wire, const char *format, ...);
void wire_flush(struct wire *wire);
int wire_unsent(const struct wire *wire);
/* Waits until one of them can be read (or written, where bytes are unsent), at most 100 ms. */
void wire_wait(struct wire *wires, int count, char *readable);
/* PUB with a payload of PAYLOAD_BYTES times `fill`. */
void wire_publish(struct wire *wire, const char *subject, const char *reply, char fill);

/* Latencies, one in nanoseconds each. */
void latency_add(uint64_t ns);
/* Prints the one line of JSON that the program is started for. */
void print_sample(uint64_t count, uint64_t took_ns);

/* The loads, each with the rest of the command line. */
int run_request(char **args);
int run_publish(char **args);
int run_consume(char **args);
int run_sink(char **args);
int run_evict(char **args);
#endif

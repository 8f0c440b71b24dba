/*
 * The load generator of the rows in which a round trip counts, or in which every message is looked at: a generator in Node
 * takes longer for these than the servers do. Prints one line of JSON; ends with 1 and a sentence when anything is not as it
 * should be. Built and run by ../native.ts.
 */
#include "wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beyond so many the rest is not kept: the percentiles are of the first ones then. */
#define MAX_LATENCIES (8u * 1024 * 1024)

static uint32_t *latencies;
static size_t latency_count;

void latency_add(uint64_t ns) {
  if (!latencies && !(latencies = malloc(MAX_LATENCIES * sizeof *latencies))) die("no memory");
  if (latency_count < MAX_LATENCIES) latencies[latency_count++] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static int ascending(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return a < b ? -1 : a > b;
}

void print_sample(uint64_t count, uint64_t took_ns) {
  printf("{\"count\":%llu,\"seconds\":%.9f", (unsigned long long)count, (double)took_ns / 1e9);
  if (latency_count > 0) {
    qsort(latencies, latency_count, sizeof *latencies, ascending);
    printf(",\"p50Us\":%.3f,\"p99Us\":%.3f", latencies[latency_count / 2] / 1e3, latencies[latency_count * 99 / 100] / 1e3);
  }
  printf("}\n");
}

int main(int count, char **args) {
  static const struct {
    const char *name;
    int arguments;
    int (*run)(char **args);
  } loads[] = {{"request", 6, run_request}, {"publish", 9, run_publish}, {"consume", 7, run_consume}, {"sink", 1, run_sink}, {"evict", 1, run_evict}};
  if (count < 3) die("which load?");
  /* The first argument is the most seconds that this may take, whatever happens. */
  alarm((unsigned)atoi(args[1]));
  for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
    if (!strcmp(loads[i].name, args[2]) && count - 3 >= loads[i].arguments) return loads[i].run(args + 3);
  die("no such load: %s with %d arguments", args[2], count - 3);
  return 1;
}

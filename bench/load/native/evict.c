/* FILE...: has the system write the files out and forget their pages, so that the next read comes from the disk. */
#include "wire.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int run_evict(char **args) {
  for (; *args; args++) {
    int fd = open(*args, O_RDONLY);
    if (fd < 0) die("%s: %s", *args, strerror(errno));
    fsync(fd);
#ifdef POSIX_FADV_DONTNEED
    if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0) die("%s: its pages stay", *args);
#else
    die("this system cannot forget pages");
#endif
    close(fd);
  }
  return 0;
}

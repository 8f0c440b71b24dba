/*
 * Preloaded into the server: keeps, beside the files of one folder, what of them is durable.
 *
 *   HEADWATER_POWER_ROOT    the folder, absolute
 *   HEADWATER_POWER_SHADOW  another folder on the same disk, absolute:
 *       <inode>             the durable bytes of that file: only what was synced, by O_DSYNC or O_SYNC, fsync, fdatasync
 *       keep-<n>            a link to each file that was unlinked or renamed over, so that its inode lives on
 *       names               what happened to names, one line each, in order (see log_name)
 *       touched             inodes that were opened for writing, one a line
 *   HEADWATER_POWER_LIE     when set, the last 8 writes by O_DSYNC or O_SYNC of each file are not durable, as on a disk that
 *                           answers from its cache: the control that must lose messages
 *
 * After SIGKILL, cut.ts puts the folder back to what a disk without power could have kept. Nothing here writes to the real
 * files; every real call is made, with its real syncs. A file's durable bytes are written before the call returns, so that
 * nothing that the server may acknowledge is missing from them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FD_MAX 65536
#define RANGES_MAX 64
#define LATE 8

/* A file of the folder that is or was open for writing in this process. */
struct file {
  struct file *next;
  ino_t inode;
  int shadow;
  /* Its size changed and no sync has followed. */
  int resized;
  /* Written and not synced: half-open ranges. When they are too many, one that covers them. */
  int count;
  struct { off_t from, to; } dirty[RANGES_MAX];
  /* The lie: written to be durable, and not yet. */
  int lied;
  struct { off_t from, to; } late[LATE];
};

struct open_file {
  struct file *file; /* NULL: not ours */
  ino_t inode;
  int durable;       /* each write is its own sync */
  int append;
  char *folder;      /* path of an open folder */
};

static struct open_file fds[FD_MAX];
static struct file *files;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[4096], shadow[4096];
static size_t root_length;
static int names = -1, touched = -1, lie, keeps, lines;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int), (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *), (*real_rmdir)(const char *);
static int (*real_mkdir)(const char *, mode_t);

static void die(const char *what) {
  fprintf(stderr, "unsynced: %s: %s\n", what, strerror(errno));
  abort();
}

__attribute__((constructor)) static void start(void) {
  real_open = dlsym(RTLD_NEXT, "open64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_write = dlsym(RTLD_NEXT, "write");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_pwritev = dlsym(RTLD_NEXT, "pwritev64");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_rmdir = dlsym(RTLD_NEXT, "rmdir");
  real_mkdir = dlsym(RTLD_NEXT, "mkdir");
  const char *where = getenv("HEADWATER_POWER_ROOT"), *beside = getenv("HEADWATER_POWER_SHADOW");
  if (!where || !beside) return;
  lie = getenv("HEADWATER_POWER_LIE") != NULL;
  snprintf(shadow, sizeof shadow, "%s", beside);
  char path[8192];
  snprintf(path, sizeof path, "%s/names", shadow);
  names = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  snprintf(path, sizeof path, "%s/touched", shadow);
  touched = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (names < 0 || touched < 0) die("cannot open the shadow");
  snprintf(root, sizeof root, "%s", where);
  root_length = strlen(root);
}

static int is_ours(const char *path) {
  return root_length > 0 && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

/*
 * create INODE PATH | folder PATH | unlink PATH | rmdir PATH | rename FROM<tab>TO | sync N PATH
 * N: how many lines there were when the sync of the folder at PATH began; those are what it made durable.
 */
static void log_name(const char *format, ...) {
  char line[10000];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length >= (int)sizeof line || real_write(names, line, length) != length) die("cannot write names");
  lines++;
}

/* Holds the lock. */
static struct file *file_of(ino_t inode) {
  struct file *file;
  for (file = files; file; file = file->next)
    if (file->inode == inode) return file;
  char path[8192];
  snprintf(path, sizeof path, "%s/%lu", shadow, (unsigned long)inode);
  file = calloc(1, sizeof *file);
  if (!file) die("out of memory");
  file->inode = inode;
  file->shadow = real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file->shadow < 0) die("cannot open a shadow file");
  file->next = files;
  files = file;
  char line[64];
  int length = snprintf(line, sizeof line, "%lu\n", (unsigned long)inode);
  if (real_write(touched, line, length) != length) die("cannot write touched");
  return file;
}

/*
 * What we know of a descriptor; NULL when it is not of a file or folder of ours. libuv closes some descriptors by a bare system
 * call, which nothing here sees: an entry holds only while the descriptor still leads to the same inode. Holds the lock.
 */
static struct open_file *entry(int fd) {
  struct stat stat_;
  if (fd < 0 || fd >= FD_MAX || (!fds[fd].file && !fds[fd].folder)) return NULL;
  struct open_file *one = &fds[fd];
  int error = errno;
  int holds = fstat(fd, &stat_) == 0 && stat_.st_ino == one->inode && (one->folder ? S_ISDIR(stat_.st_mode) : S_ISREG(stat_.st_mode));
  errno = error;
  if (holds) return one;
  free(one->folder);
  memset(one, 0, sizeof *one);
  return NULL;
}

static int maybe_ours(int fd) { return fd >= 0 && fd < FD_MAX && (fds[fd].file || fds[fd].folder); }

static int opened(const char *path, int flags, mode_t mode) {
  if (!is_ours(path)) {
    int other = real_open(path, flags, mode);
    if (maybe_ours(other)) {
      pthread_mutex_lock(&lock);
      entry(other);
      pthread_mutex_unlock(&lock);
    }
    return other;
  }
  struct stat stat_;
  pthread_mutex_lock(&lock);
  int existed = !(flags & O_CREAT) || lstat(path, &stat_) == 0;
  int fd = real_open(path, flags, mode);
  int error = errno;
  if (fd >= 0 && fd < FD_MAX && fstat(fd, &stat_) == 0) {
    struct open_file *one = &fds[fd];
    free(one->folder);
    memset(one, 0, sizeof *one);
    one->inode = stat_.st_ino;
    if (S_ISDIR(stat_.st_mode)) one->folder = strdup(path);
    else if ((flags & O_ACCMODE) != O_RDONLY) {
      if (!existed) log_name("create %lu %s\n", (unsigned long)stat_.st_ino, path);
      one->file = file_of(stat_.st_ino);
      one->durable = (flags & (O_DSYNC | O_SYNC)) != 0;
      one->append = (flags & O_APPEND) != 0;
      if (flags & O_TRUNC) one->file->resized = 1;
    }
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return fd;
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (!real_open) start();
  return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (!real_open) start();
  return opened(path, flags, mode);
}

int close(int fd) {
  if (!real_close) start();
  if (maybe_ours(fd)) {
    pthread_mutex_lock(&lock);
    free(fds[fd].folder);
    memset(&fds[fd], 0, sizeof fds[fd]);
    pthread_mutex_unlock(&lock);
  }
  return real_close(fd);
}

/* A sync of any kind carries the size along. Holds the lock. */
static void sync_size(int fd, struct file *file) {
  struct stat stat_;
  if (!file->resized || fstat(fd, &stat_) != 0) return;
  if (real_ftruncate(file->shadow, stat_.st_size) != 0) die("cannot size a shadow file");
  file->resized = 0;
}

/* Holds the lock. */
static void mark_dirty(struct file *file, off_t from, off_t to) {
  for (int index = 0; index < file->count; index++) {
    if (from <= file->dirty[index].to && to >= file->dirty[index].from) {
      if (from < file->dirty[index].from) file->dirty[index].from = from;
      if (to > file->dirty[index].to) file->dirty[index].to = to;
      return;
    }
  }
  if (file->count == RANGES_MAX) {
    for (int index = 1; index < file->count; index++) {
      if (file->dirty[index].from < file->dirty[0].from) file->dirty[0].from = file->dirty[index].from;
      if (file->dirty[index].to > file->dirty[0].to) file->dirty[0].to = file->dirty[index].to;
    }
    file->count = 1;
    mark_dirty(file, from, to);
    return;
  }
  file->dirty[file->count].from = from;
  file->dirty[file->count++].to = to;
}

/* Copies a range of the real file to its shadow. Holds the lock. */
static void copy_range(int fd, struct file *file, off_t from, off_t to) {
  static char buffer[1 << 20];
  char path[64];
  /* The server's descriptor may be write-only. */
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int reader = real_open(path, O_RDONLY | O_CLOEXEC);
  if (reader < 0) die("cannot read a file back");
  while (from < to) {
    ssize_t got = pread64(reader, buffer, to - from < (off_t)sizeof buffer ? to - from : (off_t)sizeof buffer, from);
    if (got < 0) die("cannot read a file back");
    if (got == 0) break;
    if (real_pwrite(file->shadow, buffer, got, from) != got) die("cannot write a shadow file");
    from += got;
  }
  real_close(reader);
}


/* After a write of `length` bytes at `at`. */
static void wrote(int fd, off_t at, ssize_t length) {
  if (length <= 0) return;
  int error = errno;
  pthread_mutex_lock(&lock);
  struct open_file *one = entry(fd);
  if (one && one->file && one->durable) {
    sync_size(fd, one->file);
    if (lie) {
      int slot = one->file->lied++ % LATE;
      off_t from = one->file->late[slot].from, to = one->file->late[slot].to;
      one->file->late[slot].from = at;
      one->file->late[slot].to = at + length;
      if (to > from) copy_range(fd, one->file, from, to);
    } else {
      copy_range(fd, one->file, at, at + length);
    }
  } else if (one && one->file) {
    mark_dirty(one->file, at, at + length);
  }
  pthread_mutex_unlock(&lock);
  errno = error;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
  ssize_t written = real_pwrite(fd, bytes, length, at);
  if (maybe_ours(fd)) wrote(fd, at, written);
  return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

ssize_t pwritev64(int fd, const struct iovec *chunks, int count, off_t at) {
  ssize_t written = real_pwritev(fd, chunks, count, at);
  if (maybe_ours(fd)) wrote(fd, at, written);
  return written;
}

ssize_t pwritev(int fd, const struct iovec *chunks, int count, off_t at) { return pwritev64(fd, chunks, count, at); }

ssize_t write(int fd, const void *bytes, size_t length) {
  if (!real_write) start();
  ssize_t written = real_write(fd, bytes, length);
  if (maybe_ours(fd)) wrote(fd, lseek64(fd, 0, SEEK_CUR) - written, written);
  return written;
}

ssize_t writev(int fd, const struct iovec *chunks, int count) {
  if (!real_writev) start();
  ssize_t written = real_writev(fd, chunks, count);
  if (maybe_ours(fd)) wrote(fd, lseek64(fd, 0, SEEK_CUR) - written, written);
  return written;
}

int ftruncate64(int fd, off_t length) {
  int result = real_ftruncate(fd, length);
  if (result == 0 && maybe_ours(fd)) {
    pthread_mutex_lock(&lock);
    struct open_file *one = entry(fd);
    if (one && one->file) one->file->resized = 1;
    pthread_mutex_unlock(&lock);
  }
  return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synced(int fd, int (*real_sync)(int)) {
  if (!maybe_ours(fd)) return real_sync(fd);
  struct file before = {0};
  pthread_mutex_lock(&lock);
  struct open_file *one = entry(fd);
  struct file *file = one ? one->file : NULL;
  char *folder = one && one->folder ? strdup(one->folder) : NULL;
  int at = lines;
  if (file) {
    /* What is written while the sync runs is not part of it. */
    before = *file;
    file->count = 0;
  }
  pthread_mutex_unlock(&lock);
  int result = real_sync(fd);
  int error = errno;
  pthread_mutex_lock(&lock);
  if (result == 0 && file) {
    sync_size(fd, file);
    for (int index = 0; index < before.count; index++) copy_range(fd, file, before.dirty[index].from, before.dirty[index].to);
  } else if (file) {
    for (int index = 0; index < before.count; index++) mark_dirty(file, before.dirty[index].from, before.dirty[index].to);
  }
  if (result == 0 && folder) log_name("sync %d %s\n", at, folder);
  free(folder);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }

/* The file at `path` is about to lose this name: a link beside keeps its inode. Holds the lock. */
static void keep(const char *path) {
  char kept[8192];
  snprintf(kept, sizeof kept, "%s/keep-%d-%d", shadow, (int)getpid(), keeps++);
  if (link(path, kept) != 0 && errno != ENOENT) die("cannot keep a file");
}

int unlink(const char *path) {
  if (!is_ours(path)) return real_unlink(path);
  pthread_mutex_lock(&lock);
  keep(path);
  int result = real_unlink(path);
  int error = errno;
  if (result == 0) log_name("unlink %s\n", path);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

int rename(const char *from, const char *to) {
  if (!is_ours(from)) return real_rename(from, to);
  pthread_mutex_lock(&lock);
  struct stat stat_;
  if (lstat(to, &stat_) == 0 && S_ISREG(stat_.st_mode)) keep(to);
  int result = real_rename(from, to);
  int error = errno;
  if (result == 0) log_name("rename %s\t%s\n", from, to);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

int mkdir(const char *path, mode_t mode) {
  if (!is_ours(path)) return real_mkdir(path, mode);
  pthread_mutex_lock(&lock);
  int result = real_mkdir(path, mode);
  int error = errno;
  if (result == 0) log_name("folder %s\n", path);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

int rmdir(const char *path) {
  if (!is_ours(path)) return real_rmdir(path);
  pthread_mutex_lock(&lock);
  int result = real_rmdir(path);
  int error = errno;
  if (result == 0) log_name("rmdir %s\n", path);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

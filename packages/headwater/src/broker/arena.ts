/**
 * The one piece of memory that all bytes pass through on their way from socket to socket. HOT: `mem.copyWithin` moves a message in
 * about 20 ns, where `set(subarray)` between separate buffers costs 50 and an object (deliver.bench.ts).
 *
 *   0           HEADROOM        +READ_SIZE  +1         FIRST_CHUNK
 *   | headroom  | read buffer   | sentinel  | unused   | chunk | chunk | ...
 *
 * One read buffer serves every socket: it is filled and handled in one step. A partial frame of the read before is put back in front
 * of it, into the headroom. Chunks are what outboxes write into; they are given back as soon as they were written (last in, first out,
 * so the same warm one is used again). Positions are plain numbers. Untouched pages cost no memory.
 * This is the only module-level state in the source: several brokers of one thread share it.
 */

/** Bytes of one chunk. 16 KiB costs a fifth of the throughput, 256 KiB gains nothing. */
export const CHUNK_SIZE: number = 64 * 1024
/** Room in front of the read buffer: a carried frame of at most CARRY_MAX bytes, and 8 KiB for the head of a frame composed in place. */
export const HEADROOM: number = 72 * 1024
/** The longest partial frame that is carried through the headroom; longer ones get a buffer of their own. */
export const CARRY_MAX: number = 64 * 1024
export const READ_SIZE: number = 64 * 1024

const FIRST_CHUNK = 192 * 1024
const ARENA_SIZE = 64 * 1024 * 1024
const CHUNKS = Math.floor((ARENA_SIZE - FIRST_CHUNK) / CHUNK_SIZE)

/** The arena's bytes. */
export const mem: Buffer = Buffer.from(new ArrayBuffer(ARENA_SIZE))
/** The part of `mem` that sockets read into. */
export const readBuffer: Buffer = mem.subarray(HEADROOM, HEADROOM + READ_SIZE)
/** Called when no chunk is left: each must write out what it holds, so that chunks come back. */
export const whenDry: Set<() => void> = new Set()

/** Whether the read buffer's bytes are being handled right now: nobody may put other bytes into it meanwhile. */
export const reading: { isBusy: boolean } = { isBusy: false }

const free: number[] = []
let fresh = 0
let taken = 0

/** Position of a chunk that is the caller's until `giveChunk`. When none is left, everybody who waits for the turn's end writes first. */
export function takeChunk(): number {
  if (taken === CHUNKS) for (const write of whenDry) write()
  taken++
  const reused = free.pop()
  if (reused !== undefined) return reused
  if (fresh === CHUNKS) throw new Error('arena: every chunk is in use')
  return FIRST_CHUNK + CHUNK_SIZE * fresh++
}

/** Gives back a chunk that `takeChunk` gave. */
export function giveChunk(at: number): void {
  taken--
  free.push(at)
}

/** Whether chunks are getting rare, so that nothing may hold one beyond the turn: what waits for a slow socket is copied out. */
export function chunksAreRare(): boolean {
  return taken > CHUNKS / 2
}

/** Chunks in use, for tests that look for a leak. */
export function chunksTaken(): number {
  return taken
}

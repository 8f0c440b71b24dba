/**
 * Chunks: memory in which records are encoded, and stay readable as long as anything points at them.
 *
 * A position is a number below 2^32 in an address space of slots of 1 MiB: `slots[position >>> 20]` is the chunk, and
 * `position - chunk.base` the offset in it. A chunk larger than a slot stands in all the slots that it covers.
 */
import { assert } from '../base/assert.ts'

const SLOT_BITS = 20
export const SLOT_BYTES: number = 1 << SLOT_BITS
const SLOTS_MAX = 4096

/** One piece of memory. `used` bytes are taken. */
export class Chunk {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly base: number
  used = 0

  constructor(bytes: Uint8Array, base: number) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.base = base
  }
}

/** One address space. Memory is never reused: slices of it may sit in outboxes long after. */
export class Chunks {
  readonly slots: Chunk[] = []
  /** The chunk that the next record goes to. */
  open: Chunk | undefined

  /** Bytes of memory held. */
  bytes = 0

  /** The chunk at a position. HOT. */
  at(position: number): Chunk {
    return this.slots[position >>> SLOT_BITS]
  }

  /** True when another `length` bytes still have addresses. */
  hasRoom(length: number): boolean {
    return this.slots.length + Math.ceil(length / SLOT_BYTES) + 1 < SLOTS_MAX
  }

  /** Adds a chunk of `length` bytes and opens it. */
  add(length: number): Chunk {
    return this.adopt(Buffer.allocUnsafeSlow(length))
  }

  /** Makes memory that is already filled, or to be filled, part of the space, and opens it. */
  adopt(bytes: Uint8Array): Chunk {
    assert(this.hasRoom(bytes.length), 'an address space of chunks holds 4 GiB')
    const chunk = new Chunk(bytes, this.slots.length * SLOT_BYTES)
    const slots = Math.max(1, Math.ceil(bytes.length / SLOT_BYTES))
    for (let i = 0; i < slots; i++) this.slots.push(chunk)
    this.bytes += bytes.length
    this.open = chunk
    return chunk
  }
}

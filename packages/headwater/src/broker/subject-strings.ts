/**
 * Subject strings for handlers, one kept per slot, so that a subject that comes again is the same string (and its hash is known already).
 * HOT: once per message that a stream captures. A comparison costs about 1 ns per character, a new string 50 to 65 ns and garbage.
 */
import { fromWire } from '../protocol/encode.ts'

const SLOTS = 4096

export class SubjectStrings {
  readonly #wire: string[] = new Array<string>(SLOTS).fill('')
  readonly #text: string[] = new Array<string>(SLOTS).fill('')

  /** The subject `bytes[start, end)` with this hash as text. */
  textOf(bytes: Buffer, start: number, end: number, hash: number): string {
    const slot = hash & (SLOTS - 1)
    const wire = this.#wire[slot]
    if (!same(wire, bytes, start, end)) return this.#renew(slot, bytes, start, end)
    return this.#text[slot]
  }

  #renew(slot: number, bytes: Buffer, start: number, end: number): string {
    const wire = bytes.toString('latin1', start, end)
    this.#wire[slot] = wire
    return (this.#text[slot] = fromWire(wire))
  }
}

function same(wire: string, bytes: Buffer, start: number, end: number): boolean {
  if (wire.length !== end - start) return false
  for (let i = 0; i < wire.length; i++) if (wire.charCodeAt(i) !== bytes[start + i]) return false
  return true
}

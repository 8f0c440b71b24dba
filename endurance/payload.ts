/** Payloads that follow from the id of their message, so that whoever reads one can tell whether every byte is right. */
import { Random } from './random.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const PADDING_MAX = 300

/** FNV-1a over the characters. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/** The id, a space, and up to 300 characters that follow from the id. */
export function payloadOf(id: string): string {
  const random = new Random(hashOf(id))
  let padding = ''
  const length = random.below(PADDING_MAX)
  while (padding.length < length) {
    let bits = Math.floor(random.next() * 2 ** 32)
    for (let count = 0; count < 6; count++, bits = Math.floor(bits / 36)) padding += ALPHABET[bits % 36]
  }
  return `${id} ${padding.slice(0, length)}`
}

/** The id of a payload; undefined when a byte of it is wrong. */
export function idOf(payload: string): string | undefined {
  const id = payload.slice(0, payload.indexOf(' '))
  return payloadOf(id) === payload ? id : undefined
}

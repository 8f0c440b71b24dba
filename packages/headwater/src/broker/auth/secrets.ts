/** Compares secrets so that the time it takes tells nothing about them. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether the two texts are equal. Takes the same time wherever they differ, and whatever their lengths. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(s: string): Buffer {
  return createHash('sha256').update(s, 'utf8').digest()
}

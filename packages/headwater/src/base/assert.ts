/** Checks of our own code. A failed one is a bug here, never the peer's fault: expected errors are values instead. */

/** A broken invariant. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Throws an AssertionError that says `why` unless `condition` holds. O(1) uses stay on in production. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new AssertionError(why)
}

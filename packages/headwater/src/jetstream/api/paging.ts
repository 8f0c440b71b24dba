/** Pages of a list: what `offset` selects, and the three fields that every paged reply carries. */

/** Entries on one page at most. */
export const NAMES_PAGE = 1024
export const LIST_PAGE = 256
export const SUBJECTS_PAGE = 100_000

/** One page of a listing: what the reply says of it, and its items. */
export interface Page<T> {
  readonly total: number
  readonly offset: number
  readonly limit: number
  readonly items: T[]
}

/** The page of `all` that begins at `offset`; a negative one is 0, one beyond the end gives an empty page. */
export function pageOf<T>(all: readonly T[], offset: unknown, limit: number): Page<T> {
  const from = Math.min(Math.max(typeof offset === 'number' ? offset : 0, 0), all.length)
  return { total: all.length, offset: from, limit, items: all.slice(from, from + limit) }
}

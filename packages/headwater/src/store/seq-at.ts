/** Finds the first message at or after a time, in a log whose times never fall: by halves, past what cannot be read. */
import { mayPass } from '../base/fs.ts'
import { compareTime, type Time } from '../base/time.ts'
import type { StreamIndex } from './stream-index.ts'

/**
 * The first living sequence with a time at or after `time`; lastSeq + 1 when there is none. `timeOf` gives a message's time,
 * undefined when it left meanwhile, and rejects when it cannot be read: such a message counts as old as the next one that can,
 * so that one damaged message ends no search. Rejects only with what may pass.
 */
export async function seqAt(
  index: StreamIndex,
  time: Time,
  timeOf: (seq: number) => Time | undefined | Promise<Time | undefined>,
): Promise<number> {
  let low = index.firstSeq
  let high = index.lastSeq + 1
  // The first living message at or after `time` is next(x) for some x in [low, high].
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    let seq = index.next(middle)
    let at: Time | undefined
    // Ever longer steps, as whole stretches of a disk may be gone.
    for (let step = 1; seq !== 0 && seq < high; step *= 2) {
      try {
        at = await timeOf(seq)
        break
      } catch (error) {
        if (mayPass(error)) throw error
        seq = index.next(seq + step)
      }
    }
    if (seq === 0 || seq >= high) high = middle
    else if (!at) continue
    else if (compareTime(at, time) < 0) low = seq + 1
    else high = middle
  }
  return index.next(low) || index.lastSeq + 1
}

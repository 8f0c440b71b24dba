/**
 * Reads the output of `strace -f`. A call that other threads interrupt stands in two lines:
 *   31 pwrite64(19, "...", 77, 0 <unfinished ...>
 *   30 epoll_pwait(...
 *   31 <... pwrite64 resumed>) = 77
 * It begins in the first and has returned in the second. Positions here are line numbers, from 1; 0 is never.
 */

interface Call {
  name: string
  text: string
  begins: number
  returned: number
  result: number
}

const DATA_WRITES = new Set(['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2'])
const SENDS = new Set(['write', 'writev', 'sendto', 'sendmsg'])

export class SystemCalls {
  readonly #calls: Call[] = []

  constructor(log: string) {
    const unfinished = new Map<string, Call>()
    for (const [index, line] of log.split('\n').entries()) {
      const thread = /^\d+/.exec(line)?.[0] ?? ''
      const resumed = /^\d+ +<\.\.\. (\w+) resumed>/.exec(line)
      if (resumed) {
        const call = unfinished.get(thread)
        if (call) {
          call.text += line.slice(resumed[0].length)
          call.returned = index + 1
          call.result = resultOf(line)
        }
        unfinished.delete(thread)
        continue
      }
      const name = /^\d+ +(\w+)\(/.exec(line)?.[1]
      if (name === undefined) continue
      const isWhole = !line.endsWith('<unfinished ...>')
      const call = { name, text: line, begins: index + 1, returned: isWhole ? index + 1 : 0, result: resultOf(line) }
      this.#calls.push(call)
      if (!isWhole) unfinished.set(thread, call)
    }
  }

  /** Where the first write that carries `text` had become durable: on return when its file is open for synced writes, else with the next sync of the file. */
  firstSyncedWrite(text: string): number {
    for (const call of this.#calls) {
      if (!DATA_WRITES.has(call.name) || call.returned === 0 || !call.text.includes(text)) continue
      const file = this.#fileOf(call)
      if (file === undefined) continue
      if (/O_D?SYNC/.test(file.text)) return call.returned
      const descriptor = descriptorOf(call)
      const sync = this.#calls.find(
        (other) =>
          /^f(data)?sync$/.test(other.name) && other.begins > call.returned && descriptorOf(other) === descriptor,
      )
      if (sync && sync.returned > 0) return sync.returned
    }
    return 0
  }

  /** Where `text` first begins to be sent on a descriptor that is no file. */
  firstSend(text: string): number {
    const quoted = text.replaceAll('"', '\\"')
    const call = this.#calls.find(
      (one) => SENDS.has(one.name) && one.text.includes(quoted) && this.#fileOf(one) === undefined,
    )
    return call?.begins ?? 0
  }

  /** The call that opened the file which `call` uses; undefined for a socket or a pipe. */
  #fileOf(call: Call): Call | undefined {
    const descriptor = descriptorOf(call)
    let opened: Call | undefined
    for (const other of this.#calls) {
      if (other.begins >= call.begins) break
      if (other.name === 'openat' && other.result === descriptor) opened = other
      if (other.name === 'close' && descriptorOf(other) === descriptor) opened = undefined
    }
    return opened
  }
}

function descriptorOf(call: Call): number {
  return Number(/\((\d+)/.exec(call.text)?.[1] ?? -1)
}

function resultOf(line: string): number {
  return Number(/ = (-?\d+)[^"]*$/.exec(line)?.[1] ?? -1)
}

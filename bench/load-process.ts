/** The parent's side of the load generator and of the sinks: processes of their own, so that a server has a core to itself. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startNativeSink } from './load/native.ts'
import type { Sample, Task } from './load/tasks.ts'

/** No task takes that long. */
const TASK_MS = 60_000

interface Answer {
  sample?: Sample
  error?: string
}

/** The load generator. One task at a time. */
export class LoadProcess {
  readonly #child: ChildProcess = run('process.ts', [])

  /** Performs one task; throws what went wrong with it. */
  async perform(task: Task): Promise<Sample> {
    const done = new AbortController()
    const { signal } = done
    const answered = once(this.#child, 'message', { signal }).then(([answer]) => answer as Answer)
    const ended = once(this.#child, 'exit', { signal }).then(
      (): Answer => ({ error: 'the load generator ended: see above' }),
    )
    const tooLong = sleep(TASK_MS, { error: 'no end in sight' } satisfies Answer, { signal })
    for (const other of [answered, ended, tooLong]) other.catch(() => {})
    this.#child.send(task)
    const answer: Answer = await Promise.race([answered, ended, tooLong])
    done.abort()
    if (!answer.sample) throw new Error(`${task.kind}: ${answer.error}`)
    return answer.sample
  }

  stop(): void {
    this.#child.kill()
  }
}

/** A server that does no work; see load/sink.ts, and load/native/sink.c for the modes that begin with `native:`. */
export class SinkProcess {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(mode: string): Promise<SinkProcess> {
    if (mode.startsWith('native:')) {
      const { child, port } = await startNativeSink(mode.slice('native:'.length))
      return new SinkProcess(child, port)
    }
    const child = run('sink.ts', mode.split(' '))
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    return new SinkProcess(child, port)
  }

  stop(): void {
    this.#child.kill()
  }
}

function run(file: string, args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(`./load/${file}`, import.meta.url))
  return fork(path, args, { execArgv: ['--import', 'tsx'] })
}

/** The parent's side of the load generator and of the sinks: processes of their own, so that a server has a core to itself. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Sample, Task } from './load/tasks.ts'

interface Answer {
  sample?: Sample
  error?: string
}

/** The load generator. One task at a time. */
export class LoadProcess {
  readonly #child: ChildProcess = run('process.ts', [])

  /** Performs one task; throws what went wrong with it. */
  async perform(task: Task): Promise<Sample> {
    const answered = once(this.#child, 'message').then(([answer]) => answer as Answer)
    const ended = once(this.#child, 'exit').then((): Answer => ({ error: 'the load generator ended: see above' }))
    this.#child.send(task)
    const answer = await Promise.race([answered, ended])
    if (!answer.sample) throw new Error(`${task.kind}: ${answer.error}`)
    return answer.sample
  }

  stop(): void {
    this.#child.kill()
  }
}

/** A server that does no work; see load/sink.ts. */
export class SinkProcess {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(mode: string): Promise<SinkProcess> {
    const child = run('sink.ts', [mode])
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

/** What the tests of the flow share: the command itself, as a process, and free ports. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'

const COMMAND = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** Runs the compiled flow to its end; its output, both streams together, also shows when a test fails. */
export async function runFlowCommand(...args: string[]): Promise<{ code: number | null; output: string }> {
  if (!existsSync(COMMAND)) throw new Error('The flow is not built: run `npm run build` first')
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  for (let index = 0; index < count; index++) {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    servers.push(server)
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  for (const server of servers) {
    server.close()
    await once(server, 'close')
  }
  return ports
}

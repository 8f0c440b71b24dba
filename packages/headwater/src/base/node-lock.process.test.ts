import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { NodeFileSystem } from './node-fs.ts'
import { lockBySocket } from './node-lock.ts'

const fs = new NodeFileSystem()
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Another process that runs `code` with node-fs and node-lock imported, and stays alive after it said so. */
async function holder(code: string): Promise<ChildProcess> {
  const here = JSON.stringify(new URL('.', import.meta.url).href)
  const source = `
    const { NodeFileSystem } = await import(${here} + 'node-fs.ts')
    const { lockBySocket } = await import(${here} + 'node-lock.ts')
    const fs = new NodeFileSystem()
    ${code}
    console.log('held')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout!, 'data')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

it('is refused while another process lives, and had at once after its SIGKILL', async () => {
  const child = await holder(`await fs.lock(${JSON.stringify(folder)}, 'the other process')`)
  await expect(fs.lock(folder, 'us')).rejects.toMatchObject({ code: 'ELOCKED', holder: 'held by the other process' })
  await kill(child)
  await (await fs.lock(folder, 'us')).release()
})

it.skipIf(process.platform === 'win32')('takes over the socket file of a killed process', async () => {
  const path = `${folder}/s`
  const child = await holder(`await lockBySocket(${JSON.stringify(path)}, fs)`)
  expect(await lockBySocket(path, fs)).toBeUndefined()
  await kill(child)
  const held = await lockBySocket(path, fs)
  expect(held).toBeDefined()
  await held?.release()
})

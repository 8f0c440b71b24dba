import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FileSystem } from './fs.ts'
import { NodeFileSystem } from './node-fs.ts'
import { lockBySocket } from './node-lock.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
let folder: string
let fs: FileSystem

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-fs-'))
  fs = new NodeFileSystem()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('NodeFileSystem', () => {
  it.each(['create', 'create-durable'] as const)('writes one or many chunks where it is told (%s)', async (mode) => {
    const file = await fs.open(`${folder}/a`, mode)
    expect(await file.appendDurable([bytes('hello')], 0)).toBe(5)
    expect(await file.appendDurable([bytes(' wor'), bytes('ld')], 5)).toBe(6)
    expect(await file.writeAt([bytes('J')], 0)).toBe(1)
    await file.sync()
    expect(await file.size()).toBe(11)
    const into = new Uint8Array(20)
    expect(await file.readAt(into, 0)).toBe(11)
    expect(new TextDecoder().decode(into.subarray(0, 11))).toBe('Jello world')
    expect(await file.readAt(into, 11)).toBe(0)
    await file.truncate(4)
    await file.close()
    expect(readFileSync(`${folder}/a`, 'utf8')).toBe('Jell')
  })

  it('keeps files and folders to their owner', async () => {
    await fs.makeFolder(`${folder}/x/y`)
    await (await fs.open(`${folder}/x/y/f`, 'create')).close()
    expect(statSync(`${folder}/x`).mode & 0o777).toBe(0o700)
    expect(statSync(`${folder}/x/y/f`).mode & 0o777).toBe(0o600)
  })

  it('opens only what its mode allows', async () => {
    await expect(fs.open(`${folder}/none`, 'read')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(fs.open(`${folder}/none`, 'durable')).rejects.toMatchObject({ code: 'ENOENT' })
    await (await fs.open(`${folder}/f`, 'create')).close()
    await expect(fs.open(`${folder}/f`, 'create')).rejects.toMatchObject({ code: 'EEXIST' })
    const file = await fs.open(`${folder}/f`, 'read')
    await expect(file.writeAt([bytes('x')], 0)).rejects.toMatchObject({ code: 'EBADF' })
    await file.close()
  })

  it('lists, renames, removes and syncs names', async () => {
    for (const name of ['b', 'a']) await (await fs.open(`${folder}/${name}`, 'create')).close()
    await fs.syncDir(folder)
    expect(await fs.list(folder)).toEqual(['a', 'b'])
    await fs.rename(`${folder}/a`, `${folder}/c`)
    await fs.unlink(`${folder}/b`)
    expect(await fs.list(folder)).toEqual(['c'])
    expect([await fs.exists(`${folder}/c`), await fs.exists(`${folder}/a`)]).toEqual([true, false])
    await fs.makeFolder(`${folder}/d`)
    await fs.removeFolder(`${folder}/d`)
    expect(await fs.freeBytes(folder)).toBeGreaterThan(0)
    await expect(fs.list(`${folder}/d`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('locks a folder once, says who holds it, and frees it', async () => {
    const held = await fs.lock(folder, 'the first server')
    await expect(fs.lock(folder, 'the second')).rejects.toMatchObject({
      code: 'ELOCKED',
      holder: 'held by the first server',
    })
    await held.release()
    const again = await fs.lock(folder, 'third')
    expect(readFileSync(`${folder}/LOCK`, 'utf8')).toBe('third')
    await again.release()
  })

  it('locks by a local socket where there is no flock tool', async () => {
    for (const path of process.platform === 'win32' ? [] : [`${folder}/s`, `\0headwater-test-${process.pid}`]) {
      const held = await lockBySocket(path, fs)
      expect(held).toBeDefined()
      expect(await lockBySocket(path, fs)).toBeUndefined()
      await held?.release()
      await (await lockBySocket(path, fs))?.release()
    }
  })
})

/** Object store through @nats-io/obj. */
import { type ObjectStore, Objm } from '@nats-io/obj'
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import type { Trial } from '../support/trial.ts'

async function store(t: Trial, options: object = {}): Promise<ObjectStore> {
  return new Objm(await t.client()).create(t.id, options)
}

function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31) % 256)
}

export const objectStore: Group = {
  name: 'clients/object store',
  cases: [
    {
      name: 'create, and what its stream is',
      async run(t) {
        const status = await (await store(t, { description: 'files' })).status()
        t.observe('config', status.streamInfo.config)
        expectMatch(status, { bucket: t.id, sealed: false })
      },
    },
    {
      name: 'put and get, of several chunks',
      async run(t) {
        const os = await store(t)
        const data = bytes(400_000)
        const info = await os.putBlob(
          { name: 'large', description: 'a file', options: { max_chunk_size: 64_000 } },
          data,
        )
        expectMatch(info, { name: 'large', size: 400_000, chunks: 7, bucket: t.id })
        const back = await os.getBlob('large')
        expectTrue(back !== null && Buffer.compare(back, data) === 0, 'the same bytes')
        expectMatch(await os.info('large'), { name: 'large', digest: info.digest })
      },
    },
    {
      name: 'an empty object, and one that is not there',
      async run(t) {
        const os = await store(t)
        await os.putBlob({ name: 'empty' }, new Uint8Array(0))
        expectEqual((await os.getBlob('empty'))?.length, 0)
        expectEqual(await os.getBlob('none'), null)
        expectEqual(await os.info('none'), null)
      },
    },
    {
      name: 'put again replaces, and the old chunks go',
      async run(t) {
        const os = await store(t)
        await os.putBlob({ name: 'a', options: { max_chunk_size: 1000 } }, bytes(10_000))
        const before = (await os.status()).streamInfo.state.messages
        await os.putBlob({ name: 'a', options: { max_chunk_size: 1000 } }, bytes(5_000))
        const after = (await os.status()).streamInfo.state.messages
        expectEqual([before, after], [11, 6])
        expectEqual((await os.getBlob('a'))?.length, 5_000)
      },
    },
    {
      name: 'list, delete, update',
      async run(t) {
        const os = await store(t)
        for (const name of ['a', 'b', 'c']) await os.putBlob({ name }, bytes(10))
        expectEqual((await os.list()).map((info) => info.name).sort(), ['a', 'b', 'c'])
        await os.delete('b')
        expectEqual((await os.info('b'))?.deleted, true)
        await os.update('a', { name: 'z', description: 'renamed' })
        expectMatch(await os.info('z'), { name: 'z', description: 'renamed' })
        expectEqual((await os.getBlob('z'))?.length, 10)
      },
    },
    {
      name: 'watch',
      async run(t) {
        const os = await store(t)
        await os.putBlob({ name: 'a' }, bytes(10))
        const seen: string[] = []
        for await (const info of await os.watch({ includeHistory: true })) {
          seen.push(info.name)
          if (seen.length === 1) await os.putBlob({ name: 'b' }, bytes(10))
          if (seen.length === 2) break
        }
        expectEqual(seen, ['a', 'b'])
      },
    },
    {
      name: 'links',
      async run(t) {
        const os = await store(t)
        const info = await os.putBlob({ name: 'a' }, bytes(10))
        await os.link('alias', info)
        expectEqual((await os.getBlob('alias'))?.length, 10)
      },
    },
    {
      name: 'seal, and destroy',
      async run(t) {
        const os = await store(t)
        await os.putBlob({ name: 'a' }, bytes(10))
        expectEqual((await os.seal()).sealed, true)
        expectMatch(await os.putBlob({ name: 'b' }, bytes(10)).then(String, (error: Error) => error.message), /sealed/)
        expectEqual((await os.getBlob('a'))?.length, 10)
        expectEqual(await os.destroy(), true)
      },
    },
  ],
}

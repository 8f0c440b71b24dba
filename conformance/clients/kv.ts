/** Key-value through @nats-io/kv. */
import { type KV, Kvm, KvWatchInclude } from '@nats-io/kv'
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'
import type { Trial } from '../support/trial.ts'

async function bucket(t: Trial, options: object = {}): Promise<KV> {
  return new Kvm(await t.client()).create(t.id, options)
}

async function all<T>(iterator: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of iterator) items.push(item)
  return items
}

export const kv: Group = {
  name: 'clients/kv',
  cases: [
    {
      name: 'create a bucket, and what its stream is',
      async run(t) {
        const store = await bucket(t, {
          history: 5,
          description: 'settings',
          ttl: 60_000,
          maxValueSize: 1000,
          max_bytes: 100_000,
        })
        const status = await store.status()
        expectMatch(status, { bucket: t.id, values: 0, history: 5, ttl: 60_000 })
        t.observe('config', status.streamInfo.config)
      },
    },
    {
      name: 'put, get, and revisions',
      async run(t) {
        const store = await bucket(t)
        expectEqual(await store.get('a'), null)
        expectEqual(await store.put('a', 'one'), 1)
        expectEqual(await store.put('a', 'two'), 2)
        const entry = await store.get('a')
        expectEqual(
          [entry?.key, entry?.string(), entry?.revision, entry?.operation, entry?.bucket],
          ['a', 'two', 2, 'PUT', t.id],
        )
        expectEqual(await store.put('b.c', new Uint8Array([0, 255])), 3)
        expectEqual([...((await store.get('b.c'))?.value ?? [])], [0, 255])
      },
    },
    {
      name: 'create only when there is none',
      async run(t) {
        const store = await bucket(t)
        expectEqual(await store.create('a', 'x'), 1)
        expectMatch(
          await store.create('a', 'y').then(String, (error: Error) => error.message),
          /wrong last sequence: 1/,
        )
        await store.delete('a')
        expectEqual(await store.create('a', 'z'), 3)
        await store.purge('a')
        expectEqual(await store.create('a', 'z'), 5)
      },
    },
    {
      name: 'update by revision',
      async run(t) {
        const store = await bucket(t)
        const revision = await store.put('a', 'x')
        expectEqual(await store.update('a', 'y', revision), 2)
        expectMatch(
          await store.update('a', 'z', revision).then(String, (error: Error) => error.message),
          /wrong last sequence: 2/,
        )
      },
    },
    {
      name: 'delete and purge',
      async run(t) {
        const store = await bucket(t, { history: 5 })
        for (const value of ['1', '2', '3']) await store.put('a', value)
        await store.delete('a')
        const deleted = await store.get('a')
        expectEqual([deleted?.operation, deleted?.revision], ['DEL', 4])
        expectEqual(
          (await all(await store.history({ key: 'a' }))).map((entry) => entry.operation),
          ['PUT', 'PUT', 'PUT', 'DEL'],
        )
        await store.purge('a')
        expectEqual(
          (await all(await store.history({ key: 'a' }))).map((entry) => entry.operation),
          ['PURGE'],
        )
      },
    },
    {
      name: 'history keeps as many as it should',
      async run(t) {
        const store = await bucket(t, { history: 3 })
        for (let i = 0; i < 6; i++) await store.put('a', String(i))
        const entries = await all(await store.history({ key: 'a' }))
        expectEqual(
          entries.map((entry) => [entry.string(), entry.revision]),
          [
            ['3', 4],
            ['4', 5],
            ['5', 6],
          ],
        )
      },
    },
    {
      name: 'keys, with filters, in an empty bucket too',
      async run(t) {
        const store = await bucket(t)
        expectEqual(await all(await store.keys()), [])
        for (const key of ['a', 'b.1', 'b.2', 'c']) await store.put(key, 'x')
        await store.delete('c')
        expectEqual((await all(await store.keys())).sort(), ['a', 'b.1', 'b.2'])
        expectEqual((await all(await store.keys('b.*'))).sort(), ['b.1', 'b.2'])
      },
    },
    {
      name: 'watch: what is there, then what comes',
      async run(t) {
        const store = await bucket(t)
        await store.put('a', '1')
        await store.put('b', '2')
        await store.put('a', '3')
        const watch = await store.watch()
        const seen: unknown[] = []
        for await (const entry of watch) {
          seen.push([entry.key, entry.string(), entry.operation])
          if (seen.length === 2) {
            await store.put('c', '4')
            await store.delete('a')
          }
          if (seen.length === 4) break
        }
        expectEqual(seen, [
          ['b', '2', 'PUT'],
          ['a', '3', 'PUT'],
          ['c', '4', 'PUT'],
          ['a', '', 'DEL'],
        ])
      },
    },
    {
      name: 'watch: only updates, all history, headers only',
      async run(t) {
        const store = await bucket(t, { history: 5 })
        for (const value of ['1', '2']) await store.put('a', value)
        const updates = await store.watch({ include: KvWatchInclude.UpdatesOnly, key: 'a' })
        await store.put('a', '3')
        for await (const entry of updates) {
          expectEqual([entry.string(), entry.revision], ['3', 3])
          break
        }
        const history = await store.watch({ include: KvWatchInclude.AllHistory, headers_only: true })
        const seen: number[] = []
        for await (const entry of history) {
          seen.push(entry.length)
          if (seen.length === 3) break
        }
        expectEqual(seen, [1, 1, 1])
      },
    },
    {
      name: 'buckets: list, open, destroy',
      async run(t) {
        const nc = await t.client()
        const kvm = new Kvm(nc)
        const store = await kvm.create(t.id)
        await store.put('a', 'x')
        const names = (await all(kvm.list())).map((status) => status.bucket)
        expectEqual(names.includes(t.id), true)
        const opened = await kvm.open(t.id)
        expectEqual((await opened.get('a'))?.string(), 'x')
        expectEqual(await store.destroy(), true)
        const gone = await kvm
          .open(t.id)
          .then((open) => open.get('a'))
          .then(String, (error: Error) => error.name)
        t.observe('after destroy', gone)
      },
    },
    {
      name: 'a bucket in memory, and creating it twice',
      async run(t) {
        const store = await bucket(t, { storage: 'memory' })
        await store.put('a', 'x')
        const again = await bucket(t, { storage: 'memory' })
        expectEqual((await again.get('a'))?.string(), 'x')
      },
    },
    {
      name: 'a marker with a time to live',
      async run(t) {
        const outcome = await bucket(t, { markerTTL: 60_000 }).then(
          () => 'created',
          (error: Error) =>
            /subject_delete_marker_ttl is not supported/.test(error.message) ? 'refused by name' : error.message,
        )
        t.differs('newer-features', outcome, { headwater: 'refused by name', judge: 'created' })
      },
    },
    {
      name: 'many keys at once',
      async run(t) {
        const store = await bucket(t)
        await Promise.all(Array.from({ length: 200 }, (_, i) => store.put(`k.${i}`, String(i))))
        expectEqual((await all(await store.keys())).length, 200)
        expectEqual((await store.status()).values, 200)
        const values = await Promise.all(Array.from({ length: 200 }, (_, i) => store.get(`k.${i}`)))
        expectEqual(
          values.map((entry) => entry?.string()),
          Array.from({ length: 200 }, (_, i) => String(i)),
        )
      },
    },
  ],
}

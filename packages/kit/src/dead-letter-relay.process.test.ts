/** The relay against a real nats-server; skipped, saying so, where there is none. */
import {
  AckPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
} from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { Headwater } from 'headwater'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findJudge } from '../../../conformance/support/find-judge.ts'
import { judgeTarget } from '../../../conformance/support/judge-target.ts'
import type { RunningServer } from '../../../conformance/support/target.ts'
import { startDeadLetterRelay, withDeadLetter } from './index.ts'

const judge = findJudge().server

test('on Headwater there is nothing to relay, and that is said', async () => {
  await using hw = await Headwater.start()
  const nc = await hw.connect()
  await expect(startDeadLetterRelay(nc, { stream: 'ORDERS', consumer: 'worker' })).rejects.toThrow(
    'This server is Headwater',
  )
})

describe.skipIf(judge === undefined)('on nats-server (skipped without one: set HEADWATER_JUDGE)', () => {
  let server: RunningServer
  let nc: NatsConnection
  let js: JetStreamClient
  let jsm: JetStreamManager

  beforeAll(async () => {
    server = await judgeTarget(judge ?? '').start({})
    nc = await connect({ servers: `${server.host}:${server.port}` })
    js = jetstream(nc)
    jsm = await jetstreamManager(nc)
  })
  afterAll(async () => {
    await nc?.close()
    await server?.stop()
  })

  /** A stream of work and one of letters, and a worker that gives every message up: some it terminates, the rest it naks. */
  async function setUp(name: string, retention: RetentionPolicy) {
    await jsm.streams.add({ name, subjects: [`${name}.work`], retention })
    await jsm.streams.add({ name: `${name}-LETTERS`, subjects: [`${name}.dead`] })
    await giveUp(name)
    const letters = await js.consumers.get(`${name}-LETTERS`)
    return { nextLetter: () => letters.next({ expires: 10_000 }), info: () => jsm.streams.info(name) }
  }

  /** Keeps pulling: nats-server tells that a message is exhausted when it would deliver it once more. */
  async function giveUp(name: string) {
    const config = { durable_name: 'worker', ack_policy: AckPolicy.Explicit, max_deliver: 2 }
    await jsm.consumers.add(name, withDeadLetter(`${name}.dead`, config))
    const worker = await (await js.consumers.get(name, 'worker')).consume({
      callback: (message) => (message.string() === 'terminate' ? message.term('no good') : message.nak()),
    })
    onTestFinished(() => void worker.close())
  }

  async function relayed(name: string) {
    const relay = await startDeadLetterRelay(nc, { stream: name, consumer: 'worker' })
    onTestFinished(() => relay.close())
    return relay
  }

  test('an exhausted and a terminated message become letters, with what they were', async () => {
    const { nextLetter } = await setUp('BOTH', RetentionPolicy.Limits)
    await relayed('BOTH')
    const own = headers()
    own.set('Trace', 'abc')
    own.set('Nats-Expected-Stream', 'BOTH')
    await js.publish('BOTH.work', 'exhaust', { msgID: 'order-1', headers: own })
    const first = await nextLetter()
    expect(first?.string()).toBe('exhaust')
    expect(Object.fromEntries([...(first?.headers ?? [])].map(([key, [value]]) => [key, value]))).toMatchObject({
      Trace: 'abc',
      'Dead-Letter-Id': expect.stringMatching(/^BOTH\.worker\.\d{19}\.1\.0$/),
      'Dead-Letter-Reason': 'max-deliver',
      'Dead-Letter-Stream': 'BOTH',
      'Dead-Letter-Consumer': 'worker',
      'Dead-Letter-Subject': 'BOTH.work',
      'Dead-Letter-Sequence': '1',
      'Dead-Letter-Deliveries': '2',
      'Dead-Letter-Time': expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      'Dead-Letter-Path': 'BOTH/worker',
      'Dead-Letter-Header-Nats-Msg-Id': 'order-1',
      'Dead-Letter-Header-Nats-Expected-Stream': 'BOTH',
    })
    await js.publish('BOTH.work', 'terminate')
    const second = await nextLetter()
    expect(second?.headers?.get('Dead-Letter-Reason')).toBe('terminated')
    expect(second?.headers?.get('Dead-Letter-Detail')).toBe('no good')
    expect(second?.headers?.get('Dead-Letter-Sequence')).toBe('2')
  })

  test('what is given up while no relay runs waits for the next one', async () => {
    const { nextLetter } = await setUp('LATER', RetentionPolicy.Limits)
    const first = await startDeadLetterRelay(nc, { stream: 'LATER', consumer: 'worker' })
    await first.close()
    const kept = nc.subscribe('$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.LATER.worker', { max: 1 })
    await js.publish('LATER.work', 'x')
    for await (const _ of kept) break
    await relayed('LATER')
    expect((await nextLetter())?.string()).toBe('x')
  })

  test('a letter that was written twice is stored once', async () => {
    const { nextLetter } = await setUp('TWICE', RetentionPolicy.Limits)
    await relayed('TWICE')
    await js.publish('TWICE.work', 'x')
    expect((await nextLetter())?.seq).toBe(1)
    // As after a crash between the letter's ack and the advisory's: the same advisory comes again.
    const info = await jsm.consumers.info('TWICE', 'worker')
    const advisory = {
      type: 'io.nats.jetstream.advisory.v1.max_deliver',
      stream: 'TWICE',
      consumer: info.name,
      stream_seq: 1,
      deliveries: 2,
    }
    await js.publish('$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.TWICE.worker', JSON.stringify(advisory))
    await js.publish('TWICE.work', 'y')
    const next = await nextLetter()
    expect([next?.seq, next?.string()]).toEqual([2, 'y'])
  })

  test('the original leaves a work queue once its letter is stored', async () => {
    const { nextLetter, info } = await setUp('QUEUE', RetentionPolicy.Workqueue)
    const relay = await relayed('QUEUE')
    await js.publish('QUEUE.work', 'x')
    expect((await nextLetter())?.string()).toBe('x')
    // The relay's next step is confirmed by its last one: closing waits for both.
    await relay.close()
    expect((await info()).state.messages).toBe(0)
    expect(relay.relayed).toBe(1)
  })

  test('a letter that nothing captures is tried again until something does', async () => {
    await jsm.streams.add({ name: 'NOWHERE', subjects: ['NOWHERE.work'] })
    await giveUp('NOWHERE')
    let tell: (problem: string) => void = () => {}
    const problem = new Promise<string>((resolve) => {
      tell = resolve
    })
    const relay = await startDeadLetterRelay(nc, { stream: 'NOWHERE', consumer: 'worker', onProblem: tell })
    onTestFinished(() => relay.close())
    await js.publish('NOWHERE.work', 'x')
    expect(await problem).toContain('tried again')
    await jsm.streams.add({ name: 'NOWHERE-LETTERS', subjects: ['NOWHERE.dead'] })
    const letters = await js.consumers.get('NOWHERE-LETTERS')
    expect((await letters.next({ expires: 10_000 }))?.string()).toBe('x')
  })

  test('without a subject it says what to do', async () => {
    await jsm.streams.add({ name: 'BARE', subjects: ['BARE.work'] })
    await jsm.consumers.add('BARE', { durable_name: 'worker', ack_policy: AckPolicy.Explicit })
    await expect(startDeadLetterRelay(nc, { stream: 'BARE', consumer: 'worker' })).rejects.toThrow('use withDeadLetter')
  })
})

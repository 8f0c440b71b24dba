import { afterEach, describe, expect, it } from 'vitest'
import { chunksTaken } from './arena.ts'
import { TokenAuthenticator, UserPasswordAuthenticator } from './auth/user-password.ts'
import { type BrokerBench, brokerBench as start } from './pipe.case.ts'

let bench: BrokerBench
const brokerBench: typeof start = (options) => (bench = start(options))
afterEach(() => {
  bench.end()
  expect(chunksTaken()).toBe(0)
})

describe('connections', () => {
  it('writes once a turn, whatever the number of messages', () => {
    const { connect, flush } = brokerBench()
    const a = connect({})
    a.send('SUB a 1')
    flush()
    a.writes = 0
    connect({}).send(...Array.from({ length: 100 }, () => ['PUB a 1', 'x']).flat())
    expect(a.writes).toBe(0)
    expect(a.got()).toBe('MSG a 1 1\r\nx\r\n'.repeat(100))
    expect(a.writes).toBe(1)
  })

  it('greets, then refuses the connection too many', () => {
    const { broker, connect, events } = brokerBench({ limits: { maxConnections: 1 } })
    const a = connect({})
    const b = connect()
    b.peer.ended()
    expect(b.isEnded).toBe(true)
    expect(events).toEqual(['opened 1', 'opened 2', 'closed 2 Maximum Connections Exceeded'])
    a.peer.ended()
    expect(broker.stats.connections).toBe(0)
  })

  it('refuses subscriptions over the limit, and keeps the connection', () => {
    const { connect } = brokerBench({ limits: { maxSubscriptions: 2 } })
    const a = connect({})
    a.send('SUB a 1', 'SUB b 2', 'SUB c 3', 'PUB c 0', '', 'UNSUB 1', 'SUB c 3', 'PUB c 0', '')
    expect(a.got()).toBe("-ERR 'maximum subscriptions exceeded'\r\nMSG c 3 0\r\n\r\n")
  })

  it.each([
    ['PUB a $JS.ACK.x 0\r\n\r\n', 'Permissions Violation for Publish with Reply of "$JS.ACK.x"'],
    ['PUB a _R_.x 0\r\n\r\n', 'Permissions Violation for Publish with Reply of "_R_.x"'],
    ['PUB a _GR_.x 0\r\n\r\n', 'Permissions Violation for Publish with Reply of "_GR_.x"'],
    ['PUB $NRG.x 0\r\n\r\n', 'Permissions Violation for Publish to "$NRG.x"'],
    ['SUB a..b 1\r\n', 'Invalid Subject'],
    ['SUB a _sys_ 1\r\n', 'Permissions Violation for Subscription to "a" using queue "_sys_"'],
  ])('refuses %j and goes on', (text, error) => {
    for (const verbose of [false, true]) {
      const { connect } = brokerBench()
      const a = connect({ verbose })
      a.got()
      a.peer.receive(Buffer.from(text))
      a.send('PING')
      expect(a.got()).toBe(`-ERR '${error}'\r\nPONG\r\n`)
      a.peer.ended()
    }
  })

  it.each([
    ['CONNECT {"protocol":2}\r\n', "-ERR 'invalid client protocol'\r\n", 'Bad Client Protocol Version'],
    [
      'CONNECT {"no_responders":true}\r\n',
      "-ERR 'no responders requires headers support'\r\n",
      'No Responders Requires Headers',
    ],
    ['CONNECT {"account":"x"}\r\n', "-ERR 'Authorization Violation'\r\n", 'Authentication Failure'],
    ['CONNECT {"verbose":"yes"}\r\n', '', 'Protocol Violation'],
    ['CONNECT nonsense\r\n', '', 'Protocol Violation'],
    ['CONNECT [1]\r\n', '', 'Protocol Violation'],
    ['WHAT\r\n', "-ERR 'Unknown Protocol Operation'\r\n", 'Protocol Violation'],
    ['PUB a 2000000\r\n', "-ERR 'Maximum Payload Violation'\r\n", 'Maximum Message Payload Exceeded'],
    ["-ERR 'x'\r\n", '', 'Client Closed'],
    ['UNSUB 1 2 3\r\n', '', 'Protocol Violation'],
    ['SUB a\r\n', '', 'Protocol Violation'],
  ])('closes on %j', (text, answer, reason) => {
    const { connect, events, clock, broker } = brokerBench()
    const a = connect()
    a.peer.receive(Buffer.from(`${text}PING\r\n`))
    expect(a.got()).toBe(answer)
    expect(events.at(-1)).toBe(`closed 1 ${reason}`)
    expect(a.isEnded).toBe(true)
    a.send('PING')
    expect(a.got()).toBe('')
    // A peer that does not end its side is let go all the same.
    expect(a.isDestroyed).toBe(false)
    clock.advance(4_000)
    expect(a.isDestroyed).toBe(true)
    expect(broker.closedConnections()[0].closedReason).toBe(reason)
  })

  it('pings early once, then in intervals, and closes who never answers', () => {
    const { connect, clock, events } = brokerBench()
    const a = connect({})
    clock.advance(1_900)
    expect(a.got()).toBe('')
    clock.advance(1_100)
    expect(a.got()).toBe('PING\r\n')
    a.send('PONG')
    clock.advance(119_000)
    expect(a.got()).toBe('')
    clock.advance(3_000)
    expect(a.got()).toBe('PING\r\n')
    clock.advance(121_000)
    expect(a.got()).toBe('PING\r\n')
    clock.advance(121_000)
    expect(a.got()).toBe("-ERR 'Stale Connection'\r\n")
    expect(events.at(-1)).toBe('closed 1 Stale Connection')
    a.peer.ended()
  })

  it('does not ping who talks', () => {
    const { connect, clock } = brokerBench()
    const a = connect({})
    clock.advance(3_000)
    expect(a.got()).toBe('PING\r\n')
    a.send('PONG')
    for (let i = 0; i < 10; i++) {
      clock.advance(60_000)
      a.send('PING')
      expect(a.got()).toBe('PONG\r\n')
    }
    a.peer.ended()
  })

  it('tells who understands it that it is going, then lets everybody leave, one after another', async () => {
    const { broker, connect, clock, turn } = brokerBench()
    const [a, b, c] = [connect({ protocol: 1 }), connect({ protocol: 0 }), connect({ protocol: 1 })]
    for (const pipe of [a, b, c]) pipe.got()
    let isDone = false
    const done = broker.drain({ graceMs: 1000, spreadMs: 300 }).then(() => {
      isDone = true
    })
    expect(JSON.parse(a.got().slice(5))).toMatchObject({ ldm: true, connect_info: true })
    expect(b.got()).toBe('')
    a.peer.ended()
    clock.advance(1000)
    turn.run()
    expect([b.isEnded, c.isEnded]).toEqual([true, false])
    b.peer.ended()
    clock.advance(100)
    turn.run()
    expect(c.isEnded).toBe(true)
    expect(isDone).toBe(false)
    c.peer.ended()
    await done
  })

  it('gives a peer that ended its side what still waits for it', () => {
    const { connect, events } = brokerBench()
    const a = connect({})
    a.send('SUB a 1')
    a.got()
    a.isBlocked = true
    a.send('PUB a 5', 'hello')
    a.got()
    a.peer.ended()
    expect(a.isDestroyed).toBe(false)
    expect(events.at(-1)).toBe('closed 1 Client Closed')
    a.drain()
    expect(a.got()).toBe('MSG a 1 5\r\nhello\r\n')
    expect(a.isDestroyed).toBe(true)
  })

  it('counts', () => {
    const { broker, connect } = brokerBench()
    const a = connect({ name: 'me' })
    const b = connect({})
    a.send('SUB a.* 1', 'SUB b q 2')
    b.send('PUB a.x 5', 'hello', 'PUB b 1', 'x', 'PUB nobody 3', 'abc')
    expect(broker.stats).toEqual({
      connections: 2,
      totalConnections: 2,
      subscriptions: 2,
      slowConsumers: 0,
      staleConnections: 0,
      inMsgs: 3,
      inBytes: 9,
      outMsgs: 2,
      outBytes: 6,
    })
    b.peer.ended()
    expect(broker.stats).toMatchObject({ connections: 1, totalConnections: 2, inMsgs: 3, outMsgs: 2 })
    a.peer.ended()
    expect(broker.stats.subscriptions).toBe(0)
    expect(broker.closedConnections().map(({ id, name, subscriptions }) => [id, name, subscriptions])).toEqual([
      [2, '', 0],
      [1, 'me', 2],
    ])
  })

  it('keeps what comes while the read buffer is in use, and handles it in order', () => {
    const { broker, connect, flush } = brokerBench()
    const a = connect({})
    const b = connect({})
    b.send('SUB out 1')
    b.got()
    broker.bus.subscribe('in', () => {
      // A handler that makes an in-process client publish, from within the delivery.
      expect(a.peer.receive(Buffer.from('PUB out 1\r\n1\r\nPUB ou'))).toBe(false)
      expect(a.peer.receive(Buffer.from('t 1\r\n2\r\n'))).toBe(false)
      return undefined
    })
    a.isPaused = true
    connect({}).peer.receive(Buffer.from('PUB in 0\r\n\r\nPUB out 1\r\n0\r\n'))
    flush()
    expect(b.got()).toBe('MSG out 1 1\r\n0\r\nMSG out 1 1\r\n1\r\nMSG out 1 1\r\n2\r\n')
    expect(a.isPaused).toBe(false)
  })
})

describe('authentication', () => {
  const users = new UserPasswordAuthenticator([
    { user: 'ann', password: 's3cret' },
    { user: 'bob', password: 'other' },
  ])

  it.each([
    [{ user: 'ann', pass: 's3cret' }, true],
    [{ user: 'bob', pass: 'other' }, true],
    [{ user: 'ann', pass: 'other' }, false],
    [{ user: 'ann', pass: '' }, false],
    [{ user: 'eve', pass: '' }, false],
    [{ user: '', pass: '' }, false],
    [{}, false],
  ])('users: %j is %s', (fields, isRight) => {
    const { broker, connect } = brokerBench({ authenticator: users })
    const a = connect(fields)
    a.send('PING')
    expect(a.got()).toBe(isRight ? 'PONG\r\n' : "-ERR 'Authorization Violation'\r\n")
    if (isRight) expect(broker.connection(1)?.identity.user).toBe((fields as { user: string }).user)
  })

  it.each([
    [{ auth_token: 'open' }, true],
    [{ auth_token: 'opem' }, false],
    [{ user: 'open' }, false],
  ])('token: %j is %s', (fields, isRight) => {
    const { connect } = brokerBench({ authenticator: new TokenAuthenticator('open') })
    const a = connect(fields)
    a.send('PING')
    expect(a.got()).toBe(isRight ? 'PONG\r\n' : "-ERR 'Authorization Violation'\r\n")
  })

  it('is somebody in particular for who offers nothing, when that is configured', () => {
    const authenticator = new UserPasswordAuthenticator([], { noAuthUser: 'guest' })
    const { broker, connect } = brokerBench({ authenticator })
    connect({}).send('PING')
    expect(broker.connection(1)?.identity.user).toBe('guest')
  })

  it.each(['PING\r\n', 'SUB a 1\r\n', 'PUB a 0\r\n\r\n', 'PUB a 9000000\r\n', 'HPUB a 0 0\r\n\r\n', 'X\r\n'])(
    'refuses %j before CONNECT',
    (text) => {
      const { connect, events } = brokerBench({ authenticator: users })
      const a = connect()
      a.peer.receive(Buffer.from(text))
      expect(a.got()).toBe("-ERR 'Authorization Violation'\r\n")
      expect(events.at(-1)).toBe('closed 1 Authentication Failure')
    },
  )

  it('waits two seconds for CONNECT', () => {
    const { connect, clock, events } = brokerBench({ authenticator: users })
    const quick = connect({ user: 'ann', pass: 's3cret' })
    const slow = connect()
    clock.advance(1_999)
    expect(slow.got()).toBe('')
    clock.advance(1)
    expect(slow.got()).toBe("-ERR 'Authentication Timeout'\r\n")
    expect(events.at(-1)).toBe('closed 2 Authentication Timeout')
    expect(quick.isEnded).toBe(false)
  })

  it('reads on after a verdict that took time, and not before', async () => {
    let decide: (isRight: boolean) => void = () => {}
    const authenticator = {
      authenticate: () =>
        new Promise<{ user: string } | undefined>((resolve) => {
          decide = (isRight) => resolve(isRight ? { user: 'late' } : undefined)
        }),
    }
    const { broker, connect } = brokerBench({ authenticator })
    const a = connect()
    a.send('CONNECT {"verbose":false}', 'SUB a 1', 'PUB a 1', 'x')
    expect(a.isPaused).toBe(true)
    a.send('PING')
    expect(a.got()).toBe('')
    decide(true)
    await Promise.resolve()
    await Promise.resolve()
    expect(a.got()).toBe('MSG a 1 1\r\nx\r\nPONG\r\n')
    expect(a.isPaused).toBe(false)
    expect(broker.connection(1)?.identity.user).toBe('late')
    const b = connect()
    b.send('CONNECT {"verbose":false}', 'PUB a 1', 'x')
    decide(false)
    await Promise.resolve()
    await Promise.resolve()
    expect(b.got()).toBe("-ERR 'Authorization Violation'\r\n")
    expect(a.got()).toBe('')
  })
})

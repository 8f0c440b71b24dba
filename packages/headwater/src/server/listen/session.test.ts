/** Sessions on real sockets, read both ways that a socket can be read: into the arena, and by `data` events. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startBroker, type TestBroker } from './start-broker.case.ts'

describe.each([
  ['into the arena', false],
  ['by data events', true],
])('a session, read %s', (_, plainReads) => {
  let server: TestBroker
  beforeEach(async () => {
    server = await startBroker({ plainReads })
  })
  afterEach(() => server.close())

  it('greets with INFO', async () => {
    const client = await server.client()
    expect(client.info).toMatchObject({
      version: '2.10.29',
      proto: 1,
      headers: true,
      max_payload: 1048576,
      host: '127.0.0.1',
      port: server.port,
      client_ip: '127.0.0.1',
    })
    expect(client.info.server_id).toMatch(/^N[A-Z2-7]{55}$/)
    expect(client.info.auth_required).toBeUndefined()
  })

  it('is verbose and pedantic for who never sent CONNECT', async () => {
    const client = await server.client()
    client.send('SUB foo 1', 'PUB foo 5', 'hello', 'PUB foo.* 0', '', 'PING')
    await client.expect('+OK', '+OK', 'MSG foo 1 5', 'hello', "-ERR 'Invalid Publish Subject'", '+OK', 'PONG')
  })

  it('sends a second INFO after the first PONG, and only then', async () => {
    const client = await server.client({ protocol: 1 })
    client.send('PING')
    await client.expect('PONG')
    expect(JSON.parse((await client.line()).slice(5))).toMatchObject({ connect_info: true, remote_account: '$G' })
    await client.expectNothing()
    const old = await server.client({ protocol: 0 })
    old.send('PING', 'PING')
    await old.expect('PONG', 'PONG')
  })

  it('delivers with reply, by wildcards, in order', async () => {
    const a = await server.client({})
    const b = await server.client({})
    a.send('SUB orders.* 1', 'SUB orders.> 22', 'SUB other 3')
    await a.expectNothing()
    b.send('PUB orders.new inbox.1 5', 'hello', 'PUB orders.new.eu 0', '', 'PUB orders 1', 'x')
    await b.expectNothing()
    const got = [await a.line(), await a.line(), await a.line(), await a.line()]
    expect(got.sort()).toEqual(['MSG orders.new 1 inbox.1 5', 'MSG orders.new 22 inbox.1 5', 'hello', 'hello'])
    await a.expect('MSG orders.new.eu 22 0', '')
    await a.expectNothing()
  })

  it('takes any case, blanks, tabs and a bare line feed', async () => {
    const client = await server.client({})
    client.write(Buffer.from('sub   a\t\tb   c\r\npub a 2\nhi\r\nPuB\ta\tr \t 2 \r\nho\r\nping\n'))
    await client.expect('MSG a c 2', 'hi', 'MSG a c r 2', 'ho', 'PONG')
  })

  it('keeps the old subscription when a sid comes twice', async () => {
    const client = await server.client({})
    client.send('SUB a 1', 'SUB b 1', 'PUB a 0', '', 'PUB b 0', '')
    await client.expect('MSG a 1 0', '')
    await client.expectNothing()
  })

  it('ends a subscription after its maximum, counted since SUB', async () => {
    const client = await server.client({})
    client.send('SUB a 1', 'PUB a 0', '', 'PUB a 0', '', 'UNSUB 1 3', 'PUB a 0', '', 'PUB a 0', '')
    await client.expect('MSG a 1 0', '', 'MSG a 1 0', '', 'MSG a 1 0', '')
    await client.expectNothing()
    client.send('SUB a 1', 'PUB a 0', '', 'UNSUB 1 1', 'PUB a 0', '', 'UNSUB 77', 'UNSUB 77 5')
    await client.expect('MSG a 1 0', '')
    await client.expectNothing()
  })

  it('does not echo when asked not to, not even to a queue group', async () => {
    const client = await server.client({ echo: false })
    const other = await server.client({})
    client.send('SUB a 1', 'SUB a q 2')
    await client.expectNothing()
    client.send('PUB a 0', '')
    await client.expectNothing()
    other.send('PUB a 1', 'x')
    await client.bytes('MSG a 1 1\r\nx\r\nMSG a 2 1\r\nx\r\n'.length)
  })

  it('gives each message to one member of each queue group', async () => {
    const a = await server.client({})
    const b = await server.client({})
    a.send('SUB jobs workers 1', 'SUB jobs audit 2')
    b.send('SUB jobs workers 1')
    await a.expectNothing()
    await b.expectNothing()
    const publisher = await server.client({})
    for (let i = 0; i < 200; i++) publisher.send('PUB jobs 1', 'x')
    await publisher.expectNothing()
    await a.expectNothing().catch(() => {})
    const delivered = (id: unknown): Map<string, number> =>
      new Map(
        [...server.broker.connection(Number(id))!.subscriptions.values()].map((s) => [s.queue as string, s.delivered]),
      )
    const ofA = delivered(a.info.client_id)
    const ofB = delivered(b.info.client_id)
    expect(ofA.get('audit')).toBe(200)
    expect(ofA.get('workers')! + ofB.get('workers')!).toBe(200)
    expect(ofA.get('workers')).toBeGreaterThan(40)
    expect(ofB.get('workers')).toBeGreaterThan(40)
  })

  it('passes headers on, and strips them for who has none', async () => {
    const a = await server.client({ headers: true })
    const b = await server.client({ headers: false })
    a.send('SUB h 1')
    b.send('SUB h 1')
    await a.expectNothing()
    await b.expectNothing()
    a.send(
      'HPUB h 18 20',
      'NATS/1.0\r\nA: b\r\n\r\nhi',
      'HPUB h r 18 18',
      'NATS/1.0\r\nA: b\r\n\r\n',
      'HPUB h 0 2',
      'ho',
    )
    await a.expect('HMSG h 1 18 20', 'NATS/1.0', 'A: b', '', 'hi', 'HMSG h 1 r 18 18', 'NATS/1.0', 'A: b', '', '')
    await a.expect('MSG h 1 2', 'ho')
    await b.expect('MSG h 1 2', 'hi', 'MSG h 1 r 0', '', 'MSG h 1 2', 'ho')
    b.send('HPUB h 18 20', 'NATS/1.0\r\nA: b\r\n\r\nhi')
    await b.expectClosed()
  })

  it('answers 503 to a request that nobody gets, on a plain subscription of the requester', async () => {
    const client = await server.client({ headers: true, no_responders: true })
    client.send('SUB in.* 7', 'SUB q group 8', 'PUB nobody in.1 2', 'hi', 'PUB nobody 0', '', 'PUB nobody q 0', '')
    await client.expect('HMSG in.1 7 38 38', 'NATS/1.0 503', 'Nats-Subject: nobody', '', '')
    await client.expectNothing()
    const other = await server.client({ headers: true })
    other.send('SUB in.* 7', 'PUB nobody in.1 2', 'hi')
    await other.expectNothing()
  })

  it('matches nothing with an empty token, and a published wildcard only as text', async () => {
    const client = await server.client({})
    client.send('SUB foo.*.bar 1', 'SUB foo.> 2', 'SUB foo.baz 3')
    client.send('PUB foo..bar 0', '', 'PUB foo.x. 0', '', 'PUB foo.* 0', '')
    await client.expect('MSG foo.* 2 0', '')
    await client.expectNothing()
  })

  it('keeps any bytes of subjects, sids and payloads', async () => {
    const client = await server.client({})
    client.send('SUB \xc3\xa9.\xff \x80id', 'PUB \xc3\xa9.\xff 8', '\r\n\x00\xff\r\nPU')
    await client.expect('MSG \xc3\xa9.\xff \x80id 8', '\r\n\x00\xff\r\nPU')
  })

  it('starts afresh with a second CONNECT', async () => {
    const client = await server.client({})
    client.send('SUB a 1', 'CONNECT {"verbose":true}', 'PUB a 0', '')
    await client.expect('+OK', '+OK')
    client.send('SUB a 2', 'PUB a 0', '')
    await client.expect('+OK', '+OK', 'MSG a 2 0', '')
  })
})

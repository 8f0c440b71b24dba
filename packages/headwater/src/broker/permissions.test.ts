import { afterEach, describe, expect, it } from 'vitest'
import { UserPasswordAuthenticator } from './auth/user-password.ts'
import { PermissionSet, type Permissions } from './permissions.ts'
import { type BrokerBench, type Pipe, brokerBench as start } from './pipe.case.ts'
import { Responses } from './responses.ts'

describe('PermissionSet', () => {
  const set = new PermissionSet({
    publish: { allow: ['a.>', 'b'], deny: ['a.secret.*'] },
    subscribe: { allow: ['a.*', 'q.> workers', 'w w.*', 'd.>'], deny: ['a.private', 'a.q jobs', 'd.*'] },
  })

  it.each([
    ['a.x', true],
    ['b', true],
    ['c', false],
    ['a', false],
    ['a.secret.x', false],
    ['a.secret.x.y', true],
  ])('publish to %j: %s', (subject, may) => {
    expect(set.mayPublish(subject)).toBe(may)
    expect(set.mayPublish(subject)).toBe(may)
  })

  it.each([
    ['a.x', undefined, true],
    ['a.*', undefined, true],
    ['a.>', undefined, false],
    ['d.>', undefined, false],
    ['d.*.*', undefined, true],
    ['a.private', undefined, false],
    ['a.private', 'any', false],
    ['a.q', undefined, true],
    ['a.q', 'jobs', false],
    ['a.q', 'other', true],
    ['q.x', undefined, false],
    ['q.x', 'workers', true],
    ['q.x', 'others', false],
    ['w', 'w.1', true],
    ['w', 'w.1.2', false],
  ])('subscribe to %j in queue %j: %s', (subject, queue, may) => {
    expect(set.maySubscribe(subject, queue)).toBe(may)
  })

  it('allows everything that no list names', () => {
    const open = new PermissionSet({})
    expect([open.mayPublish('x'), open.maySubscribe('>', undefined)]).toEqual([true, true])
    const nothing = new PermissionSet({ publish: { allow: [] }, subscribe: { allow: [] } })
    expect([nothing.mayPublish('x'), nothing.maySubscribe('x', undefined)]).toEqual([false, false])
  })

  it('bounds what it remembers', () => {
    const verdicts = new Set(Array.from({ length: 10_000 }, (_, i) => set.mayPublish(`a.${i}`)))
    expect([...verdicts]).toEqual([true])
    expect(set.mayPublish('a.secret.x')).toBe(false)
  })
})

describe('a restricted user', () => {
  let bench: BrokerBench
  afterEach(() => bench.end())

  function connect(permissions: Permissions, fields = {}): { restricted: Pipe; free: Pipe } {
    bench = start({
      authenticator: new UserPasswordAuthenticator([
        { user: 'r', password: 'r', permissions },
        { user: 'f', password: 'f' },
      ]),
    })
    return {
      restricted: bench.connect({ user: 'r', pass: 'r', ...fields }),
      free: bench.connect({ user: 'f', pass: 'f' }),
    }
  }

  it('is told what it may not do, and goes on', () => {
    const { restricted, free } = connect({ publish: { allow: ['ok'] }, subscribe: { deny: ['no.>'] } })
    free.send('SUB > 1')
    restricted.send('PUB no 0', '', 'PUB ok 0', '', 'SUB no.x 1', 'SUB no.x q 2', 'SUB yes 3', 'PING')
    expect(restricted.got()).toBe(
      `-ERR 'Permissions Violation for Publish to "no"'\r\n` +
        `-ERR 'Permissions Violation for Subscription to "no.x"'\r\n` +
        `-ERR 'Permissions Violation for Subscription to "no.x" using queue "q"'\r\nPONG\r\n`,
    )
    expect(free.got()).toBe('MSG ok 1 0\r\n\r\n')
  })

  it('gets no +OK for what was denied', () => {
    const { restricted } = connect({ publish: { deny: ['no'] } }, { verbose: true })
    restricted.send('PUB no 0', '', 'PUB yes 0', '')
    expect(restricted.got()).toBe(`+OK\r\n-ERR 'Permissions Violation for Publish to "no"'\r\n+OK\r\n`)
  })

  it('does not get what is denied through a wider subscription', () => {
    const { restricted, free } = connect({ subscribe: { deny: ['a.secret', 'b.*'] } })
    restricted.send('SUB a.* 1', 'SUB > 2', 'SUB a.* q 3')
    free.send('SUB a.* q 9')
    free.send('PUB a.secret 1', 's', 'PUB b.x 1', 'b', 'PUB a.open 1', 'o')
    expect(free.got()).toContain('MSG a.secret 9 1\r\ns\r\n')
    const got = restricted.got()
    expect(got).toContain('MSG a.open 1 1\r\no\r\n')
    expect(got).toContain('MSG a.open 2 1\r\no\r\n')
    expect(got).not.toContain('secret')
    expect(got).not.toContain('b.x')
  })

  it('may answer what it was asked, once and in time, and nothing else', () => {
    const { restricted, free } = connect({ allowResponses: {} })
    free.send('SUB in.> 9')
    restricted.send('SUB ask 1', 'PUB in.0 0', '')
    expect(restricted.got()).toBe(`-ERR 'Permissions Violation for Publish to "in.0"'\r\n`)
    free.send('PUB ask in.1 0', '', 'PUB ask in.2 0', '', 'PUB ask 0', '')
    restricted.got()
    restricted.send('PUB in.1 1', 'a', 'PUB in.1 1', 'b', 'PUB in.3 1', 'c')
    expect(restricted.got()).toBe(
      `-ERR 'Permissions Violation for Publish to "in.1"'\r\n-ERR 'Permissions Violation for Publish to "in.3"'\r\n`,
    )
    bench.clock.advance(120_000)
    restricted.got()
    restricted.send('PUB in.2 4', 'late')
    expect(restricted.got()).toContain('Permissions Violation')
    expect(free.got().replaceAll('PING\r\n', '')).toBe('MSG in.1 9 1\r\na\r\n')
  })

  it('may answer besides what it may publish, as often as is said', () => {
    const { restricted, free } = connect({ publish: { allow: ['own'] }, allowResponses: { max: 2, expiresMs: 10 } })
    free.send('SUB in 9')
    restricted.send('SUB ask q 1', 'PUB own 0', '')
    free.send('PUB ask in 0', '')
    restricted.got()
    restricted.send('PUB in 1', 'a', 'PUB in 1', 'b')
    expect(restricted.got()).toBe('')
    restricted.send('PUB in 1', 'c')
    expect(restricted.got()).toContain('Permissions Violation')
    expect(free.got()).toBe('MSG in 9 1\r\na\r\nMSG in 9 1\r\nb\r\n')
  })
})

describe('Responses', () => {
  it('are bounded: the oldest request is forgotten first', () => {
    const responses = new Responses({ max: -1 })
    for (let i = 0; i < 5_000; i++) responses.asked(`r${i}`, i)
    expect(responses.mayAnswer('r0', 5_000)).toBe(false)
    expect(responses.mayAnswer('r903', 5_000)).toBe(false)
    for (let i = 0; i < 10; i++) expect(responses.mayAnswer('r904', 5_000)).toBe(true)
    expect(responses.mayAnswer('r4999', 124_998)).toBe(true)
    expect(responses.mayAnswer('r4999', 124_999)).toBe(false)
  })
})

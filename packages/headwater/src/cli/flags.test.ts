import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { VERSION } from '../server/version.ts'
import { commandOf } from './flags.ts'
import { helpText, versionText } from './help.ts'
import { lineLogger } from './log-lines.ts'

const serve = (line: string) => commandOf(line === '' ? [] : line.split(' '))

test('nothing: 4222, data in the folder, JetStream as it comes', () => {
  expect(serve('')).toEqual({
    what: 'serve',
    options: { port: 4222, data: './headwater-data' },
    pidFile: undefined,
    logLevel: 'info',
  })
})

test.each([
  [
    '-a 0.0.0.0 -p 4223 -n one -m 8222 -js -sd x',
    { host: '0.0.0.0', port: 4223, serverName: 'one', monitor: 8222, jetstream: true, data: 'x' },
  ],
  [
    '--addr ::1 --port=0 --server_name one --http_port 0 --jetstream --store_dir x',
    { host: '::1', port: 0, serverName: 'one', monitor: 0, jetstream: true, data: 'x' },
  ],
  ['-port 1 --js=false --net h', { port: 1, jetstream: false, host: 'h' }],
  ['--sync never', { sync: 'never' }],
  ['-sync 500', { sync: 500 }],
  ['--scrub 65536', { scrub: 65_536 }],
  ['--scrub off', { scrub: false }],
  ['--user a --pass b', { users: [{ user: 'a', pass: 'b' }] }],
  ['--auth t', { token: 't' }],
  ['-sd memory', { data: 'memory' }],
])('%s', (line, options) => {
  expect(serve(line)).toMatchObject({ what: 'serve', options })
})

test.each([
  ['-D', 'debug'],
  ['-V', 'trace'],
  ['-DV', 'trace'],
  ['--debug --trace', 'trace'],
])('%s logs at %s', (line, logLevel) => {
  expect(serve(line)).toMatchObject({ logLevel })
})

test('a pid file', () => {
  expect(serve('-P run.pid')).toMatchObject({ pidFile: 'run.pid' })
})

test.each([
  ['--prot 4', '--prot is not a flag', 'headwater --help'],
  ['-p', '-p needs <port>', 'headwater --help'],
  ['-p abc', '-p must be a whole number from 0 to 65535, or false, not "abc"', 'Where NATS clients connect'],
  ['-p 70000', '-p must be', ''],
  ['--sync often', '-sync must be "always" or "never"', 'When an acknowledged message'],
  ['--user a', '--user alone lets nobody in', 'together'],
  ['--user a --pass b --auth c', 'exclude each other', ''],
  ['-js=maybe', '-js takes no value', ''],
  ['-c nats.conf', '-c is a flag of nats-server that is not supported here', 'Configuration files come later'],
  ['--cluster nats://x', '--cluster is a flag of nats-server', 'NATS cluster'],
  ['--routes=nats://x', '--routes is a flag', ''],
  ['--tls', '--tls is a flag of nats-server', 'TLS comes later'],
  ['-sl stop', '-sl is a flag of nats-server', 'kill -INT'],
  ['backup x', 'headwater backup is not there yet', ''],
  ['nonsense', '"nonsense" is not a command', ''],
])('%s is refused, with the next step', (line, message, hint) => {
  const command = serve(line)
  expect(command).toMatchObject({ what: 'wrong' })
  if (command.what !== 'wrong') return
  expect(command.message).toContain(message)
  expect(command.hint).toContain(hint)
})

test.each(['-v', '--version', 'version', '-p 5 -v'])('%s is the version', (line) => {
  expect(serve(line)).toEqual({ what: 'version' })
})

test('help names every flag', () => {
  expect(serve('-h')).toEqual({ what: 'help' })
  for (const flag of [
    '-p, --port <port>',
    '-sd, --store_dir',
    '--sync <always|never|ms>',
    '-js, --jetstream',
    '--auth <token>',
  ])
    expect(helpText()).toContain(flag)
})

test("the version is the package's", () => {
  const manifest = fileURLToPath(new URL('../../package.json', import.meta.url))
  expect((JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version).toBe(VERSION)
  expect(versionText()).toMatch(/^headwater \d+\.\d+\.\d+ \(speaks NATS 2\.10\.\d+\)$/)
})

test('a log line stays one line, whatever a peer called itself', () => {
  const lines: string[] = []
  const clock = { now: () => 1_767_225_600_123.4, after: () => ({ cancel: () => {} }) }
  const logger = lineLogger('info', clock, (line) => lines.push(line))
  logger.debug({}, 'not said')
  logger.warn({ name: 'evil\n[1] [INF] forged', port: 4222, error: new Error('bad thing') }, 'slow consumer')
  expect(lines).toEqual([
    `[${process.pid}] 2026/01/01 00:00:00.123 [WRN] slow consumer name="evil\\n[1] [INF] forged" port=4222 error="bad thing"\n`,
  ])
})

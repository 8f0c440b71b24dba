/** The built package, as its users load it: with import, with require, in one process. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** Runs a script beside the workspace's node_modules; what it prints as JSON. */
function run(name: string, script: string, flags: string[] = []): unknown {
  const folder = mkdtempSync(join(root, 'node_modules', '.headwater-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, name), script)
  return JSON.parse(
    execFileSync(process.execPath, [...flags, join(folder, name)], { encoding: 'utf8', timeout: 60_000 }),
  )
}

const START = `
  const hw = await Headwater.start()
  const nc = await hw.connect()
  nc.subscribe('a', { callback: (_e, m) => m.respond('b') })
  const answer = (await nc.request('a')).string()
  await hw.close()
`

test('import starts a server, and every entry loads', () => {
  const script = `
    import { Headwater, HeadwaterError } from 'headwater'
    import { startTest } from 'headwater/testing'
    import { withDeadLetter } from '@headwater/kit'
    ${START}
    console.log(JSON.stringify([answer, typeof HeadwaterError, typeof startTest, typeof withDeadLetter]))`
  expect(run('user.mjs', script)).toEqual(['b', 'function', 'function', 'function'])
})

test('require starts a server, and gives the same class as import', () => {
  const script = `
    const { Headwater } = require('headwater')
    const { startTest } = require('headwater/testing')
    const { startDeadLetterRelay } = require('@headwater/kit')
    void (async () => {
      ${START}
      const imported = await import('headwater')
      console.log(JSON.stringify([answer, imported.Headwater === Headwater, typeof startTest, typeof startDeadLetterRelay]))
    })()`
  expect(run('user.cjs', script)).toEqual(['b', true, 'function', 'function'])
})

test('the CommonJS files serve loaders that cannot require an ES module, as Jest', () => {
  const cjs = join(root, 'packages/headwater/dist-cjs/server/index.js')
  const script = `
    const { Headwater } = require(${JSON.stringify(cjs)})
    void (async () => {
      ${START}
      console.log(JSON.stringify(answer))
    })()`
  expect(run('user.cjs', script)).toBe('b')
})

test.each(['headwater', 'kit'])('types are shipped for every entry of %s', (name) => {
  const folder = join(root, 'packages', name)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    types: string
    exports: Record<string, Record<string, string> | string>
  }
  expect(existsSync(join(folder, manifest.types))).toBe(true)
  for (const entry of Object.values(manifest.exports)) {
    if (typeof entry === 'string') continue
    for (const file of [entry['module-sync'], entry.default]) {
      expect(existsSync(join(folder, file)), file).toBe(true)
      expect(existsSync(join(folder, file.replace(/\.js$/, '.d.ts'))), `types of ${file}`).toBe(true)
    }
  }
})

test('a user compiles against the types, from ES modules and CommonJS', () => {
  const folder = mkdtempSync(join(root, 'node_modules', '.headwater-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const source = `
    import { Headwater, type HeadwaterOptions } from 'headwater'
    import { startTest } from 'headwater/testing'
    import { withDeadLetter } from '@headwater/kit'
    const options: HeadwaterOptions = { data: './data', sync: 'always', limits: { maxPayloadBytes: 5 } }
    export async function main(): Promise<string> {
      await using hw = await Headwater.start(options)
      hw.on('deadLetter', (letter) => letter.streamSeq.toFixed())
      // @ts-expect-error: an option that does not exist
      await Headwater.start({ prot: 4222 })
      const config = withDeadLetter('dead', { durable_name: 'a' as const })
      return \`\${hw.url} \${config.durable_name} \${config.metadata['x']} \${(await startTest()).now().toISOString()}\`
    }`
  writeFileSync(join(folder, 'user.mts'), source)
  writeFileSync(join(folder, 'user.cts'), source)
  const options = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
  }
  const lib = ['ES2022', 'ESNext.Disposable']
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...options, lib, skipLibCheck: true } }),
  )
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'pipe' })
})

test('the package can be packed, and what it holds is what it should', () => {
  const cache = mkdtempSync(join(tmpdir(), 'headwater-pack-'))
  onTestFinished(() => rmSync(cache, { recursive: true, force: true }))
  const shell = process.platform === 'win32'
  const arguments_ = ['pack', '--dry-run', '--json', '--ignore-scripts', '--cache', cache]
  const output = execFileSync('npm', arguments_, {
    cwd: join(root, 'packages/headwater'),
    encoding: 'utf8',
    shell,
    stdio: 'pipe',
  })
  const parsed = JSON.parse(output) as { files: { path: string }[] }[] | Record<string, { files: { path: string }[] }>
  const paths = Object.values(parsed)[0].files.map((file) => file.path)
  expect(paths).toEqual(
    expect.arrayContaining([
      'bin/headwater.mjs',
      'dist/server/index.js',
      'dist-cjs/package.json',
      'src/server/index.ts',
    ]),
  )
  expect(paths.filter((path) => /\.(test|bench|fuzz|case)\./.test(path))).toEqual([])
})

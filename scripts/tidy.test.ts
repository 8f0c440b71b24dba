/** The house rules, read to every file. Each failure is one line: the place, what is wrong, what to do instead. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { everyPath, ROOT, type SourceFile, type SyntaxNode, sourceFiles } from './source-tree.ts'
import { idleTests, MODULE_RULES, NAME_RULES, undocumented, usesOf } from './tidy-rules.ts'

const SOURCES = 'packages/headwater/src/'
const LINES_MAX = 400

/** Files that are longer than LINES_MAX, with the length that they may not pass: it only ever goes down. */
const LONG_FILES: Record<string, number> = {}

/** Module-level state, with its reason. */
const MODULE_STATE: Record<string, string> = {
  'broker/arena.ts': 'the one arena that all connections of the process share',
}

const files = sourceFiles()
const shipped = files.filter((file) => /^packages\/[^/]+\/src\//.test(file.path) && !file.isTest)
const broker = shipped.filter((file) => file.path.startsWith(SOURCES))
const inner = (file: SourceFile): string => file.path.slice(SOURCES.length)
const at = (file: SourceFile, position: number): string => `${file.path}:${file.lineAt(position)}`

describe('house rules', () => {
  test.each(NAME_RULES.map((rule) => [rule.names.join(', '), rule] as const))('%s has one home', (_names, rule) => {
    const faults = broker
      .filter((file) => !rule.home.includes(inner(file)))
      .flatMap((file) => usesOf(file, rule.names).map((use) => `${at(file, use.at)} ${use.name}: ${rule.instead}`))
    expect(faults).toEqual([])
  })

  test.each(MODULE_RULES.map((rule) => [String(rule.modules), rule] as const))('%s has one home', (_modules, rule) => {
    const faults = broker
      .filter((file) => !rule.home.includes(inner(file)))
      .flatMap((file) =>
        file.imports
          .filter((one) => rule.modules.test(one.from) && !one.typeOnly)
          .map((one) => `${file.path}:${one.line} ${one.from}: ${rule.instead}`),
      )
    expect(faults).toEqual([])
  })

  test('every test runs', () => {
    const faults = files.flatMap((file) =>
      idleTests(file).map((use) => `${at(file, use.at)} ${use.name}: fix it or delete it; test.skipIf may say why`),
    )
    expect(faults).toEqual([])
  })

  test('no test sleeps', () => {
    const tests = files.filter((file) => /^packages\/.*\.test\.ts$/.test(file.path))
    const faults = tests.flatMap((file) => [
      ...usesOf(file, ['setTimeout', 'setInterval']).map((use) => at(file, use.at)),
      ...file.imports.filter((one) => one.from.startsWith('node:timers')).map((one) => `${file.path}:${one.line}`),
    ])
    expect(faults, 'move the clock, or await the event').toEqual([])
  })

  test('nothing is left to be done', () => {
    const faults = files.flatMap((file) =>
      file.comments
        .filter((comment) => /\b(TODO|FIXME|XXX|HACK)\b/.test(comment.value))
        .map((comment) => `${at(file, comment.start)} do it, or file an issue`),
    )
    expect(faults).toEqual([])
  })

  test(`no file passes ${LINES_MAX} lines`, () => {
    const faults = files.flatMap((file) => {
      const ceiling = LONG_FILES[file.path] ?? LINES_MAX
      if (file.lines > ceiling)
        return [`${file.path} has ${file.lines} lines, ${ceiling} is its ceiling: find the split`]
      const loose = file.path in LONG_FILES && file.lines < ceiling - 20
      return loose ? [`${file.path} has only ${file.lines} lines: lower its ceiling in LONG_FILES`] : []
    })
    expect([...faults, ...Object.keys(LONG_FILES).filter((path) => !files.some((f) => f.path === path))]).toEqual([])
  })

  test('a file opens with its one job', () => {
    const faults = shipped
      .filter((file) => !/^(#!.*\n)?\/\*\*/.test(file.text))
      .map((file) => `${file.path} needs a doc comment at its head: its one job, in a sentence`)
    expect(faults).toEqual([])
  })

  test('exported symbols have a docstring', () => {
    const faults = shipped.flatMap((file) =>
      undocumented(file).map((one) => `${at(file, one.at)} ${one.name}: what it does, types and units, what it throws`),
    )
    expect(faults).toEqual([])
  })

  test('modules hold no state, and load with require', () => {
    const faults = shipped.flatMap((file) => {
      const state = file.body.filter((node) => isMutable(node) && !(inner(file) in MODULE_STATE))
      const isCli = inner(file).startsWith('cli/')
      return [
        ...state.map(
          (node) => `${at(file, node.start)} module-level state: several servers share a process; pass it down`,
        ),
        ...(file.usesImportMeta && !isCli ? [`${file.path} import.meta does not compile to CommonJS`] : []),
      ]
    })
    expect(faults).toEqual([])
  })

  test('no path of one machine, no registry address', () => {
    const machine = /(^|[\s"'`(=])\/(?:work|root|home\/\w+|Users\/\w+|opt\/judge)\b/
    const registry = /https?:\/\/(?:registry\.|npm\.|[\w.-]*(?:artifactory|verdaccio|nexus))/
    const faults = everyPath().flatMap((path) => {
      if (/\.(png|jpg|wasm|gz|bin)$/.test(path)) return []
      const lines = readFileSync(join(ROOT, path), 'utf8').split('\n')
      return lines.flatMap((line, index) =>
        machine.test(line) || registry.test(line) ? [`${path}:${index + 1} ${line.trim().slice(0, 80)}`] : [],
      )
    })
    expect(faults).toEqual([])
  })

  test('the lock file holds no addresses', () => {
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
    const addresses = lock.match(/"resolved": "(https?|git)[^"]*"/g) ?? []
    expect(addresses, 'keep omit-lockfile-registry-resolved=true in .npmrc and run npm install').toEqual([])
  })
})

function isMutable(node: SyntaxNode): boolean {
  const declaration = node.type === 'ExportNamedDeclaration' ? (node.declaration as SyntaxNode | null) : node
  return declaration?.type === 'VariableDeclaration' && declaration.kind !== 'const' && declaration.declare !== true
}

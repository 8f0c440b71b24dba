/** The house rules that a test can hold: what is forbidden, where it lives instead, and what to do. One row a rule. */
import { type SourceFile, type SyntaxNode, visit } from './source-tree.ts'

/** A rule over the names that a file uses. */
export interface NameRule {
  /** As written in code: `Date.now`, `setTimeout`, `new Date()` (without arguments). */
  readonly names: readonly string[]
  /** The files that may, below packages/headwater/src. */
  readonly home: readonly string[]
  readonly instead: string
}

/** Hold in packages/headwater/src, outside tests. */
export const NAME_RULES: readonly NameRule[] = [
  {
    names: ['Date.now', 'new Date()', 'performance.now', 'process.hrtime'],
    home: ['base/clock.ts'],
    instead: 'use clock.now(), so that a test owns time',
  },
  {
    names: ['setTimeout', 'setInterval'],
    home: ['base/clock.ts'],
    instead: 'use clock.after(ms, fire), so that a test owns time',
  },
  {
    names: ['setImmediate', 'process.nextTick'],
    home: ['base/clock.ts'],
    instead: 'use turn.atEnd(end), so that the simulation owns turns',
  },
  {
    names: ['Math.random', 'crypto.randomUUID', 'crypto.getRandomValues'],
    home: ['base/random.ts'],
    instead: 'use random.below or random.bytes, so that a seed can replay it',
  },
  {
    names: ['process.exit'],
    home: ['cli/main.ts'],
    instead: 'a library never ends its host: throw a HeadwaterError, or set process.exitCode in cli',
  },
  {
    names: ['console.log', 'console.error', 'console.warn', 'console.info'],
    home: [],
    instead: 'use the Logger that the constructor took; cli writes to process.stdout',
  },
]

/** Modules with one home each; hold in packages/headwater/src, outside tests. */
export const MODULE_RULES: readonly { modules: RegExp; home: readonly string[]; instead: string }[] = [
  {
    modules: /^node:fs(\/promises)?$/,
    home: ['base/node-fs.ts'],
    instead: 'take a FileSystem (base/fs.ts) in the constructor, so that the simulated disk fits',
  },
  {
    modules: /^node:net$/,
    home: ['server/listen/tcp.ts', 'base/node-lock.ts'],
    instead: 'take a Transport (broker/transport.ts)',
  },
  { modules: /^node:https?$/, home: ['monitor/http.ts'], instead: 'add a row to the table of monitor/http.ts' },
  { modules: /^node:timers/, home: ['base/clock.ts'], instead: 'use clock.after(ms, fire)' },
  { modules: /^(?!node:)(fs|net|crypto|path|os|http|timers|util|events)(\/.*)?$/, home: [], instead: 'write node:' },
]

/** Every use of a forbidden name, as `name` and position. A property of another object is not one; a shadowed global would be. */
export function usesOf(file: Pick<SourceFile, 'body'>, names: readonly string[]): { name: string; at: number }[] {
  const uses: { name: string; at: number }[] = []
  const see = (name: string, at: number): void => {
    if (names.includes(name)) uses.push({ name, at })
  }
  visit(file.body, (node) => {
    if (node.type === 'MemberExpression' && node.computed === false) {
      const { object, property } = node as unknown as { object: SyntaxNode; property: SyntaxNode }
      if (object.type === 'Identifier') see(`${String(object.name)}.${String(property.name)}`, node.start)
      if (object.type === 'Identifier' && object.name === 'globalThis') see(String(property.name), node.start)
    } else if (node.type === 'NewExpression') {
      const { callee, arguments: given } = node as unknown as { callee: SyntaxNode; arguments: unknown[] }
      if (callee.type === 'Identifier' && given.length === 0) see(`new ${String(callee.name)}()`, node.start)
    } else if (node.type === 'CallExpression') {
      const { callee, arguments: given } = node as unknown as { callee: SyntaxNode; arguments: SyntaxNode[] }
      for (const one of [callee, ...given]) if (one.type === 'Identifier') see(String(one.name), one.start)
    }
  })
  return uses
}

/** Tests that would not run, or would keep others from running: `test.only`, `describe.skip`, `it.todo`, `xit`. */
export function idleTests(file: Pick<SourceFile, 'body'>): { name: string; at: number }[] {
  const runners = ['test', 'it', 'describe', 'bench', 'suite']
  const idle = runners.flatMap((runner) => ['only', 'skip', 'todo', 'fails'].map((mode) => `${runner}.${mode}`))
  return usesOf(file, [...idle, 'xit', 'fit', 'xtest', 'xdescribe', 'fdescribe'])
}

/**
 * Exported symbols without a docstring. The file's opening comment speaks for the first export, for the one that the file is
 * named after, and for the only class; a documented constant or type speaks for those that follow it line by line.
 */
export function undocumented(
  file: Pick<SourceFile, 'path' | 'body' | 'comments' | 'text'>,
): { name: string; at: number }[] {
  const missing: { name: string; at: number }[] = []
  const named = (file.path.split('/').at(-1) ?? '').replace(/\..*$/, '').replaceAll('-', '')
  const classes = file.body.filter((node) => (node.declaration as SyntaxNode | undefined)?.type === 'ClassDeclaration')
  let first = true
  let documentedUntil = -1
  for (const node of file.body) {
    const declaration = node.type === 'ExportNamedDeclaration' ? (node.declaration as SyntaxNode | null) : null
    if (declaration === null) continue
    const name = nameOf(declaration)
    const hasDoc = file.comments.some(
      (comment) =>
        comment.value.startsWith('*') &&
        comment.end <= node.start &&
        file.text.slice(comment.end, node.start).trim() === '',
    )
    const isSmall = /^(VariableDeclaration|TSTypeAliasDeclaration)$/.test(declaration.type)
    const follows = isSmall && documentedUntil >= 0 && /^\n?$/.test(file.text.slice(documentedUntil, node.start))
    if (hasDoc || follows) documentedUntil = node.end
    else if (!first && name.toLowerCase() !== named && !(classes.length === 1 && classes[0] === node))
      missing.push({ name, at: node.start })
    first = false
  }
  return missing
}

function nameOf(declaration: SyntaxNode): string {
  if (declaration.type === 'VariableDeclaration') {
    const [one] = declaration.declarations as SyntaxNode[]
    return String((one.id as SyntaxNode).name)
  }
  return String((declaration.id as SyntaxNode | null)?.name)
}

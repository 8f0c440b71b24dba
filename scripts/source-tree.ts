/** The repository's own files, parsed: what the layer and house-rule tests look at. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'vite'

/** The repository's folder. */
export const ROOT: string = dirname(dirname(fileURLToPath(import.meta.url)))

const NOT_OURS = /^(node_modules|dist|dist-cjs|coverage|\.git|\.judge|headwater-data)$/
/** What only tests use, beside `x.case.ts`: left out of the packages (their tsconfigs say so). */
const TEST_HELPERS = /\/src\/jetstream\/testing\//
const SOURCE = /\.(ts|mts|cts|js|mjs|cjs)$/

/** A node of the syntax tree, as far as these tests look. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** One import of a file: where from, whether only its types, and the line. */
export interface Import {
  readonly from: string
  readonly typeOnly: boolean
  readonly line: number
}

/** One source file. Paths are relative to the repository, with `/`. */
export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly lines: number
  readonly isTest: boolean
  readonly imports: readonly Import[]
  readonly comments: readonly { readonly value: string; readonly start: number; readonly end: number }[]
  readonly body: readonly SyntaxNode[]
  readonly usesImportMeta: boolean
  lineAt(position: number): number
}

/** Every file of the repository that is ours, tests and texts included. */
export function everyPath(folder: string = ROOT): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.test(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return everyPath(path)
    return entry.isFile() ? [relative(ROOT, path).split(sep).join('/')] : []
  })
}

/** Every source file, parsed; throws when one is not TypeScript. */
export function sourceFiles(): SourceFile[] {
  return everyPath()
    .filter((path) => SOURCE.test(path))
    .map(parse)
}

/** Visits every node below `nodes`. */
export function visit(nodes: unknown, see: (node: SyntaxNode) => void): void {
  if (Array.isArray(nodes)) {
    for (const node of nodes) visit(node, see)
  } else if (nodes !== null && typeof nodes === 'object') {
    if (typeof (nodes as SyntaxNode).type === 'string') see(nodes as SyntaxNode)
    for (const value of Object.values(nodes)) if (typeof value === 'object') visit(value, see)
  }
}

function parse(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const parsed = parseSync(path, text)
  if (parsed.errors.length > 0) throw new Error(`${path}: ${parsed.errors[0].message}`)
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  const lineAt = (position: number): number => {
    const after = starts.findIndex((start) => start > position)
    return after < 0 ? starts.length : after
  }
  const imports: Import[] = []
  for (const one of parsed.module.staticImports) {
    const typeOnly = /^import\s+type\b/.test(text.slice(one.start, one.end))
    imports.push({ from: one.moduleRequest.value, typeOnly, line: lineAt(one.start) })
  }
  for (const one of parsed.module.staticExports) {
    const from = one.entries.find((entry) => entry.moduleRequest !== null)?.moduleRequest?.value
    const typeOnly = /^export\s+type\b/.test(text.slice(one.start, one.end))
    if (from !== undefined) imports.push({ from, typeOnly, line: lineAt(one.start) })
  }
  for (const one of parsed.module.dynamicImports) {
    const literal = /^['"`]([^'"`$]+)['"`]$/.exec(text.slice(one.moduleRequest.start, one.moduleRequest.end))
    if (literal) imports.push({ from: literal[1], typeOnly: false, line: lineAt(one.start) })
  }
  return {
    path,
    text,
    lines: text.endsWith('\n') ? starts.length - 1 : starts.length,
    isTest: /\.(test|bench|fuzz|case)\.ts$/.test(path) || TEST_HELPERS.test(path),
    imports,
    comments: parsed.comments,
    body: parsed.program.body as unknown as SyntaxNode[],
    usesImportMeta: parsed.module.importMetas.length > 0,
    lineAt,
  }
}

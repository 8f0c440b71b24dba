/** Runs a code block of the article as it is printed: its text, with the addresses of a server that exists. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as jetstream from '@nats-io/jetstream'
import * as transport from '@nats-io/transport-node'
import * as nats from 'nats'
import { transformWithOxc } from 'vite'
import { decoratorHelpers } from './decorator-helpers.ts'

/** What the article imports as `nats`: the client of its time, or its successor in two packages. */
export type ClientVersion = 'nats 2.29' | '@nats-io 3.4'

/** NestJS, as the order flow has it installed. */
const fromOrders = createRequire(new URL('../../orders/package.json', import.meta.url))

/** What a block may import and what it finds in scope. */
export interface Surroundings {
  readonly url: string
  readonly client: ClientVersion
  /** Names that an earlier block, or the reader, is thought to have. */
  readonly given?: Readonly<Record<string, unknown>>
  /** Modules beside the client and NestJS. */
  readonly modules?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** The article's text of a block. */
export function printedText(block: string): string {
  return readFileSync(new URL(`../printed/${block}.txt`, import.meta.url), 'utf8')
}

/**
 * Runs the block as an ES module would run: imports first, then top to bottom. Gives the names that it declares at its top;
 * rejects with what it throws, also for an import that does not exist.
 */
export async function runPrinted(block: string, around: Surroundings): Promise<Record<string, unknown>> {
  fromOrders('reflect-metadata')
  const text = printedText(block).replace(/nats:\/\/nats(-\d)?\.internal:4222/g, around.url)
  const compiled = await transformWithOxc(text, block.replace(/\.js$/, '.ts'), {
    decorator: { legacy: true, emitDecoratorMetadata: true },
    typescript: { onlyRemoveTypeImports: false },
  })
  const names: Record<string, unknown> = { ...around.given }
  const body = compiled.code
    .replace(
      /^import\s+(?:(\w+)|\{([^}]*)\})\s+from\s+["']([^"']+)["'];?$/gm,
      (_line, single, several, from: string) => {
        const module = moduleNamed(from, around)
        for (const name of (several ?? '').split(','))
          if (name.trim()) names[name.trim()] = exported(module, name.trim(), from)
        if (single) names[single] = exported(module, 'default', from)
        return ''
      },
    )
    .replace(/^export\s*\{[^}]*\};?$/gm, '')
    .replace(/^export /gm, '')
  const declared = [...body.matchAll(/^(?:let|const|async function|function|class)\s+(\w+)/gm)].map((match) => match[1])
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<unknown>
  const given = Object.keys(names).filter((name) => !declared.includes(name))
  const run = new AsyncFunction(...given, `"use strict";\n${body}\nreturn { ${[...new Set(declared)].join(', ')} }`)
  return (await run(...given.map((name) => names[name]))) as Record<string, unknown>
}

function moduleNamed(name: string, { client, modules }: Surroundings): object {
  const own = modules?.[name] ?? decoratorHelpers[name]
  if (own) return own
  if (name === 'nats') return client === 'nats 2.29' ? nats : { ...transport, ...jetstream }
  return fromOrders(name) as object
}

/** As Node says it of an ES module. */
function exported(module: object, name: string, from: string): unknown {
  // An import that only types need is gone from the compiled text; what is left must exist.
  if (name in module) return (module as Record<string, unknown>)[name]
  if (name === 'default') return module
  throw new SyntaxError(`The requested module '${from}' does not provide an export named '${name}'`)
}

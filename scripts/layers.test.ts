/** Imports go one way. The tables below are the architecture; the rest of this file reads them to the code. */
import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { everyPath, ROOT, type SourceFile, sourceFiles } from './source-tree.ts'

/** Folders of packages/headwater/src, left to right: a folder imports only from folders to its left. */
const LAYERS = ['base', 'protocol', 'store', 'broker', 'jetstream', 'monitor', 'server', 'cli']

/** To the left, and forbidden all the same. */
const NEVER: Record<string, string[]> = {
  jetstream: ['broker'], // it owns the port jetstream/bus.ts, so that the engine runs without a broker
}

/** The simulated twins ship, for `headwater/testing`; only these may import them (and tests). */
const USE_TWINS = ['base/testing', 'server/testing.ts', 'server/testing']

/** Folders without a runtime dependency: nothing from npm. */
const PURE = ['base', 'protocol', 'store', 'broker', 'jetstream']

/** Beside the package: what each may import of headwater's own sources. Everybody else uses the package by its name. */
const MAY_REACH_INTO: Record<string, string[]> = {
  sim: ['base', 'protocol', 'store', 'jetstream'], // the engine, with no broker and no socket
  bench: ['base', 'protocol', 'store', 'broker', 'jetstream'],
  scripts: ['base', 'protocol', 'store', 'broker', 'jetstream'],
  conformance: ['base', 'protocol'],
}

const SOURCES = 'packages/headwater/src/'

/** What is wrong with the imports of one file, a line each. */
function faultsOf(file: Pick<SourceFile, 'path' | 'isTest' | 'imports'>): string[] {
  return file.imports.flatMap(({ from, line }) => {
    const fault = from.startsWith('.') ? faultOfPath(file, from) : faultOfPackage(file, from)
    return fault === undefined ? [] : [`${file.path}:${line} imports ${from}: ${fault}`]
  })
}

function faultOfPath(file: Pick<SourceFile, 'path' | 'isTest'>, from: string): string | undefined {
  const target = posix.normalize(posix.join(posix.dirname(file.path), from))
  if (target.includes('/dist/')) return 'import the source, or the package by its name'
  if (!target.startsWith(SOURCES)) {
    return packageOf(target) === packageOf(file.path) || !target.startsWith('packages/')
      ? undefined
      : 'another package is imported by its name'
  }
  const inner = target.slice(SOURCES.length)
  const layer = inner.split('/')[0]
  if (!file.path.startsWith(SOURCES)) {
    const own = file.path.split('/')[0]
    if (MAY_REACH_INTO[own]?.includes(layer)) return undefined
    return `${own} may not reach into ${layer}; import 'headwater' or 'headwater/testing'`
  }
  const own = file.path.slice(SOURCES.length)
  const ownLayer = own.split('/')[0]
  if (inner.startsWith('base/testing') && !file.isTest && !USE_TWINS.some((path) => own.startsWith(path)))
    return 'simulated twins are for tests and headwater/testing; take the seam in the constructor'
  if (layer === ownLayer) return undefined
  // A test may look to the right: it puts real parts together.
  if (file.isTest && !NEVER[ownLayer]?.includes(layer)) return undefined
  if (NEVER[ownLayer]?.includes(layer) || LAYERS.indexOf(layer) > LAYERS.indexOf(ownLayer))
    return `${ownLayer} imports ${layer}: layers go left; define a port instead`
  return LAYERS.includes(layer) ? undefined : `${layer} is not in the table of layers`
}

function faultOfPackage(file: Pick<SourceFile, 'path' | 'isTest'>, from: string): string | undefined {
  if (from.startsWith('node:')) return undefined
  const name = from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/')
  const own = packageOf(file.path)
  const manifest = manifestOf(own)
  if (name === manifest.name) return undefined
  const layer = file.path.startsWith(SOURCES) ? file.path.slice(SOURCES.length).split('/')[0] : ''
  if (!file.isTest && PURE.includes(layer)) return `${layer} has no runtime dependency; write it, or take it as a port`
  const shipped = { ...manifest.dependencies, ...manifest.peerDependencies }
  if (name in shipped) return undefined
  // Tests and tools also have what the workspace root installs, and the packages of the workspace.
  const isTool = file.isTest || own === '' || !file.path.startsWith('packages/')
  if (
    isTool &&
    (name in { ...manifest.devDependencies, ...manifestOf('').devDependencies } || WORKSPACES.includes(name))
  )
    return undefined
  return `${name} is not declared in ${own === '' ? '' : `${own}/`}package.json; add it there, with its reason in ARCHITECTURE.md`
}

interface Manifest {
  name: string
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

const manifests = everyPath().filter((path) => path === 'package.json' || path.endsWith('/package.json'))
const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
const WORKSPACES = manifests.map((path) => manifestOf(dirname(path)).name)

/** The folder of the nearest package.json above `path`; '' for the root. */
function packageOf(path: string): string {
  let folder = posix.dirname(path)
  while (folder !== '.' && !manifests.includes(`${folder}/package.json`)) folder = posix.dirname(folder)
  return folder === '.' ? '' : folder
}

describe('layers', () => {
  test('imports go one way, and every package that is imported is declared', () => {
    expect(sourceFiles().flatMap(faultsOf)).toEqual([])
  })

  test('every folder of the broker is a layer', () => {
    const folders = everyPath(join(ROOT, SOURCES)).map((path) => path.slice(SOURCES.length).split('/')[0])
    expect([...new Set(folders)].filter((folder) => !LAYERS.includes(folder))).toEqual([])
  })

  test.each([
    ['store/log.ts', '../jetstream/stream.ts', 'store imports jetstream: layers go left; define a port instead'],
    ['jetstream/x.ts', '../broker/broker.ts', 'jetstream imports broker: layers go left; define a port instead'],
    ['broker/x.ts', 'ws', 'broker has no runtime dependency; write it, or take it as a port'],
    ['server/x.ts', 'express', 'express is not declared in packages/headwater/package.json'],
    ['store/x.ts', '../base/testing/sim-fs.ts', 'simulated twins are for tests'],
    ['server/x.ts', '../../../kit/src/index.ts', 'another package is imported by its name'],
  ])('%s importing %s is refused', (path, from, fault) => {
    const file = { path: `${SOURCES}${path}`, isTest: false, imports: [{ from, typeOnly: true, line: 1 }] }
    expect(faultsOf(file).join()).toContain(fault)
  })

  test.each([
    ['server/x.ts', '../store/store.ts'],
    ['server/x.ts', '@nats-io/nats-core/internal'],
    ['store/x.ts', 'node:path'],
  ])('%s importing %s is fine', (path, from) => {
    const file = { path: `${SOURCES}${path}`, isTest: false, imports: [{ from, typeOnly: false, line: 1 }] }
    expect(faultsOf(file)).toEqual([])
  })
})

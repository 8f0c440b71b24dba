import { expect, test } from 'vitest'
import { VirtualClock } from '../base/testing/virtual-clock.ts'
import { checkFolder } from './check.ts'
import type { CheckReport } from './check-report.ts'
import {
  everyHarm,
  type Harm,
  judge,
  makeSubject,
  rigWith,
  SIZES,
  type Subject,
  servedBy,
  stateOf,
} from './corruption.case.ts'
import { salvage } from './salvage.ts'
import { FOLDER, type SimRig } from './sim-rig.case.ts'

const nameOf = (config: string): string | undefined => /"name":"(\w+)"/.exec(config)?.[1]
const SAMPLES = process.env.HEADWATER_MATRIX === 'whole' ? 4000 : 30
const configFor = (id: number): string => JSON.stringify({ name: `saved-${id}` })

async function checked(subject: Subject, harm?: Harm): Promise<CheckReport> {
  const rig = await rigWith(subject, harm)
  const before = contents(rig)
  try {
    return await checkFolder({ fs: rig.disk.mount(), folder: FOLDER, clock: new VirtualClock(), nameOf })
  } finally {
    expect(contents(rig)).toEqual(before)
    rig.stop()
  }
}

function contents(rig: SimRig): [string, string][] {
  return rig.disk.files().map(({ path }) => [path, Buffer.from(rig.disk.content(path)).toString('latin1')])
}

test.each(['clean', 'killed', 'young', 'young-killed', 'turning'] as const)(
  'a folder without harm is fine, %s',
  async (stop) => {
    const subject = await makeSubject(stop)
    const report = await checked(subject)
    expect(report.findings.filter(({ severity }) => severity !== 'note')).toEqual([])
    expect(report).toMatchObject({ fine: true, starts: true, streams: subject.streams.size })
    expect(report.messages).toBe([...subject.streams.values()].reduce((sum, messages) => sum + messages.size, 0))
  },
)

test.each(['clean', 'young', 'turning'] as const)(
  'says of each harm what a start says, with its place, %s',
  async (stop) => {
    const subject = await makeSubject(stop)
    const harms = [...everyHarm(subject)]
    const stride = Math.floor(harms.length / SAMPLES)
    const faults: string[] = []
    for (const [i, harm] of harms.entries()) {
      if (i % stride !== 0 && harm.what !== 'missing') continue
      const where = `${harm.what} ${harm.path} at ${harm.at}`
      const ending = await judge(subject, harm)
      const report = await checked(subject, harm).catch((error) => ({ error: String(error) }))
      if ('error' in report) {
        if (!(ending === 'refused' && /has format/.test(report.error))) faults.push(`${where}: ${report.error}`)
        continue
      }
      const said = JSON.stringify(report.findings)
      if (report.starts !== (ending !== 'refused')) faults.push(`${where}: ${ending}, starts ${report.starts}: ${said}`)
      const isLost = report.findings.some(({ severity }) => severity === 'lost')
      if ((ending === 'whole' || ending === 'torn') === isLost) faults.push(`${where}: ${ending}, and it says ${said}`)
      for (const { file, what, lost } of report.findings) {
        if (!file.startsWith(FOLDER) || what === '' || lost === '') faults.push(`${where}: ${said}`)
      }
    }
    expect(faults.slice(0, 5)).toEqual([])
  },
  3_600_000,
)

test.each(['clean', 'young', 'turning'] as const)(
  'a copy has what holds, and nothing else, %s',
  async (stop) => {
    const subject = await makeSubject(stop)
    const harms = [...everyHarm(subject)]
    const stride = Math.floor(harms.length / SAMPLES)
    const faults: string[] = []
    for (const [i, harm] of harms.entries()) {
      if (i % stride !== 0 && harm.what !== 'missing') continue
      const where = `${harm.what} ${harm.path} at ${harm.at}`
      const rig = await rigWith(subject, harm)
      const before = contents(rig)
      try {
        const fs = rig.disk.mount()
        const report = await salvage({ fs, folder: FOLDER, to: '/copy', clock: rig.realClock, nameOf, configFor })
        expect(contents(rig).filter(([path]) => !path.startsWith('/copy'))).toEqual(before)
        const store = await rig.open({ folder: '/copy', ...SIZES })
        faults.push(
          ...(
            await compare(
              subject,
              await servedBy(store),
              report.whole && harm.path !== subject.openEnd,
              harm.what === 'flip',
            )
          ).map((text) => `${where}: ${text}`),
        )
        if (store.recovery.damage.length > 0) faults.push(`${where}: the copy has damage`)
        await store.close()
      } catch (error) {
        faults.push(`${where}: ${(error as Error).stack}`)
      } finally {
        rig.stop()
      }
    }
    expect(faults.slice(0, 5)).toEqual([])
  },
  3_600_000,
)

test.each(['clean', 'killed', 'young', 'turning'] as const)(
  'a copy of an unharmed folder is the same, %s',
  async (stop) => {
    const subject = await makeSubject(stop)
    const rig = await rigWith(subject)
    const fs = rig.disk.mount()
    const report = await salvage({ fs, folder: FOLDER, to: '/copy', clock: rig.realClock, nameOf, configFor })
    expect(report).toMatchObject({ whole: true, check: { fine: true } })
    expect(report.streams.flatMap(({ lost, notes }) => [...lost, ...notes])).toEqual([])
    const store = await rig.open({ folder: '/copy', ...SIZES })
    expect(await servedBy(store)).toEqual(subject.streams)
    expect(new Map(store.streams().map((log) => [log.config, stateOf(log)]))).toEqual(subject.states)
    await store.close()
    rig.stop()
  },
)

async function compare(subject: Subject, copy: Subject['streams'], whole: boolean, isFlip: boolean): Promise<string[]> {
  const faults: string[] = []
  let lost = 0
  let back = 0
  for (const [config, messages] of subject.streams) {
    const saved =
      copy.get(config) ??
      [...copy].find(([other, lines]) => other.includes('saved-') && isPartOf(lines, subject.ever.get(config)))?.[1]
    for (const [seq, line] of saved ?? []) {
      if (subject.ever.get(config)?.get(seq) !== line) faults.push(`${config} ${seq} is wrong: ${line}`)
    }
    back += [...(saved ?? []).keys()].filter((seq) => !messages.has(seq)).length
    lost += [...messages.keys()].filter((seq) => !saved?.has(seq)).length
  }
  if (isFlip && lost > 4) faults.push(`${lost} messages are lost`)
  if (whole && lost > 0) faults.push(`${lost} messages are lost, and it says that none is`)
  if (whole && back > 0) faults.push(`${back} messages are back that were removed, and it says that all is whole`)
  return faults
}

function isPartOf(lines: ReadonlyMap<number, string>, ever: ReadonlyMap<number, string> | undefined): boolean {
  return [...lines].some(([seq, line]) => ever?.get(seq) === line)
}

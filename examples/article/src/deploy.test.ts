/** The article's deployment files: which of their keys and names exist, checked against what the chart and its exporter have. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { printedText } from './printed.ts'

const deployed = (name: string): string => readFileSync(new URL(`../deploy/${name}`, import.meta.url), 'utf8')

/** Key paths of block-style YAML: enough for these files, and not a YAML parser. */
function pathsOf(yaml: string): string[] {
  const open: { indent: number; key: string }[] = []
  return yaml.split('\n').flatMap((line) => {
    const match = /^( *)([\w./-]+):/.exec(line)
    if (!match) return []
    while (open.length > 0 && open[open.length - 1].indent >= match[1].length) open.pop()
    open.push({ indent: match[1].length, key: match[2] })
    return [open.map((one) => one.key).join(' ')]
  })
}

/** Values of the official chart that these files use. Below a `merge`, everything is Kubernetes'. */
const CHART_VALUES = [
  'config cluster enabled',
  'config cluster replicas',
  'config jetstream enabled',
  'config jetstream fileStore enabled',
  'config jetstream fileStore dir',
  'config jetstream fileStore maxSize',
  'config jetstream fileStore pvc size',
  'config jetstream fileStore pvc storageClassName',
  'config jetstream memoryStore enabled',
  'config jetstream memoryStore maxSize',
  'container image tag',
  'container env GOMEMLIMIT',
  'natsBox enabled',
  'promExporter enabled',
  'promExporter port',
  'promExporter podMonitor enabled',
  'podTemplate topologySpreadConstraints kubernetes.io/hostname maxSkew',
  'podTemplate topologySpreadConstraints kubernetes.io/hostname whenUnsatisfiable',
]

/** Printed keys that the chart does not have, and where each belongs. */
const PRINTED_AND_IGNORED: Record<string, string> = {
  storageDirectory: '',
  memStore: 'memoryStore',
  volumeClaimTemplates: 'pvc',
}

/** Printed metrics that no exporter of the chart has, and the one to use. */
const METRICS: Record<string, string> = {
  nats_jetstream_messages_bytes: 'nats_stream_total_bytes',
  nats_server_slow_consumer_count: 'nats_varz_slow_consumers',
  nats_jetstream_api_errors_total: 'nats_varz_jetstream_stats_api_errors',
}

test('nats-values.yaml: every corrected key exists in the chart', () => {
  const paths = pathsOf(deployed('nats-values.yaml'))
  const leaves = paths.filter((path) => !paths.some((other) => other.startsWith(`${path} `)))
  const unknown = leaves.filter((path) => !CHART_VALUES.includes(path) && !/ merge /.test(path))
  expect(unknown).toEqual([])
})

test.each(Object.entries(PRINTED_AND_IGNORED))(
  'nats-values.yaml: the printed key %s is ignored by the chart',
  (key, instead) => {
    expect(printedText('nats-values.yaml')).toContain(`${key}:`)
    expect(CHART_VALUES.some((path) => path.split(' ').includes(key))).toBe(false)
    const corrected = pathsOf(deployed('nats-values.yaml')).join('\n')
    expect(corrected).not.toMatch(new RegExp(`\\b${key}\\b`))
    if (instead) expect(corrected).toContain(instead)
  },
)

test('nats-values.yaml: what is promised fits: memory in the container, files on the volume', () => {
  const values = deployed('nats-values.yaml')
  const sizes = [...values.matchAll(/^ +(maxSize|size|memory): "?(\d+)Gi/gm)].map(
    (match) => [match[1], Number(match[2])] as const,
  )
  const [files, volume, memory, , limit] = sizes.map(([, size]) => size)
  expect(sizes.map(([name]) => name)).toEqual(['maxSize', 'size', 'maxSize', 'memory', 'memory'])
  expect(files).toBeLessThan(volume)
  expect(memory).toBeLessThan(limit)
  // As printed: 2Gi of memory streams in a container of 1Gi, and 20Gi of files on a volume of the default 10Gi.
  expect(printedText('nats-values.yaml')).toMatch(/maxSize: 2Gi[\s\S]*limits:\ncpu: 1000m\nmemory: 1Gi/)
})

test('servicemonitor.yaml: the printed port belongs to no Service of the chart; a PodMonitor finds the exporter', () => {
  expect(printedText('servicemonitor.yaml')).toContain('port: prom-metrics')
  expect(pathsOf(deployed('nats-values.yaml'))).toContain('promExporter podMonitor enabled')
})

test('the metrics to alert on exist', () => {
  const alerts = deployed('alerts.yaml')
  for (const [printed, instead] of Object.entries(METRICS)) {
    expect(alerts).not.toContain(printed)
    expect(alerts).toContain(instead)
  }
})

test('install-nats.sh installs with the corrected values', () => {
  expect(printedText('install-nats.sh')).toContain('helm install nats nats/nats')
  expect(deployed('install-nats.sh')).toContain('--values nats-values.yaml')
  expect(printedText('install-nats-js.sh').trim()).toBe('npm install nats')
})

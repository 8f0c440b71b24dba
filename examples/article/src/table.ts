/** The table of README.md: what each printed block does. */
import type { Scenario } from './printed-scenarios.ts'

export function tableOf(scenarios: readonly Scenario[]): string {
  const rows = scenarios.map(({ block, client, given, does, judge }) => {
    const elsewhere = judge ? ` (nats-server: ${judge})` : ''
    return `| ${block} | ${client} | ${given || '-'} | ${does}${elsewhere} |`
  })
  return ['| block | client | given | what it does, as printed |', '|---|---|---|---|', ...rows].join('\n')
}

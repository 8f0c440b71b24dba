/** The name that stands in a stored configuration: what the store keeps without looking at it. */

/** Of a stream's or a consumer's configuration as JSON; '' when it has none. */
export function nameIn(config: string): string {
  const stored = JSON.parse(config) as { name?: string; config?: { name?: string; durable_name?: string } }
  return stored.name ?? stored.config?.name ?? stored.config?.durable_name ?? ''
}

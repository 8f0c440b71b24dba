/** The orders of a run: made from their number alone, so that the end can be checked against the beginning. */

export interface Order {
  id: string
  customerId: string
  /** Missing in a poison order: no handler will ever manage it. */
  totalCents?: number
  /** Set when even trying again is pointless: the handler terminates the message at once. */
  unsupported?: true
}

const CUSTOMERS = 20

/** The one customer whose events are read in order. */
export const WATCHED_CUSTOMER = 'cust-0007'

/** Order number `index` of a run of `count`. */
export function makeOrder(index: number, count: number): Order {
  const order: Order = {
    id: `ord-${String(index).padStart(6, '0')}`,
    customerId: `cust-${String(index % CUSTOMERS).padStart(4, '0')}`,
  }
  const poison = poisonKind(index, count)
  if (poison === 'terminated') order.unsupported = true
  if (poison === undefined) order.totalCents = 500 + ((index * 7919) % 20_000)
  return order
}

/** Five orders, spread over the run, cannot be processed: four exhaust their deliveries, one is terminated. */
export function poisonKind(index: number, count: number): 'max-deliver' | 'terminated' | undefined {
  const step = Math.floor(count / 5)
  const offset = Math.floor(step / 2)
  if (index % step !== offset || Math.floor(index / step) > 4) return undefined
  return Math.floor(index / step) === 2 ? 'terminated' : 'max-deliver'
}

/** The id that the duplicate window recognises an order by, however often it is sent. */
export function messageId(order: Order): string {
  return `order-${order.id}`
}

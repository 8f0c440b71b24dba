/** The command line of the order flow, and its help. */
import { parseArgs } from 'node:util'

export interface FlowOptions {
  /** How many orders are placed. */
  orders: number
  /** How often the broker is killed (SIGKILL) and restarted on the same data; 0 when the servers are not ours. */
  kills: number
  /** Servers to use instead of a broker of our own. */
  servers: string[] | undefined
  /** Copies of each stream. */
  replicas: number
  /** The program to run as the broker, when it is not Headwater: it takes nats-server's flags. */
  broker: string | undefined
  /** Delete streams that a former run left on those servers. */
  replace: boolean
  /** Keep the temporary folder (broker data, databases) and say where it is. */
  keep: boolean
  /** Show what NestJS logs. */
  verbose: boolean
}

export const help: string = `The order flow: NestJS, durable consumers, dead letters and replay, with a broker that is killed in the middle.

Usage: npm start -- [options]

  --orders N              orders to place (default 2000)
  --kills N               SIGKILLs of the broker (default 4; needs a broker of our own)
  --broker PROGRAM        run this as the broker (it takes nats-server's flags) instead of Headwater
  --servers URL[,URL...]  use these NATS servers instead of starting Headwater
  --replicas N            copies of each stream with --servers (default: 3 when the servers form a cluster, else 1)
  --replace               delete the streams ORDERS and ORDERS_DEAD first, if those servers have them
  --keep                  keep the temporary folder
  --verbose               show what NestJS logs
  --help                  this text

Exit code: 0 when every order adds up, 1 with the difference when not, 2 for bad usage.
`

/** Bad usage; the text says what to write instead. */
export class UsageError extends Error {}

/** Reads the arguments; undefined when help was asked for. Throws UsageError. */
export function readOptions(args: string[]): FlowOptions | undefined {
  let values: Record<string, string | boolean | undefined>
  try {
    values = parseArgs({
      args,
      options: {
        orders: { type: 'string' },
        kills: { type: 'string' },
        servers: { type: 'string' },
        replicas: { type: 'string' },
        broker: { type: 'string' },
        replace: { type: 'boolean' },
        keep: { type: 'boolean' },
        verbose: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  if (values.help) return undefined
  const servers = (values.servers as string | undefined)?.split(',').map((url) => url.trim())
  if (servers?.some((url) => url === '')) throw new UsageError('--servers wants URLs separated by commas')
  if (servers && values.kills !== undefined)
    throw new UsageError('--kills needs a broker of our own: leave --servers out')
  return {
    orders: whole('--orders', values.orders, 2000, 50, 1_000_000),
    kills: servers ? 0 : whole('--kills', values.kills, 4, 0, 100),
    servers,
    broker: values.broker as string | undefined,
    replicas: whole('--replicas', values.replicas, 0, 1, 5),
    replace: values.replace === true,
    keep: values.keep === true,
    verbose: values.verbose === true,
  }
}

function whole(name: string, value: string | boolean | undefined, otherwise: number, min: number, max: number): number {
  if (value === undefined) return otherwise
  const number = Number(value)
  if (!Number.isInteger(number) || number < min || number > max) {
    throw new UsageError(`${name} wants a whole number from ${min} to ${max}, not "${value}"`)
  }
  return number
}

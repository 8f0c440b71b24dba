/**
 * `onLocked: 'join'`: two starts on one data folder give one server. Whoever has the folder leaves its address in it, readable
 * by the same user alone; whoever comes second connects there instead of failing (hot reload, a script beside a dev server).
 */
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { FileSystem } from '../base/fs.ts'
import type { ClientCredentials } from './access.ts'

const FILE = 'ADDRESS'
const BYTES_MAX = 4096
/** The holder may still be reading its data: its address is waited for this long. */
const WAIT_MS = 10_000
const LOOK_MS = 25

/** Where the holder of a folder listens, and what its internal user presents. */
export interface Address {
  readonly url: string
  readonly credentials: ClientCredentials
}

/** Leaves the address in the folder (mode 0600); the result takes it away. */
export async function leaveAddress(fs: FileSystem, folder: string, address: Address): Promise<() => Promise<void>> {
  const path = `${folder}/${FILE}`
  await forgetAddress(fs, folder)
  const file = await fs.open(path, 'create')
  await file.writeAt([new TextEncoder().encode(JSON.stringify(address))], 0)
  await file.close()
  return () => forgetAddress(fs, folder)
}

/** Takes away what an earlier holder left. */
export async function forgetAddress(fs: FileSystem, folder: string): Promise<void> {
  const path = `${folder}/${FILE}`
  if (await fs.exists(path)) await fs.unlink(path)
}

/** The address of whoever holds the folder; throws `locked` when there is none to be had. */
export async function addressOfHolder(
  fs: FileSystem,
  folder: string,
  clock: Clock,
  locked: HeadwaterError,
): Promise<Address> {
  const untilMs = clock.now() + WAIT_MS
  for (;;) {
    const address = await read(fs, `${folder}/${FILE}`)
    if (address) return address
    if (clock.now() > untilMs) {
      throw new HeadwaterError('HW_DATA_LOCKED', `${locked.message}; it has no address to join`, {
        hint: 'Start the holder with a port, or with a version that leaves its address.',
        cause: locked,
      })
    }
    await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve))
  }
}

/** Undefined while it is not there, or not whole yet. */
async function read(fs: FileSystem, path: string): Promise<Address | undefined> {
  if (!(await fs.exists(path))) return undefined
  try {
    const file = await fs.open(path, 'read')
    const bytes = new Uint8Array(BYTES_MAX)
    const length = await file.readAt(bytes, 0)
    await file.close()
    return JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))) as Address
  } catch {
    // Being written, or being taken away: the next look decides.
    return undefined
  }
}

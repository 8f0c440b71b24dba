/** Storage and JetStream of one server: opened together on a bus, closed together. */
import type { Bus } from '../jetstream/bus.ts'
import { JetStream } from '../jetstream/jetstream.ts'
import type { HeldMessages } from '../monitor/snapshot.ts'
import { openFileStore } from '../store/file-store.ts'
import { openMemoryStore } from '../store/memory-store.ts'
import type { Store } from '../store/store.ts'
import type { Events } from './events.ts'
import type { Settings } from './options.ts'
import type { Seams } from './seams.ts'
import { nameIn } from './stored-names.ts'

/** What runs behind the broker when JetStream is on. */
export interface Engine {
  readonly store: Store
  readonly jetstream: JetStream
}

/** Opens the data folder (or memory) and everything in it. Throws what the store throws: HW_DATA_LOCKED, HW_DATA_NEWER, ... */
export async function openEngine(
  settings: Settings,
  seams: Seams,
  bus: Bus,
  serverName: string,
  events: Events,
): Promise<Engine> {
  const store = await openStore(settings, seams)
  try {
    const { maxPayloadBytes, maxMemoryBytes, maxStorageBytes, maxStreams, maxConsumers } = settings.limits
    const jetstream = JetStream.open(
      {
        bus,
        clock: seams.messageClock,
        realClock: seams.connectionClock,
        random: seams.random,
        turn: seams.turn,
        log: settings.logger,
        serverName,
        events: {
          deadLetter: (letter) => events.emit('deadLetter', letter),
          deadLetterHeld: (held) => events.emit('deadLetterHeld', held),
        },
        limits: {
          maxPayloadBytes,
          maxMemoryBytes,
          maxStorageBytes,
          maxStreams,
          maxConsumers,
          replicas: settings.replicas,
        },
      },
      store,
    )
    await jetstream.ready
    return { store, jetstream }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Answers what is on its way to the disk, tells whoever waits that the server goes, and serves no more. The store stays open. */
export async function stopServing(engine: Engine): Promise<void> {
  await whenFlushed(engine)
  engine.jetstream.close()
  await whenFlushed(engine)
}

/** Resolves when everything appended so far is safe to show, or can never be. */
export function whenFlushed({ store }: Engine): Promise<void> {
  return new Promise((resolve) => store.whenReadable({ readable: resolve, failed: () => resolve() }))
}

/** Consumers whose dead letters cannot be written now, with how many messages each holds. */
export function heldBy({ store }: Engine): HeldMessages[] {
  return store.streams().flatMap((log) =>
    log
      .consumers()
      .filter((consumer) => consumer.progress.held.size > 0)
      .map((consumer) => ({
        stream: nameIn(log.config),
        consumer: nameIn(consumer.config),
        messages: consumer.progress.held.size,
      })),
  )
}

async function openStore(settings: Settings, seams: Seams): Promise<Store> {
  const shared = { clock: seams.messageClock, turn: seams.turn, log: settings.logger }
  if (settings.data === 'memory') return openMemoryStore(shared)
  return openFileStore({
    ...shared,
    folder: settings.data,
    sync: settings.sync,
    fs: seams.fs,
    realClock: seams.connectionClock,
    journalBytes: seams.journalBytes,
    scrubBytesPerSecond: settings.scrub === false ? undefined : settings.scrub,
  })
}

/**
 * The embedded SQL database (SQLite, compiled to WebAssembly), and the one rule that makes redelivery harmless:
 * an effect and the record that it happened are one transaction.
 */
import { rmSync } from 'node:fs'
import sqlite, { type SQLiteValue, type Database as Sqlite } from 'node-sqlite3-wasm'

export type Row = Record<string, SQLiteValue>

export class Database {
  readonly #sqlite: Sqlite

  /**
   * Opens `path` and makes sure of its tables. One process owns the file: what is left of the lock is from a former owner
   * that was killed while it held it, and SQLite itself rolls its unfinished transaction back.
   */
  constructor(path: string, schema: string) {
    rmSync(`${path}.lock`, { recursive: true, force: true })
    this.#sqlite = new sqlite.Database(path)
    // One owner, so the log needs no shared memory, and a commit costs one sync.
    this.#sqlite.exec('PRAGMA locking_mode = EXCLUSIVE')
    this.#sqlite.exec('PRAGMA journal_mode = WAL')
    this.#sqlite.exec('PRAGMA synchronous = FULL')
    this.#sqlite.exec(schema)
  }

  /** Everything in `work` or nothing of it. Synchronous, so nobody else's statement can slip in between. */
  transaction<T>(work: () => T): T {
    this.#sqlite.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#sqlite.exec('COMMIT')
      return result
    } catch (error) {
      this.#sqlite.exec('ROLLBACK')
      throw error
    }
  }

  /**
   * Runs `effect` unless `consumer` has already handled the message with this sequence; false when it had.
   * The insert decides, not a query before it: two redeliveries at once cannot both come out as the first.
   */
  runOnce(consumer: string, seq: number, effect: () => void): boolean {
    return this.transaction(() => {
      const insert =
        'INSERT INTO processed_events (consumer, nats_seq) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING 1'
      if (this.all(insert, consumer, seq).length === 0) return false
      effect()
      return true
    })
  }

  run(sql: string, ...values: SQLiteValue[]): void {
    this.#sqlite.run(sql, values)
  }

  all(sql: string, ...values: SQLiteValue[]): Row[] {
    return this.#sqlite.all(sql, values) as Row[]
  }

  /** The one number that `sql` asks for. */
  number(sql: string): number {
    return Number(Object.values(this.all(sql)[0] ?? { none: 0 })[0] ?? 0)
  }

  close(): void {
    this.#sqlite.close()
  }
}

/** What the two processors write. `fulfilments` has no unique column on purpose: a second effect would show. */
export const ordersSchema = `
  CREATE TABLE IF NOT EXISTS processed_events (consumer TEXT, nats_seq INTEGER, PRIMARY KEY (consumer, nats_seq));
  CREATE TABLE IF NOT EXISTS fulfilments (order_id TEXT, total_cents INTEGER);
  CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY, spent_cents INTEGER);
`

/** What the ledger writes: its entries, and in the same transaction how far it has read. */
export const ledgerSchema = `
  CREATE TABLE IF NOT EXISTS entries (nats_seq INTEGER, order_id TEXT, total_cents INTEGER);
  CREATE TABLE IF NOT EXISTS position (id INTEGER PRIMARY KEY CHECK (id = 1), nats_seq INTEGER);
  INSERT INTO position (id, nats_seq) VALUES (1, 0) ON CONFLICT DO NOTHING;
`

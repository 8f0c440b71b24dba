/** The part of a database that the idempotent handler needs; in SQL, insertOnce is INSERT ... ON CONFLICT DO NOTHING. */

export interface Transaction {
  /** False when the key was there before, committed or not: then the caller waits for who inserts it, and learns. */
  insertOnce(table: string, key: string): Promise<boolean>
  insert(table: string, row: unknown): Promise<void>
}

export interface Database {
  /** All or nothing. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
}

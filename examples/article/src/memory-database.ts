/** A database small enough to read: two tables, one unique key, and every call takes a moment, so that others run in between. */
import type { Database, Transaction } from './corrected/database.ts'

const moment = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** As the printed handler calls it (`query` of SQL text), and as the corrected one does. */
export function memoryDatabase() {
  const processed = new Set<unknown>()
  let orders = 0
  /** Keys of open transactions: who inserts the same one waits, as in a real database. */
  let open: Promise<unknown> = Promise.resolve()
  const query = async (sql: string, values: unknown[]) => {
    await moment()
    if (sql.startsWith('SELECT')) return { rowCount: processed.has(values[0]) ? 1 : 0 }
    if (sql.startsWith('INSERT INTO processed_events')) {
      if (processed.has(values[0])) throw new Error('duplicate key')
      processed.add(values[0])
    }
    return { rowCount: 1, isOrder: sql.startsWith('INSERT INTO orders') }
  }
  /** What a transaction did to orders counts when it ends well. */
  const printed = {
    query,
    transaction: async (work: (tx: { query: typeof query }) => Promise<void>) => {
      let inserted = 0
      await work({
        query: async (sql, values) => {
          const result = await query(sql, values)
          if (result.isOrder) inserted++
          return result
        },
      })
      orders += inserted
    },
  }
  const corrected: Database = {
    transaction: (work) => {
      const mine = open.then(async () => {
        const tx: Transaction = {
          insertOnce: async (_table, key) => {
            await moment()
            return processed.size !== processed.add(key).size
          },
          insert: async () => {
            await moment()
            orders++
          },
        }
        return work(tx)
      })
      open = mine.catch(() => {})
      return mine
    },
  }
  return { db: printed, corrected, orders: () => orders }
}

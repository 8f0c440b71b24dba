import { expect, it } from 'vitest'
import type { InternalClient } from '../broker/internal-client.ts'
import type { Bus } from '../jetstream/bus.ts'

it("the broker's internal client is the bus that the engine asks for", () => {
  // The proof is the assignment: the type checker refuses it when the two drift apart.
  const asBus = (client: InternalClient): Bus => client
  expect(asBus).toBeTypeOf('function')
})

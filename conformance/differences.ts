/**
 * Every place where Headwater answers otherwise than nats-server, with the reason. The one table: docs/differences.md is generated from it
 * (`npm run conformance -- --docs`), and a case may only differ through a row of it.
 */

export interface Difference {
  /** What cases refer to. */
  readonly id: string
  readonly headwater: string
  readonly natsServer: string
  readonly reason: string
}

export const differences: readonly Difference[] = [
  {
    id: 'identity',
    headwater:
      'INFO says version 2.10.29 (the newest version all of whose gated features are there) and no API level; the account info says level 0; a request that requires a level above 0 is refused.',
    natsServer: 'INFO says its own version, API level 5.',
    reason: 'Clients switch features on by this version. It rises as features of later versions arrive.',
  },
  {
    id: 'level-metadata',
    headwater: 'Stream and consumer metadata has no `_nats.*` entries.',
    natsServer: 'Adds `_nats.ver`, `_nats.level` and `_nats.req.level`.',
    reason: 'They came with 2.11; a 2.10 server has none.',
  },
  {
    id: 'newer-features',
    headwater: 'Refuses them by name.',
    natsServer: 'Accepts them.',
    reason: 'They come in later versions of Headwater. What is not supported is refused, never accepted and ignored.',
  },
  {
    id: 'later',
    headwater:
      'Mirrors, sources, republish, subject transforms, S2 compression, direct consumers, snapshot and restore are refused by name.',
    natsServer: 'Has them.',
    reason: 'They come in a later version of Headwater; until then nothing is accepted and ignored.',
  },
  {
    id: 'dead-letters',
    headwater:
      '`dead_letter` on a consumer is accepted and echoed, as is `metadata["headwater.dead_letter"]`, which takes effect.',
    natsServer: 'Refuses the unknown field (10025); keeps the metadata without meaning.',
    reason: 'Dead letters are what Headwater adds. On a NATS cluster the kit has a relay.',
  },
  {
    id: 'unknown-api',
    headwater: 'A request to an unknown `$JS.API` subject is answered: 10003, bad request.',
    natsServer: 'Says nothing at all, not even that nobody listens.',
    reason: 'A mistyped request should not end in a time-out.',
  },
  {
    id: 'delete-missing',
    headwater: 'Deleting a message that is not there is 10043, `sequence N not found`, in every kind of stream.',
    natsServer: 'So in memory streams; in file streams beyond the last message it is 10057, `stream store EOF`.',
    reason: 'One behaviour for both kinds of storage.',
  },
  {
    id: 'interest-last-ts',
    headwater:
      'A message that takes a sequence in an interest stream and is wanted by nobody leaves `last_ts` as it was.',
    natsServer: 'Moves `last_ts`.',
    reason: '`last_ts` is the time of the last message that was stored.',
  },
  {
    id: 'purge-floor',
    headwater:
      'Messages that a purge or a roll-up removes wait for no ack any more; the ack floor is right below the first message that still does.',
    natsServer:
      'After a purge of a part the consumer sequence of the floor may be beyond messages that still wait; messages removed by a roll-up count as waiting until their ack_wait is over.',
    reason: 'The floor says that everything up to it is settled.',
  },
  {
    id: 'redelivery-restart',
    headwater: 'A message that was asked for again (`-NAK`) comes again after a restart, at once.',
    natsServer: 'Forgets it over a restart, and waits for `ack_wait`.',
    reason: 'What a consumer answered is kept like everything else.',
  },
  {
    id: 'dedupe-restart',
    headwater:
      'A duplicate is recognised after a restart too when its original was consumed or removed meanwhile (the newest 65,536 ids of a stream inside the window).',
    natsServer: 'Reads the window back from the messages that are there: the ids of those that left are forgotten.',
    reason: 'A publisher that tries again after a crash must not have its order processed twice.',
  },
  {
    id: 'json-words',
    headwater:
      'What comes after `invalid JSON: ` (10025) are the words of our own decoder; an unknown field is named in the same words.',
    natsServer: 'The words of its JSON library, with the names of its types.',
    reason: 'Code, err_code and beginning are what a client can go by.',
  },
  {
    id: 'sync',
    headwater: 'A PubAck leaves after the message is written and synced.',
    natsServer: 'A PubAck leaves before the message is synced; the disk is synced every two minutes.',
    reason: 'Acknowledged means kept. `sync` sets it otherwise.',
  },
]

/** The page that is generated from the table. */
export function differencesPage(): string {
  const rows = differences.map(
    ({ id, headwater, natsServer, reason }) => `| ${id} | ${headwater} | ${natsServer} | ${reason} |`,
  )
  return [
    '# Where Headwater differs from nats-server',
    '',
    'Generated from `conformance/differences.ts` by `npm run conformance -- --docs`. Everything else that the conformance suite looks at is the same on both.',
    '',
    '| | Headwater | nats-server | why |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

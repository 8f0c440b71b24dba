/** INFO: what a server says of itself, and when it says it again. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'

export const info: Group = {
  name: 'core/info',
  cases: [
    {
      name: 'the first line is INFO with the fields that clients read',
      async run(t) {
        const c = await t.rawOpen()
        expectMatch(c.info, {
          proto: 1,
          headers: true,
          host: '127.0.0.1',
          port: t.server.port,
          max_payload: 1048576,
          jetstream: true,
          client_ip: '127.0.0.1',
        })
        expectMatch(c.info, {
          server_id: /^N[A-Z2-7]{55}$/,
          server_name: /^.+$/,
          version: /^\d+\.\d+\.\d+$/,
          go: /^.+$/,
        })
        expectTrue(Number.isInteger(c.info.client_id) && c.info.client_id > 0, 'client_id is a positive integer')
        for (const absent of [
          'auth_required',
          'tls_required',
          'tls_verify',
          'tls_available',
          'nonce',
          'cluster',
          'domain',
          'connect_urls',
          'ldm',
          'connect_info',
        ]) {
          expectEqual(c.info[absent], undefined, absent)
        }
        t.differs('identity', [c.info.version.split('.').slice(0, 2).join('.'), c.info.api_lvl], {
          headwater: ['2.10', undefined],
          judge: ['2.15', 5],
        })
      },
    },
  ],
}

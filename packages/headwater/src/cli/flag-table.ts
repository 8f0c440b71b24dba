/** The flags that are no options of the server, and those of nats-server that are refused by name. One row each. */

/** A flag of the command line alone. */
export interface FlagRow {
  readonly names: readonly string[]
  /** What follows it; undefined for a switch. */
  readonly value?: string
  readonly doc: string
}

/** Beside the flags of the options (server/option-table.ts). */
export const OTHER_FLAGS: readonly FlagRow[] = [
  { names: ['user'], value: '<name>', doc: 'The user that every client must present, with --pass.' },
  { names: ['pass'], value: '<password>', doc: 'The password of --user.' },
  { names: ['P', 'pid'], value: '<file>', doc: 'Write the process id into this file; removed at the end.' },
  { names: ['D', 'debug'], doc: 'Say more of what happens.' },
  { names: ['DV'], doc: 'Both -D and -V.' },
  { names: ['v', 'version'], doc: 'Print the version and end.' },
  { names: ['h', 'help'], doc: 'Print this and end.' },
]

/** Known to whoever knows nats-server, and not there: an error that says what to do instead. */
export const REFUSED_FLAGS: readonly { readonly names: readonly string[]; readonly instead: string }[] = [
  { names: ['c', 'config'], instead: 'Configuration files come later: say the same with flags.' },
  { names: ['t'], instead: 'There is no configuration file to test yet.' },
  { names: ['sl', 'signal'], instead: 'Use kill -INT or kill -TERM on the process: both drain and end it.' },
  {
    names: ['tls', 'tlscert', 'tlskey', 'tlsverify', 'tlscacert', 'help_tls', 'ms', 'https_port'],
    instead: 'TLS comes later: stay on loopback, or put a TLS proxy in front.',
  },
  {
    names: [
      'routes',
      'cluster',
      'cluster_name',
      'cluster_listen',
      'cluster_advertise',
      'no_advertise',
      'connect_retries',
      'client_advertise',
    ],
    instead: 'One Headwater is one machine; for several, run the same applications on a NATS cluster.',
  },
  {
    names: ['l', 'log', 's', 'syslog', 'r', 'remote_syslog', 'log_size_limit'],
    instead: 'The log goes to standard error: redirect it, or let the process manager keep it.',
  },
  {
    names: ['T', 'logtime', 'logtime_utc', 'VV', 'DVV', 'max_traced_msg_len'],
    instead: 'Log lines carry the time in UTC; -D and -V say more.',
  },
  { names: ['ports_file_dir'], instead: 'The address is printed at the start.' },
  { names: ['profile'], instead: 'Use node --cpu-prof with the same command.' },
]

const LATER = 'is not there yet; for streams and consumers use the official nats CLI'

/** Commands that come with their features. */
export const VERBS: Readonly<Record<string, string>> = Object.fromEntries(
  ['dead', 'explain', 'backup', 'restore', 'bench', 'verify'].map((verb) => [verb, `headwater ${verb} ${LATER}`]),
)

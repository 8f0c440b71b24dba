/** What one user may publish and subscribe: lists of subjects that allow, and lists that deny. A denial wins. */
import { toWire } from '../protocol/encode.ts'
import { isSubsetOf, subjectMatches, subjectsCollide } from '../protocol/subject.ts'
import type { ResponseRules } from './responses.ts'

/** Subjects with wildcards. In `subscribe` an entry may name a queue group too: `orders.* workers` is about that group alone. */
export interface SubjectRules {
  /** Everything, when undefined. */
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

/** As a user has them in the configuration. */
export interface Permissions {
  readonly publish?: SubjectRules
  readonly subscribe?: SubjectRules
  /** Answers to requests may be published besides. Without rules for publishing, nothing else may. */
  readonly allowResponses?: ResponseRules
}

interface Entry {
  readonly subject: string
  readonly queue: string | undefined
}

/** Verdicts on subjects of publishes that are remembered. */
const REMEMBERED_MAX = 4096

/** Decides; subjects and queues are wire text. */
export class PermissionSet {
  readonly #publishAllow: readonly string[] | undefined
  readonly #publishDeny: readonly string[]
  readonly #subscribeAllow: readonly Entry[] | undefined
  readonly #subscribeDeny: readonly Entry[]
  /** How requests may be answered; undefined when that is nothing special. */
  readonly responses: ResponseRules | undefined
  readonly #verdicts = new Map<string, boolean>()

  constructor(permissions: Permissions) {
    this.responses = permissions.allowResponses
    const isOnlyAnswering = permissions.publish === undefined && this.responses !== undefined
    this.#publishAllow = isOnlyAnswering ? [] : permissions.publish?.allow?.map(toWire)
    this.#publishDeny = (permissions.publish?.deny ?? []).map(toWire)
    this.#subscribeAllow = permissions.subscribe?.allow?.map(entryOf)
    this.#subscribeDeny = (permissions.subscribe?.deny ?? []).map(entryOf)
  }

  /** Whether a message on `subject` may be published. HOT for users with permissions: verdicts are remembered. */
  mayPublish(subject: string): boolean {
    const known = this.#verdicts.get(subject)
    if (known !== undefined) return known
    const matches = (pattern: string): boolean => subjectMatches(pattern, subject)
    const may = (this.#publishAllow?.some(matches) ?? true) && !this.#publishDeny.some(matches)
    if (this.#verdicts.size === REMEMBERED_MAX) this.#verdicts.clear()
    this.#verdicts.set(subject, may)
    return may
  }

  /**
   * Whether `subject` may be subscribed to. All of it must lie in what is allowed (nats-server lets `a.>` pass where only `a.*` is
   * allowed, and so everything below; we do not). It is denied when a denial matches it as text: `a.*` denies `a.>` too.
   */
  maySubscribe(subject: string, queue: string | undefined): boolean {
    const allows = (entry: Entry): boolean => isSubsetOf(subject, entry.subject) && concerns(entry, queue)
    const denies = (entry: Entry): boolean => subjectMatches(entry.subject, subject) && concerns(entry, queue)
    return (this.#subscribeAllow?.some(allows) ?? true) && !this.#subscribeDeny.some(denies)
  }

  /** The denied subjects that a wider, permitted subscription would reach: its messages on them are not delivered. */
  deniedWithin(subject: string, queue: string | undefined): readonly string[] {
    return this.#subscribeDeny
      .filter((entry) => concerns(entry, queue) && subjectsCollide(entry.subject, subject))
      .map((entry) => entry.subject)
  }
}

/** An entry without a queue is about every subscription; one with a queue about matching groups only. */
function concerns(entry: Entry, queue: string | undefined): boolean {
  return entry.queue === undefined || (queue !== undefined && subjectMatches(entry.queue, queue))
}

function entryOf(text: string): Entry {
  const [subject, queue] = toWire(text).trim().split(/\s+/)
  return { subject, queue }
}

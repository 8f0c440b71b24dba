/** A segment: a file of one stream, in which runs follow each other. */

export interface Segment {
  readonly name: string
}
